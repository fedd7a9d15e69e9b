import { writeBytesMax } from '../../files/index.ts';

/** Bytes of content in one request: what one operation on a file may change. */
export const contentBytesMax = writeBytesMax;

/** Bytes before the content of a write. */
export const requestHeadBytesMax = 4096;

/** The longest request: a write with its head. Extended attributes and names are shorter. */
export const requestBytesMax = contentBytesMax + requestHeadBytesMax;

/** Bytes before the content of an answer. */
export const replyHeadBytes = 16;

/** Requests that the kernel may have under way by itself, such as reading ahead; callers who wait come on top. */
export const backgroundRequestsMax = 64;

/** Requests that are copied to be answered; further ones stay where they were read, and are in the way there. */
export const requestsCopiedMax = 256;

/** Files and directories that programs have open through one mount. */
export const openHandlesMax = 65_536;

/** Names that an open directory remembers so that a program can go back to them. */
export const rememberedNamesMax = 131_072;

/** Removed files that the kernel still knows, such as the current directory of a program, kept for it by one mount. */
export const keptRemovedMax = 16_384;

/** Buffers for answers that are kept for the next read. */
export const spareBuffersMax = 16;

/** How long the kernel may believe what it was told about a state that changes: others may change it, too. */
export const liveTrustSeconds = 1;

/** The same for a state that never changes. */
export const keptTrustSeconds = 86_400;

/** Entries looked up in one step of a listing. */
export const listingStepEntries = 256;
