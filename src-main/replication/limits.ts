/** Bytes of live blocks that wait for the link; when there are more, the mirror asks for the rest later. */
export const liveQueueBytesMax = 32 * 1024 * 1024;

/** Roots that a mirror has been sent, or is about to be, and has not acknowledged. */
export const rootsOutstandingMax = 2;

/** Wants that the primary answers side by side. */
export const answersInFlightMax = 4;

/** Wants that the mirror leaves unanswered at a time: with one message of block data each, 24 MiB. */
export const wantsInFlightMax = 24;

/** How often a block is asked for before its root is given up. */
export const asksPerBlockMax = 3;

/** Blocks of one live CP whose arrival the mirror remembers; others are found on its device by their checksum. */
export const receivedBlocksMax = 1 << 20;

/** Buffers of a megabyte in which a mirror has blocks of a live CP at hand until it is reached: those that came as changes, most of which are address blocks. */
export const buffersAtHandMax = 16;

/** Bytes on their way to the mirror's devices before it stops reading from the link. */
export const writingBytesMax = 16 * 1024 * 1024;

/** Pointers to data blocks that a reconciliation has met and not proven yet. */
export const leavesInFlightMax = 16384;

/** Pointers of one level that are proven in one step. */
export const frontPointersMax = 4096;

/** Links whose other end has not yet said who it is. */
export const handshakesMax = 4;

export const heartbeatIntervalMs = 1000;

/** A link on which nothing came for so long is taken as dead. */
export const silenceMaxMs = 15_000;

/** Fetches of blocks to heal that this side leaves unanswered at a time. */
export const fetchesInFlightMax = 4;

/** Blocks to heal that wait for their fetch; whoever asks for more gets nothing at once. */
export const soughtBlocksMax = 4096;

/** How long a read waits for the other side's copy: a CP may be waiting for that read. */
export const fetchWaitMsMax = 5000;
