import { getU48, MirrorpointError, setU48 } from '../base/index.ts';
import { damagedNode, KeyedFile } from '../tree/index.ts';
import type { Inode } from './inode.ts';
import { decodeUtf8 } from './name.ts';

/** What a name can lead to. */
export type FileKind = 'file' | 'directory' | 'symlink';

const kinds: readonly (FileKind | undefined)[] = [undefined, 'file', 'directory', 'symlink'];

const entryValueBytes = 7;

/** What a directory says about a name. */
export interface EntryTarget {
  readonly ino: number;
  readonly kind: FileKind;
}

export interface DirectoryEntry extends EntryTarget {
  readonly name: string;
}

/** Whether an inode's kind is one that names lead to. */
export function isFileKind(kind: string): kind is FileKind {
  return kinds.includes(kind as FileKind);
}

export function encodeEntry(target: EntryTarget): Uint8Array {
  const value = new Uint8Array(entryValueBytes);
  setU48(value, 0, target.ino);
  value[6] = kinds.indexOf(target.kind);
  return value;
}

export function decodeEntry(value: Uint8Array): EntryTarget {
  const kind = kinds[value[6] ?? 0];
  const ino = value.length === entryValueBytes ? getU48(value, 0) : 0;
  if (kind === undefined || ino === 0) damagedNode('a directory entry holds values that no version writes');
  return { ino, kind };
}

/** The entries of a directory, by name. */
export function entriesOf(directory: Inode): KeyedFile {
  return new KeyedFile(directory.content);
}

/** The entry under a name, or undefined. */
export function findEntry(directory: Inode, name: Uint8Array): EntryTarget | undefined {
  const value = entriesOf(directory).get(name);
  return value === undefined ? undefined : decodeEntry(value);
}

/** Entries after a name, in the order of the names' bytes; fewer than the limit only at the end. */
export function entriesAfter(directory: Inode, afterName: Uint8Array | undefined, limit: number): DirectoryEntry[] {
  const found: DirectoryEntry[] = [];
  if (limit <= 0) return found;
  entriesOf(directory).scan(afterName, (key, value) => {
    if (afterName !== undefined && found.length === 0 && Buffer.compare(key, afterName) === 0) return true;
    found.push({ name: nameOfKey(key), ...decodeEntry(value) });
    return found.length < limit;
  });
  return found;
}

export function nameOfKey(key: Uint8Array): string {
  return decodeUtf8(key) ?? damagedNode('a name in a directory is not UTF-8');
}

export function noSuchName(directory: Inode, name: string): never {
  throw new MirrorpointError(
    'not-found',
    `There is no ${JSON.stringify(name)} in the directory with inode number ${directory.number}. List the directory to see its names.`,
  );
}
