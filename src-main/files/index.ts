/**
 * Files: the file system on any root, live or kept. Inodes, directories, paths,
 * attributes, content, and the record of every change for the journal.
 *
 * Invariants:
 * - An operation on the live tree is synchronous, reads everything that it
 *   needs before its first change, and so is atomic without locks.
 * - Every change is logged once, with all that determines its effect; replaying
 *   the log on the same state gives the same state, inode numbers included.
 * - A directory's `sizeBytes` is the number of its entries; its link count is
 *   two and one for each directory in it; every directory has one parent.
 * - An inode in use has a name, or is in the list of orphans, or holds the
 *   extended attributes of one that is.
 * - Nothing lies behind the end of a file.
 *
 * The inode table owns the inodes in memory; InodeFlush carries them into a CP.
 * Callers own the room in the block pool that a change takes (`changeBlocks`).
 */
export * from './inode.ts';
export * from './inode-reader.ts';
export * from './inode-table.ts';
export * from './inode-flush.ts';
export * from './name.ts';
export { decodeEntry, type DirectoryEntry, type EntryTarget, type FileKind } from './directory.ts';
export type { AttributeChanges, Attributes } from './attributes.ts';
export type { ReadingContext } from './content-reading.ts';
export { writeBytesMax } from './content-changing.ts';
export { attributeValueBytesMax } from './extended-attributes.ts';
export { FileReader, rootDirectoryInode } from './file-reader.ts';
export type { LiveFilesContext } from './inode-lifetimes.ts';
export { createRootDirectory } from './file-changes.ts';
export { LiveFiles } from './live-files.ts';
export type { Place, RenameOptions } from './rename.ts';
export * from './operation.ts';
export { decodeOperation, encodeOperation, operationBytes, type ReadCurrent } from './operation-codec.ts';
export { changeBlocks } from './costs.ts';
export * from './state-comparison.ts';
export { relistOrphans } from './orphan-listing.ts';
