/** Entries in one page of a folder's listing. */
export const listPageMax = 1000;

/** Entries in one answer to a paired server: fewer, so that even the longest targets of links fit. */
export const peerPageMax = 512;

/** Bytes in one answer of file content. */
export const readChunkBytesMax = 1024 * 1024;

/** Reads that one connection may hold open. */
export const openReadsMax = 64;

/** Jobs that run at once in a server. */
export const jobsMax = 16;

/** Problems that a job reports one by one; further ones are only counted. */
export const problemsReportedMax = 1000;

/** CPs in one answer about the history. */
export const historyPageMax = 1000;

/** Parts of a day with a limit of their own. */
export const rateWindowsMax = 24;

/** Snapshots in one report of space. */
export const spacePageMax = 256;

/** Events in one answer. */
export const eventPageMax = 1000;

export const cpIntervalMsMin = 1000;
export const cpIntervalMsMax = 24 * 60 * 60 * 1000;

export const scheduleEveryMsMin = 60 * 1000;
export const scheduleEveryMsMax = 366 * 24 * 60 * 60 * 1000;

/** Found entries, versions or differences in one answer. */
export const foundPageMax = 500;

/** Paths that one restore or download takes up. */
export const restorePathsMax = 1000;

/** Collisions in one preview, and answers to them that one restore takes. */
export const collisionsMax = 1000;

/** Entries that a preview looks at before it says that there are more. */
export const previewEntriesMax = 20_000;

/** Bytes in one part of a file that is brought in. */
export const writeChunkBytesMax = 1024 * 1024;

/** A file's time, before or after 1970 UTC. */
export const fileTimeMsMax = 9_000_000_000_000;

/** Files that one connection may be bringing in part by part at a time. */
export const openWritesMax = 32;

/** Ended jobs that a server remembers. */
export const endedJobsMax = 100;

/** Problems of one job that the server remembers. */
export const jobProblemsKept = 100;

/** Extended attributes in one answer to a paired server: with the largest values they still fit. */
export const extendedPageMax = 64;

/** Entries of a folder of the machine in one answer. */
export const folderEntriesMax = 1000;

/** Points in one answer about the past of a relationship or of CPs. */
export const historySamplesMax = 400;

/** Folders that a server follows. */
export const followsMax = 64;

/** Faults of a follow that are told, one for each path. */
export const followFaultsMax = 100;

/** Lines about what a follow ignores, and the characters of one. */
export const ignoreLinesMax = 1000;
export const ignoreLineCharsMax = 1024;

/** How often a followed folder is compared in whole. */
export const compareEveryMsMin = 60 * 1000;
export const compareEveryMsMax = 366 * 24 * 60 * 60 * 1000;
