/** States that one step holds and looks at. */
export const statesPerStepMax = 128;

/** Entries, inodes and states that one step looks at, but for what it must finish. */
export const workPerStepMax = 16_384;

/** Entries of a folder read in one operation. */
export const entriesPerLookMax = 512;

/** Changed inodes that are looked for together, and blocks of inodes in which they are found. */
export const changedInodesMax = 4096;
export const changedBlocksMax = 256;

/** Parts of what has changed that one step looks through for where a file was that does not say it itself. */
export const partsForNamesMax = 16;

/** Names that one step remembers on the way to where renamed files were. */
export const namesRememberedMax = 65_536;

/** Characters of paths and targets of links in one answer: it fits a message even when each is written as six bytes. */
export const answerCharactersMax = 1_000_000;

/** Folders with longer paths are not entered: nothing could be asked about what is in them. */
export const pathCharactersMax = 60_000;
