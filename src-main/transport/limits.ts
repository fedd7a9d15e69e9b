/** Most links that one listener serves at a time; a further one is turned away. */
export const linksPerListenerMax = 64;

/** Most sends, and bytes in them, that a link holds for a carrier that has not taken them yet. */
export const outstandingSendsMax = 65_536;
export const outstandingBytesMax = 256 * 1024 * 1024;

/** Received bytes that a link holds for a reader before it stops reading. */
export const readAheadBytesMax = 1024 * 1024;

/** How long a connection may take to come about, unless the caller says otherwise. */
export const connectTimeoutMs = 10_000;

/** How long a closing link waits for the peer to take what was sent, and to end its own side. */
export const closeGraceMs = 1_000;

/** Connections that have not finished their TLS handshake, of one listener and of one remote host. A further one is dropped. */
export const handshakesPendingMax = 32;
export const handshakesPerHostMax = 8;

/** How long a TLS handshake may take. */
export const handshakeTimeoutMs = 5_000;

/** Links of servers that are not trusted yet, for pairing. A further one is refused. */
export const strangersMax = 4;

/** How long such a link may live: as long as an invitation, and some more for the last words. */
export const strangerLifeMs = 11 * 60_000;
