/** The versions of the protocol that this build speaks, lowest and highest. */
export const protocolVersionMin = 2;
export const protocolVersionMax = 2;

/** Bytes of a frame's fixed header. */
export const headerBytes = 32;

/** Most block data that one `blocks` message carries. */
export const blockDataBytesMax = 1024 * 1024;

/** Largest body of a frame: a root node of 64 KiB, or a full list of runs, with room for its fields. */
export const bodyBytesMax = 72 * 1024;

/** Largest frame after the handshake: header, body and block data. */
export const frameBytesMax = headerBytes + bodyBytesMax + blockDataBytesMax;

/** Largest frame before the peer's hello has been accepted. */
export const handshakeFrameBytesMax = 8 * 1024;

export const blockSizeBytesMin = 4 * 1024;
export const blockSizeBytesMax = 64 * 1024;

/** Most runs in one `blocks` message: as many as there are smallest blocks in its data. */
export const blocksRunsMax = blockDataBytesMax / blockSizeBytesMin;

/** Most blocks that one `changes` message tells how to make. */
export const changesMax = 1024;

/** Longest list of changes before it is packed: packed, even one that does not become shorter fits a body. */
export const changesBytesMax = 70 * 1024;

/** Bytes of a change before its patch. */
export const changeHeadBytes = 20;

/** Longest patch of a change: less than the largest block by as much as is worth a patch. */
export const patchBytesMax = blockSizeBytesMax - blockSizeBytesMax / 16;

/** Most runs and most blocks that one `want` may ask for. */
export const wantRunsMax = 4096;
export const wantBlocksMax = 8192;

/** Most blocks in one run: its count is a u16. */
export const runBlocksMax = 0xffff;

/** Most wants that may be unanswered at a time. */
export const wantsOutstandingMax = 64;

/** Most blocks that one `fetch` asks for; those of a large block size are fewer, so that the answer fits `blockDataBytesMax`. */
export const fetchBlocksMax = 64;

/** Most fetches of one side that may be unanswered at a time. */
export const fetchesOutstandingMax = 8;

/** Most consistency points, besides the committed one, that a mirror may ask to be kept. */
export const neededCpsMax = 1024;

/** Longest server name in bytes of UTF-8. */
export const serverNameBytesMax = 255;

/** Longest text of a fault in bytes of UTF-8; a longer one is cut. */
export const faultTextBytesMax = 2048;

/** Longest fault code in bytes. */
export const faultCodeBytesMax = 64;

/** Bytes of a server, volume or set id. */
export const idBytes = 16;
