import type { BelowPlace } from './below-walk.ts';
import { type CursorShapes, readCursor, strangeCursor, writeCursor } from './cursor.ts';
import type { FolderPlace } from './folder-walk.ts';
import { namesBelow, pathIn } from './states.ts';

/** Where a search goes on. */
export type SearchPlace =
  /** In the state that was given. */
  | { readonly in: 'given'; readonly below: BelowPlace }
  /** At the beginning of the newest state that has no higher rank. */
  | { readonly in: 'state'; readonly rank: number }
  /** In the whole folder that is searched, which is another one than in the next newer state. */
  | { readonly in: 'top'; readonly rank: number; readonly below: BelowPlace }
  /** In what has changed among some inode numbers; `below` in a folder that the next newer state has not at that path. */
  | ({ readonly in: 'changes'; readonly rank: number } & ChangesPlace);

export interface ChangesPlace {
  readonly start: number;
  /** 0 while it is not known how far this part goes. */
  readonly end: number;
  readonly folder: FolderPlace;
  readonly below?: BelowPlace | undefined;
}

const shapes: CursorShapes<'given' | 'state' | 'top' | 'entries' | 'children' | 'inentry' | 'inchild'> = {
  given: 0,
  state: 1,
  top: 1,
  entries: 5,
  children: 3,
  inentry: 6,
  inchild: 4,
};

/** `path` is that of the folder that is searched. */
export function searchTextOf(place: SearchPlace, path: string): string {
  if (place.in === 'given') return writeCursor({ kind: 'given', numbers: [], ...place.below });
  if (place.in === 'state') return writeCursor({ kind: 'state', numbers: [place.rank], path: '/' });
  if (place.in === 'top') return writeCursor({ kind: 'top', numbers: [place.rank], ...place.below });
  const { rank, start, end, folder, below } = place;
  const depth = below === undefined ? [] : [(namesBelow(path, folder.path) ?? []).length];
  const at = below ?? { path: folder.path, name: 'after' in folder ? folder.after : undefined };
  if ('entries' in folder) {
    const { block, slot } = folder.entries;
    return writeCursor({ kind: below === undefined ? 'entries' : 'inentry', numbers: [rank, start, end, block, slot, ...depth], ...at });
  }
  return writeCursor({ kind: below === undefined ? 'children' : 'inchild', numbers: [rank, start, end, ...depth], ...at });
}

/** Throws `argument-invalid` for a text that `searchTextOf` does not write. */
export function searchPlaceOf(text: string, path: string): SearchPlace {
  const { kind, numbers, path: at, name } = readCursor(text, shapes);
  const names = kind === 'state' ? [] : namesBelow(path, at);
  if (names === undefined) throw strangeCursor(text);
  const below = { path: at, name };
  const [rank = 0, start = 0, end = 0, ...rest] = numbers;
  switch (kind) {
    case 'given':
      return { in: 'given', below };
    case 'state':
      return { in: 'state', rank };
    case 'top':
      return { in: 'top', rank, below };
    case 'entries':
      return { in: 'changes', rank, start, end, folder: { path: at, entries: { block: rest[0]!, slot: rest[1]! } } };
    case 'children':
      return { in: 'changes', rank, start, end, folder: { path: at, after: name } };
    case 'inentry':
      return { in: 'changes', rank, start, end, folder: { path: folderAt(path, names, rest[2]!), entries: { block: rest[0]!, slot: rest[1]! } }, below };
    case 'inchild':
      return { in: 'changes', rank, start, end, folder: { path: folderAt(path, names, rest[0]!), after: names[rest[0]!] }, below };
  }
}

function folderAt(path: string, names: readonly string[], depth: number): string {
  return names.slice(0, depth).reduce(pathIn, path);
}
