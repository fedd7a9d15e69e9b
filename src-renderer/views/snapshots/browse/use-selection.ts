import { computed, type Ref, ref, shallowRef } from 'vue';
import { restorePathsMax } from '../../../../src-main/contract/index.ts';
import type { PickHow } from '../../../components/index.ts';
import { useAnnouncer } from '../../../composables/index.ts';
import { type EntryRow, rowKey } from './entry-row.ts';
import type { RowsModel } from './rows-model.ts';
import { allPicked, emptySelection, picked, type Selection } from './selection.ts';

/** What is selected in a list, and the row of the keyboard. */
export interface ListSelection<Row> {
  readonly active: Ref<number>;
  readonly rows: Ref<readonly Row[]>;
  /** More than can be taken at once were wanted. */
  readonly isTooMany: Ref<boolean>;
  /** The keyboard goes to a row; what is selected stays. */
  moveTo(index: number): void;
  isSelected(index: number): boolean;
  pick(index: number, how: PickHow): void;
  pickAll(): void;
  clear(): void;
}

const typedForMs = 800;

/** Finds the next row whose name begins with what was typed in one go. */
export function useTyping<Row extends Pick<EntryRow, 'name'>>(model: Ref<RowsModel<Row>>, active: Ref<number>): (key: string) => number | undefined {
  let [text, at] = ['', 0];
  return (key) => {
    const now = Date.now();
    text = now - at > typedForMs ? key.toLowerCase() : text + key.toLowerCase();
    at = now;
    const { count, at: rowAt } = model.value;
    // A first letter leads on from where one is; more letters stay where they fit.
    const from = text.length === 1 ? 1 : 0;
    for (let step = from; step < count + from; step++) {
      const index = (active.value + step) % count;
      if (rowAt(index)?.name.toLowerCase().startsWith(text) === true) return index;
    }
    return undefined;
  };
}

export function useSelection<Row extends EntryRow>(model: Ref<RowsModel<Row>>): ListSelection<Row> {
  const { announce } = useAnnouncer();
  const selection = shallowRef<Selection<Row>>(emptySelection());
  const active = ref(0);
  const isTooMany = ref(false);
  const access = { rowAt: (index: number) => model.value.at(index), keyOf: rowKey, max: restorePathsMax };

  function become(next: Selection<Row> | undefined): void {
    isTooMany.value = next === undefined;
    if (next === undefined) announce(`At most ${restorePathsMax} items are taken at once. Take the folder that has them.`);
    else selection.value = next;
  }

  return {
    active,
    rows: computed(() => [...selection.value.rows.values()]),
    isTooMany,
    moveTo: (index) => {
      active.value = index;
    },
    isSelected(index) {
      const row = model.value.at(index);
      return row !== undefined && selection.value.rows.has(rowKey(row));
    },
    pick: (index, how) => {
      become(picked(selection.value, { index, how, ...access }));
    },
    pickAll: () => {
      become(model.value.isOpenEnded ? undefined : allPicked(model.value.count, access));
    },
    clear: () => {
      isTooMany.value = false;
      active.value = 0;
      selection.value = emptySelection();
    },
  };
}
