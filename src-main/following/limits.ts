/** Entries of one followed folder that are remembered by what they are on the machine; what comes beyond that is left out. */
export const takenMax = 1_000_000;

/** Names that wait to be looked at. When there are more, the whole folder is compared. */
export const waitingNamesMax = 20_000;

/** Names of one folder that wait. When there are more, the folder is listed. */
export const waitingNamesOfFolderMax = 256;

/** Names that went or came in one pass and may be the two ends of a rename; of more, those beyond are removed and taken anew. */
export const movedMax = 50_000;

/** Entries below folders that went in which those that came are looked for. */
export const searchedEntriesMax = 200_000;

/** Names of one folder that are kept while it is compared; in a larger one each is asked for. */
export const folderNamesMax = 100_000;

/** Paths that are to be tried again later. */
export const laterMax = 10_000;
