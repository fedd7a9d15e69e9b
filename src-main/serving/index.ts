/**
 * Serving: the protocols by which other people's programs use a volume. They
 * know one state of a volume as `ServedFiles`, and neither sockets nor
 * settings: bytes come in, and bytes go out.
 *
 * Invariants: whether a state takes changes is decided below, by `ServedFiles`,
 * and a protocol only says so earlier; nothing that a client sends is kept in
 * memory beyond a named maximum.
 */
export type * from './served-files.ts';
export * from './webdav/index.ts';
export { FuseSession, type FuseSessionOptions } from './fuse/fuse-session.ts';
export { requestBytesMax } from './fuse/limits.ts';
