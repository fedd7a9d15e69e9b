/** How long an invitation is good, by the clock of the server that made it. */
export const invitationLifeMs = 10 * 60_000;

/** Bytes of an invitation's secret: 160 bits. */
export const secretBytes = 20;

/** Wrong secrets after which pairing is locked, and for how long. */
export const wrongSecretsMax = 3;
export const pairingLockMs = 10 * 60_000;

/** How long a server that wants to pair may take to show its secret. */
export const askTimeoutMs = 10_000;

/** How long the one that pairs tries each address. */
export const pairConnectTimeoutMs = 5_000;

/** Addresses in an invitation. */
export const invitationAddressesMax = 8;

/** Longest address, in bytes of ASCII. */
export const addressBytesMax = 255;

/** Longest name of a peer, in UTF-16 units, and in bytes of UTF-8. */
export const peerNameLengthMax = 120;
export const peerNameBytesMax = 480;

/** Largest message while two servers pair, with its length and type. */
export const pairingMessageBytesMax = 512;

/** Peers that are remembered, revoked ones included. */
export const peersMax = 256;
