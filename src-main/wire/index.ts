/**
 * Wire: what primary and mirror say to each other, as bytes. Frames, messages
 * and the session's rules; PROTOCOL.md beside this file is their specification.
 *
 * - Bytes in, bytes out: no socket, no timer, no volume is known here.
 * - Nothing that a peer sends can hang a decoder, or make it hold more than one
 *   frame of a named maximum; before the handshake that is a few KiB.
 * - Fields are checked on arrival (a fault) and before leaving (an assertion).
 * - Frame and message codecs alone know offsets; the session owns the order in
 *   which messages may come; block data is proven by whoever stores it.
 */
export * from './limits.ts';
export * from './message.ts';
export { encodeFrame, FrameReader } from './frame.ts';
export type { Frame } from './frame.ts';
export { decodeMessage, encodeMessage } from './message-codec.ts';
export { unpackBlocks, zstdPacking } from './packing.ts';
export type { Packing } from './packing.ts';
export { patchBetween, rangesOf } from './patch.ts';
export { blocksIn } from './runs.ts';
export { WireSession } from './wire-session.ts';
export type { Traffic, WireSessionOptions } from './wire-session.ts';
