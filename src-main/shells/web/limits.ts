/** Connections at one address of the console, of strangers and consoles together. */
export const connectionsMax = 128;

/** Open consoles, at all addresses together. */
export const openConsolesMax = 64;

/** Addresses besides this machine's own at which the console is served. */
export const placesMax = 8;

/** Names by which an address is reached. */
export const namesMax = 8;

/** Sessions of browsers; the one that was used longest ago makes room. */
export const sessionsMax = 64;

/** A session ends when nobody has used it for so long, and no console of it is open. */
export const sessionIdleMs = 12 * 60 * 60 * 1000;

/** How often it is stored anew when sessions were used. */
export const sessionUseNotedMs = 10 * 60 * 1000;

/** Launch addresses that are good at one time; the oldest makes room. */
export const launchesMax = 16;

/** How long a launch address is good. */
export const launchLifeMs = 3 * 60 * 1000;

/** Used launch addresses of which it is known which session came of them, and for how long. */
export const usedLaunchesMax = 128;
export const launchMemoryMs = 60 * 60 * 1000;

export const headerBytesMax = 16 * 1024;

/** How long a stranger may take to say what it wants. */
export const headersWaitMs = 5000;
export const requestWaitMs = 15_000;
export const handshakeWaitMs = 10_000;

/** How often requests that take too long are looked for. */
export const waitsCheckMs = 2000;

/** How long a connection without a request stays. */
export const keepAliveMs = 5000;

/** A password with its name, each sign written in full. */
export const formBytesMax = 4096;

/** Wrong passwords from one address until it is locked, and for how long. */
export const passwordFailuresMax = 3;
export const passwordLockMs = 10 * 60 * 1000;

/** Addresses whose wrong passwords are counted; with more, all that are not known are locked. */
export const countedAddressesMax = 1000;

/** Passwords that wait to be checked, each a tenth of a second of work. */
export const waitingPasswordsMax = 4;

/** How often the files of certificates are looked at, which are renewed before they end. */
export const certificateLookMs = 60_000;

/** How often an open console is asked whether it is still there; one that has not answered by the next time is ended. */
export const heartbeatMs = 20_000;
