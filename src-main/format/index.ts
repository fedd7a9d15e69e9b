/**
 * Format: the codecs of what lies in the volume's blocks. Only this room, the
 * keyed file's nodes (tree/), the journal (consistency/) and the device labels
 * (device/) know offsets; FORMAT.md beside this file says every field.
 *
 * Invariant: a decoder either returns values in range or throws a coded error.
 */
export * from './geometry.ts';
export * from './pointer.ts';
export * from './inode.ts';
export * from './root-node.ts';
