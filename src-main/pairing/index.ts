/**
 * Pairing: who a server is, and whom it trusts. Identities, invitations, the
 * exchange by which two servers come to trust each other, and the peers that a
 * server trusts.
 *
 * - A server is the SHA-256 of its certificate; names and addresses are only for
 *   people. Private keys stay in the store that the caller passes in.
 * - Refusal is the default: nobody is trusted who was not invited, nothing is
 *   stored before both administrators have said yes, and who was revoked is
 *   refused from that moment on.
 * - The cryptography is that of TLS 1.3 and of the platform's library: an
 *   invitation's secret travels only to the server whose identity the invitation
 *   itself tells.
 *
 * PROTOCOL.md describes the exchange. Time, randomness, links and stores are
 * passed in.
 */
export * from './limits.ts';
export { formatIdentity, makeIdentity, openIdentity } from './identity.ts';
export type { ServerIdentity, TrustStore } from './identity.ts';
export { decodeInvitation, encodeInvitation, isInvitationAddress } from './invitation.ts';
export type { Invitation } from './invitation.ts';
export { InvitationDesk } from './invitation-desk.ts';
export type { Decide, InvitationDeskOptions, OpenInvitation, PairingQuestion } from './invitation-desk.ts';
export { pairWith } from './pair-with.ts';
export type { PairingCarrier, PairWithOptions } from './pair-with.ts';
export { isPlainName, plainName } from './peer-name.ts';
export { TrustedPeers } from './trusted-peers.ts';
export type { PeerRole, TrustedPeer } from './trusted-peers.ts';
