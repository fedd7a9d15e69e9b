/** How long a command that works on the configuration folder is waited for at the start. */
export const folderWaitMs = 10_000;
export const folderPollMs = 200;

/** How long the last CPs may take at the end. What was acknowledged is in the journals without them. */
export const closingMsMax = 120_000;

/** Ports to the engine that a page holds open; a further one takes the place of the oldest. */
export const portsMax = 4;

/** Bytes in one message of the window to the engine: larger than any question. */
export const messageBytesMax = 4 << 20;

/** Questions of one port under way, streams included. */
export const questionsMax = 1000;

/** Refused messages of the window that are noted one by one; further ones are only refused. */
export const refusalsNotedMax = 100;

/** What one drag to the file manager takes up. It is copied while somebody holds the mouse. */
export const dragBytesMax = 256 << 20;
export const dragEntriesMax = 1000;

/** Drags whose copies are kept: the file manager may still be taking the last ones. */
export const stagedDragsMax = 4;

/** Volumes, relationships and alerts that the tray's menu names, of each. */
export const trayLinesMax = 8;

/** Characters that a tooltip of the tray may have on every system. */
export const tooltipLengthMax = 120;

/** Notifications that one moment may bring; what is beyond goes into one. */
export const notificationsAtOnceMax = 3;

/** Notifications that can still be clicked. */
export const notificationsKeptMax = 50;

/** A window that fails again within this time is not loaded again by itself. */
export const reloadPauseMs = 60_000;

/** Notes that wait for the engine to open. */
export const waitingNotesMax = 100;
