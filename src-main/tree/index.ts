/**
 * Tree: copy-on-write trees of address blocks, and what is built on them: files
 * of blocks and keyed files. One kind of tree serves user files, directories
 * and the volume's own maps alike.
 *
 * Invariants: a block on the devices is never changed, only replaced by a new
 * one; a tree's new version becomes visible only when its CP is settled; every
 * read is proven against the pointer that led to it; equal pointers, checksums
 * included, lead to equal subtrees.
 */
export * from './interval-set.ts';
export * from './waiting-blocks.ts';
export * from './block-file.ts';
export * from './tree-edit.ts';
export * from './tree-walk.ts';
export * from './inode-file-walk.ts';
export { damagedNode, entryBytesMax, keyBytesMax } from './keyed-node.ts';
export * from './keyed-file.ts';
