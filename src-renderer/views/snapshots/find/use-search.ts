import { onScopeDispose, type Ref, ref, shallowRef } from 'vue';
import { foundPageMax, isFault, type MirrorpointError, type RootChoice, type SearchMatch } from '../../../../src-main/contract/index.ts';
import { faultOf, plural, useAnnouncer } from '../../../composables/index.ts';
import { type EntryRow, rowOf } from '../browse/entry-row.ts';
import { nameOfState, stateInSentence } from '../states/state-words.ts';
import { parseState } from '../place-query.ts';
import type { VolumeReader } from '../volume-reader.ts';

/** Matches that are shown; whoever has so many narrows the search. */
const matchesMax = 5000;

/** A match, and the state that has it. */
export interface FoundRow extends EntryRow {
  readonly state: string;
}

export interface SearchFor {
  readonly reader: VolumeReader;
  readonly at: RootChoice;
  readonly path: string;
  readonly text: string;
  readonly isOverAll: boolean;
}

/** Looks for names, step by step, until it is stopped. What was found is shown as it comes. */
export function useSearch(): {
  rows: Ref<readonly FoundRow[]>;
  isSearching: Ref<boolean>;
  isCut: Ref<boolean>;
  isDone: Ref<boolean>;
  /** The state that is looked through now. */
  state: Ref<string>;
  fault: Ref<MirrorpointError | undefined>;
  search(what: SearchFor): Promise<void>;
  stop(): void;
  clear(): void;
} {
  const { announce } = useAnnouncer();
  const rows = shallowRef<readonly FoundRow[]>([]);
  const isSearching = ref(false);
  const isCut = ref(false);
  const isDone = ref(false);
  const state = ref('');
  const fault = shallowRef<MirrorpointError>();
  let controller = new AbortController();

  function stop(): void {
    controller.abort();
    isSearching.value = false;
  }

  function clear(): void {
    stop();
    rows.value = [];
    isCut.value = false;
    isDone.value = false;
    state.value = '';
    fault.value = undefined;
  }

  function foundRow({ path, entry, state: mark }: SearchMatch): FoundRow {
    return { ...rowOf(path, entry, mark.at), state: nameOfState(mark.at) };
  }

  async function search({ reader, at, path, text, isOverAll }: SearchFor): Promise<void> {
    clear();
    controller = new AbortController();
    const { signal } = controller;
    isSearching.value = true;
    try {
      for (let after: string | undefined, more = true; more; ) {
        const page = await reader.search({ at, path, text, isOverAll, limit: foundPageMax, ...(after !== undefined && { after }) }, { signal });
        if (signal.aborted) return;
        if (page.matches.length > 0) rows.value = [...rows.value, ...page.matches.map(foundRow)].slice(0, matchesMax);
        const looked = parseState(page.state);
        state.value = looked === undefined ? '' : stateInSentence(looked);
        after = page.next;
        isCut.value = rows.value.length === matchesMax && after !== undefined;
        more = after !== undefined && !isCut.value;
      }
      isDone.value = true;
    } catch (thrown) {
      if (!signal.aborted && !isFault(thrown, 'cancelled')) fault.value = faultOf(thrown);
    } finally {
      if (!signal.aborted) {
        isSearching.value = false;
        announce(`${plural(rows.value.length, 'match', 'matches')} found.`);
      }
    }
  }

  onScopeDispose(stop);
  return { rows, isSearching, isCut, isDone, state, fault, search, stop, clear };
}
