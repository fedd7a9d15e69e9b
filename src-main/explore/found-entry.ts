import type { Attributes, FileReader } from '../files/index.ts';

/** What was found of a file, directory or symbolic link. */
export interface FoundEntry {
  readonly attributes: Attributes;
  /** Of a symbolic link. */
  readonly linkTarget?: string;
}

/** Reads what is told of an inode, as an operation on its state's tree. */
export function foundEntry(files: FileReader, ino: number): FoundEntry {
  const attributes = files.stat(ino);
  return attributes.kind === 'symlink' ? { attributes, linkTarget: files.readLink(ino) } : { attributes };
}

/** Characters that it adds to an answer, beside what every entry takes. */
export function charactersOf(entry: FoundEntry | undefined): number {
  return entry?.linkTarget?.length ?? 0;
}
