import { computed, type Ref } from 'vue';
import { canDownload, restorePathsMax } from '../../../../src-main/contract/index.ts';
import { useAnnouncer } from '../../../composables/index.ts';
import type { EntryRow } from '../browse/entry-row.ts';
import type { ListSelection } from '../browse/use-selection.ts';
import { useScreen } from '../screen-context.ts';
import { itemsInWords, sourcesOf, type TakenItems } from './taken-items.ts';

/** What drags of this screen are known by, where the browser shows their content only at the drop. */
export const dragType = 'application/x-mirrorpoint-items';

export interface Take {
  /** What is selected, and can be taken up; undefined for nothing. */
  readonly items: Ref<TakenItems | undefined>;
  readonly rows: Ref<readonly EntryRow[]>;
  onDragStart(event: DragEvent, ghost: HTMLElement | null | undefined): void;
  /** Whether the key was one of a command. */
  onKey(event: KeyboardEvent): boolean;
  /** Keeps the items for a paste into the other pane. */
  remember(): void;
  toOriginalPlace(): void;
  askWhereTo(): void;
  /** Whether the browser can be asked for all of it. */
  readonly isDownloadable: Ref<boolean>;
  download(): void;
  showVersions(): void;
  showPreview(): void;
}

/** Why a selection is not downloaded. */
export const tooManyToDownload = 'These are too many items for one download. Take the folder that has them, or restore them to a folder.';

/** The commands over what is selected, the same for the mouse, the keyboard and the buttons. */
export function useTake(selection: ListSelection<EntryRow>): Take {
  const { rows } = selection;
  const screen = useScreen();
  const { reader, dragged, remembered, target, restoring, host, go } = screen;
  const { announce } = useAnnouncer();
  const items = computed<TakenItems | undefined>(() => {
    const { volume, peer } = reader.value;
    return rows.value.length === 0 || rows.value.length > restorePathsMax ? undefined : { volume, peer, rows: rows.value };
  });

  function remember(): void {
    if (items.value === undefined) return;
    remembered.value = items.value;
    announce(`${itemsInWords(items.value)} taken up. Go to a folder of the other pane with F6, and put it there with Control V.`);
  }

  function toOriginalPlace(): void {
    if (items.value !== undefined && target.value !== undefined) void restoring.restore(items.value, { kind: 'volume', volume: target.value.volume });
  }

  function askWhereTo(): void {
    if (items.value !== undefined) screen.askWhereTo(items.value);
  }

  const isDownloadable = computed(() => host.download !== undefined && items.value !== undefined && sourcesOf(items.value).every(canDownload));

  function download(): void {
    if (items.value === undefined || host.download === undefined) return;
    if (!isDownloadable.value) {
      announce(tooManyToDownload);
      return;
    }
    for (const source of sourcesOf(items.value)) host.download(source);
    announce(`The download of ${itemsInWords(items.value)} begins.`);
  }

  function besideFirst(beside: 'versions' | 'preview'): void {
    const [row] = rows.value;
    if (row !== undefined) go({ beside, item: row.path, itemAt: row.at });
  }

  /** The command of a key, as `shortcuts` tells them. */
  function commandOf({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): (() => void) | undefined {
    const isControl = ctrlKey || metaKey;
    if (altKey) return key === 'Enter' && !isControl ? showVersions : undefined;
    if (!isControl) return undefined;
    if (key === 'Enter') return shiftKey ? toOriginalPlace : askWhereTo;
    if (shiftKey) return undefined;
    if (key.toLowerCase() === 's' && host.download !== undefined) return download;
    return key.toLowerCase() === 'c' ? remember : undefined;
  }
  const showVersions = (): void => { besideFirst('versions'); };
  const showPreview = (): void => { besideFirst('preview'); };

  return {
    items,
    rows,
    remember,
    toOriginalPlace,
    askWhereTo,
    isDownloadable,
    download,
    showVersions,
    showPreview,
    onKey(event) {
      const command = commandOf(event);
      if (command === undefined) return false;
      // With nothing selected, the row of the keyboard is meant.
      if (rows.value.length === 0) selection.pick(selection.active.value, 'only');
      if (items.value === undefined) return false;
      command();
      return true;
    },
    onDragStart(event, ghost) {
      const { dataTransfer } = event;
      if (dataTransfer === null || items.value === undefined) {
        event.preventDefault();
        return;
      }
      dataTransfer.setData(dragType, '');
      dataTransfer.setData('text/plain', rows.value.map(({ path }) => path).join('\n'));
      dataTransfer.effectAllowed = 'copy';
      if (ghost) dataTransfer.setDragImage(ghost, 12, 12);
      dragged.value = items.value;
    },
  };
}
