/** Files and folders that are brought in from the desktop in one go. */
export const incomingEntriesMax = 20_000;

/** Files that are sent at a time. */
export const filesAtOnceMax = 4;

/** Questions about what is there that are on their way at a time. */
export const looksAtOnceMax = 8;

/** Levels of folders that are gone down into. */
export const depthMax = 200;
