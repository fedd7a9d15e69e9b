/**
 * WebDAV: a volume as a folder for clients of HTTP. Requests come in, and
 * replies go out, as bytes and headers; sockets and passwords are the shell's.
 *
 * - A file, a copy and a moved folder appear under their name whole, in one
 *   step, and so in one CP. Until then they are in a folder out of sight, and
 *   what was replaced or removed goes there to be taken apart.
 * - Whether a state takes changes is decided below; `.snapshot` and a mirror
 *   are refused there.
 * - An address is decoded once, and never leaves the volume. Symbolic links are
 *   followed by the volume's own resolver, whose root is that of the volume.
 * - A listing is one folder, page by page. XML is bounded, and has no entities.
 */
export type { DavAnswer, DavReply, DavRequest } from './exchange.ts';
export { type Address, parseAddress } from './address.ts';
export { answerRoot } from './made-folders.ts';
export { replyOf } from './refusal.ts';
export { DavShare, davOptions } from './share.ts';
