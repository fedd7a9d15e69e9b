/** Bytes of XML in one request. */
export const xmlBytesMax = 256 * 1024;

/** Elements inside each other in one request. */
export const xmlDepthMax = 32;
export const xmlElementsMax = 4096;
export const xmlAttributesMax = 64;

/** Characters of one name in XML. */
export const xmlNameCharactersMax = 255;

/** Properties named in one request. */
export const namedPropertiesMax = 256;

/** Bytes of a request's target, and of a header that names conditions or another place. */
export const addressBytesMax = 16 * 1024;
export const conditionsBytesMax = 16 * 1024;
export const conditionsMax = 128;

/** Entries that one step of a listing, a copy or a removal takes up. */
export const pageEntries = 256;

/** Bytes of content that are read, and written, at a time; a change of files takes no more. */
export const readBytes = 512 * 1024;
export const writeBytes = 1024 * 1024;

/** Bytes of one upload that wait in memory, and as many on their way to the devices; more than goes by way of the journal, which would write them twice. */
export const waitingBytesMax = 9 * 1024 * 1024;

/** Folders inside each other that a copy or a removal goes down. */
export const folderDepthMax = 1000;

/** How long the folder out of sight stays when nothing is in it. */
export const emptyStagingMs = 5000;

/** Locks in one share. */
export const locksMax = 4096;

/** A lock ends unless it is renewed so often. */
export const lockTimeoutSecondsMax = 3600;

/** Characters of what a client says of the owner of a lock. */
export const lockOwnerCharactersMax = 4096;

/** Requests that one share answers at a time. */
export const requestsMax = 256;
