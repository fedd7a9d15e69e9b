/** Tried one after another on this machine, so that the shares are found where they were; then any that is free will do. */
export const usualPorts: readonly number[] = Array.from({ length: 10 }, (_, index) => 7490 + index);

/** Connections at one address of the shares. */
export const connectionsMax = 512;

export const headerBytesMax = 48 * 1024;

/** How long a stranger may take to say what it wants. */
export const headersWaitMs = 10_000;
export const handshakeWaitMs = 10_000;

/** How often requests that take too long are looked for. */
export const waitsCheckMs = 5000;

/** How long a connection without a request stays. */
export const keepAliveMs = 30_000;

/** How long a client may send nothing of a body, or take nothing of an answer. What moves has no limit of time. */
export const idleMs = 60_000;

/** What is read of a body that nobody wants, so that its client comes to read the answer. */
export const unwantedBytesMax = 4 * 1024 * 1024;

/** Users with their passwords that were right, of which only digests are remembered. */
export const rememberedMax = 256;

/** Passwords that are being checked at a time, each a tenth of a second of work. */
export const checksMax = 8;
