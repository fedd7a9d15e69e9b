import { onScopeDispose, ref, type Ref, shallowRef } from 'vue';
import { childPath, type DesktopBridge } from '../../../../src-main/contract/index.ts';
import { rowUnder } from '../../../components/index.ts';
import type { EntryRow } from '../browse/entry-row.ts';
import type { RowsModel } from '../browse/rows-model.ts';
import type { TakenItems } from '../restore/taken-items.ts';
import { dragType } from '../restore/use-take.ts';
import { treeOfEntries } from './incoming-tree.ts';
import { localItem } from './put-paths.ts';
import type { Incoming } from './use-incoming.ts';

/** Where a drag would drop, and what. */
export interface DropPlace {
  readonly folder: string;
  /** A folder of the table, when the pointer is over one. */
  readonly row: number | undefined;
  readonly what: 'items' | 'files';
}

/** What the desktop hands over: paths where the window knows them, and otherwise what the browser can read. It has to be taken before the event ends. */
export function incomingOf(data: DataTransfer, desktop: DesktopBridge | undefined): Incoming | undefined {
  const files = [...data.files];
  const paths = desktop === undefined ? [] : files.map((file) => desktop.pathOfFile(file));
  if (paths.length > 0 && paths.every((path) => path !== '')) return { kind: 'items', items: paths.map(localItem) };
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return entries.length === 0 ? undefined : { kind: 'tree', tree: (signal) => treeOfEntries(entries, signal) };
}

/** A file that is dropped beside every pane would be opened in the place of the console. */
function refuseStray(event: DragEvent): void {
  if (event.defaultPrevented || event.dataTransfer?.types.includes('Files') !== true) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'none';
}

/** Makes a pane a place to drop on: its rows that are folders, its path, its tree, and its ground, which is the folder that is shown. */
export function useDrop(options: {
  folder: () => string | undefined;
  rows: Ref<RowsModel<EntryRow>>;
  dragged: Ref<TakenItems | undefined>;
  desktop: DesktopBridge | undefined;
  /** Why these cannot be dropped there. */
  refusal: (items: TakenItems, folder: string) => string | undefined;
  onItems: (items: TakenItems, folder: string) => void;
  onFiles: (incoming: Incoming, folder: string) => void;
}): { over: Ref<DropPlace | undefined>; why: Ref<string | undefined>; onDragOver(event: DragEvent): void; onDragLeave(event: DragEvent): void; onDrop(event: DragEvent): void } {
  const { folder, rows, dragged, desktop, refusal, onItems, onFiles } = options;
  const over = shallowRef<DropPlace>();
  const why = ref<string>();

  function placeOf(event: DragEvent): DropPlace | undefined {
    const shown = folder();
    const types = event.dataTransfer?.types ?? [];
    const what = types.includes(dragType) && dragged.value !== undefined ? 'items' : types.includes('Files') ? 'files' : undefined;
    if (shown === undefined || what === undefined) return undefined;
    const named = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-path]')?.dataset.path : undefined;
    if (named !== undefined) return { folder: named, row: undefined, what };
    const index = rowUnder(event);
    const row = index === undefined ? undefined : rows.value.at(index);
    return row?.kind === 'directory' ? { folder: childPath(shown, row.name), row: index, what } : { folder: shown, row: undefined, what };
  }

  function onDragOver(event: DragEvent): void {
    const place = placeOf(event);
    over.value = place;
    if (place === undefined || event.dataTransfer === null) return;
    why.value = place.what === 'items' && dragged.value !== undefined ? refusal(dragged.value, place.folder) : undefined;
    event.preventDefault();
    event.dataTransfer.dropEffect = why.value === undefined ? 'copy' : 'none';
  }

  function onDragLeave(event: DragEvent): void {
    const { currentTarget, relatedTarget } = event;
    if (currentTarget instanceof Node && relatedTarget instanceof Node && currentTarget.contains(relatedTarget)) return;
    over.value = undefined;
  }

  function onDrop(event: DragEvent): void {
    const place = placeOf(event);
    const isRefused = why.value !== undefined;
    over.value = undefined;
    why.value = undefined;
    if (place === undefined || event.dataTransfer === null) return;
    event.preventDefault();
    if (isRefused) return;
    if (place.what === 'items' && dragged.value !== undefined) onItems(dragged.value, place.folder);
    else if (place.what === 'files') {
      const incoming = incomingOf(event.dataTransfer, desktop);
      if (incoming !== undefined) onFiles(incoming, place.folder);
    }
  }

  // A drag that ends elsewhere, or by Escape, leaves nothing behind.
  const clear = (): void => {
    over.value = undefined;
    dragged.value = undefined;
  };
  document.addEventListener('dragend', clear);
  document.addEventListener('dragover', refuseStray);
  document.addEventListener('drop', refuseStray);
  onScopeDispose(() => {
    document.removeEventListener('dragend', clear);
    document.removeEventListener('dragover', refuseStray);
    document.removeEventListener('drop', refuseStray);
  });

  return { over, why, onDragOver, onDragLeave, onDrop };
}
