/** One question, larger than any that there is. */
export const questionBytesMax = 1024 * 1024;

/** One answer: a page of a listing with the longest targets of links. */
export const answerBytesMax = 16 * 1024 * 1024;

/** What of an answer its head may take. */
export const answerHeadBytesMax = 8192;

/** Questions of one link that are answered side by side; the next are read when one of them is done. */
export const questionsInFlightMax = 8;

/** A link on which nothing was asked for so long is ended, with what it holds open. */
export const idleMaxMs = 120_000;

/** How long an answer may take. */
export const answerTimeoutMs = 60_000;

/** Links on which one peer asks at a time. A further one is closed. */
export const linksPerPeerMax = 8;
