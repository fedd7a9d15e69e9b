import { childPath, type DeletedEntry, type FileAttributes, type ListedEntry, type RootChoice, type StateMark } from '../../../../src-main/contract/index.ts';
import { locale } from '../../../composables/index.ts';
import { formatState } from '../place-query.ts';

/** A file or folder in one state of a volume, as tables show it and drags carry it. */
export interface EntryRow {
  readonly path: string;
  readonly name: string;
  readonly kind: FileAttributes['kind'];
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly linkTarget?: string | undefined;
  /** The state that has it. */
  readonly at: RootChoice;
  /** Of one that the folder has no more: the last state that had it. */
  readonly deletedAfter?: StateMark;
}

/** What tells a row from every other: one path may be found in several states. */
export function rowKey({ path, at }: Pick<EntryRow, 'path' | 'at'>): string {
  return `${formatState(at)}\n${path}`;
}

const nsPerMs = 1_000_000n;

export function modifiedMsOf({ modifiedNs }: Pick<FileAttributes, 'modifiedNs'>): number {
  return Number(modifiedNs / nsPerMs);
}

/** What a table needs of an entry; the rest is let go, since there may be many. */
export function rowOf(path: string, entry: ListedEntry, at: RootChoice): EntryRow {
  const { name, kind, sizeBytes, linkTarget } = entry;
  return { path, name, kind, sizeBytes, modifiedMs: modifiedMsOf(entry), at, ...(linkTarget !== undefined && { linkTarget }) };
}

export function rowsOf(folder: string, entries: readonly ListedEntry[], at: RootChoice): EntryRow[] {
  return entries.map((entry) => rowOf(childPath(folder, entry.name), entry, at));
}

export function deletedRowOf(folder: string, { entry, last }: DeletedEntry): EntryRow {
  return { ...rowOf(childPath(folder, entry.name), entry, last.at), deletedAfter: last };
}

export interface Sorting {
  readonly column: 'name' | 'size' | 'modified';
  readonly isDescending: boolean;
}

const collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });

/** Folders first, then by the column, then by the name. */
export function sortedRows(rows: readonly EntryRow[], { column, isDescending }: Sorting): EntryRow[] {
  const sign = isDescending ? -1 : 1;
  const byName = (a: EntryRow, b: EntryRow): number => collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
  const rank = ({ kind }: EntryRow): number => (kind === 'directory' ? 0 : 1);
  return [...rows].sort((a, b) => {
    const byRank = rank(a) - rank(b);
    if (byRank !== 0) return byRank;
    if (column === 'size' && a.sizeBytes !== b.sizeBytes) return sign * (a.sizeBytes - b.sizeBytes);
    if (column === 'modified' && a.modifiedMs !== b.modifiedMs) return sign * (a.modifiedMs - b.modifiedMs);
    return column === 'name' ? sign * byName(a, b) : byName(a, b);
  });
}

/** What a row is, in a word. */
export const kindWords: Readonly<Record<EntryRow['kind'], string>> = { file: 'file', directory: 'folder', symlink: 'link' };
