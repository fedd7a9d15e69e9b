import { z } from 'zod';
import { MirrorpointError, Mutex } from '../base/index.ts';
import type { TrustStore } from './identity.ts';
import { peersMax } from './limits.ts';
import { isPlainName, plainName } from './peer-name.ts';

/** What a peer may be to this server: the primary that it mirrors, or the mirror of its volumes. */
export type PeerRole = 'primary' | 'mirror';

const peerSchema = z.strictObject({
  identity: z.string().regex(/^[0-9a-f]{64}$/, 'an identity is 64 hex digits'),
  name: z.string().refine(isPlainName, 'a name is 1 to 120 plain characters'),
  roles: z.array(z.enum(['primary', 'mirror'])).min(1),
  pairedWallMs: z.number(),
  /** When the peer was revoked; it is remembered, so that nobody wonders. */
  revokedWallMs: z.number().optional(),
});
export type TrustedPeer = z.infer<typeof peerSchema>;

const bookSchema = z.strictObject({ version: z.literal(1), peers: z.array(peerSchema).max(peersMax) });

const shortestPrefix = 8;
const identityDigits = 64;

/**
 * The servers that were paired with this one. Only its admission counts, never a
 * name or an address: a peer is its identity. Changes hold once they are stored.
 */
export class TrustedPeers {
  readonly #store: TrustStore;
  readonly #changes = new Mutex();
  #peers: readonly TrustedPeer[];

  private constructor(store: TrustStore, peers: readonly TrustedPeer[]) {
    this.#store = store;
    this.#peers = peers;
  }

  /** Fails with 'settings-invalid', naming the store and the key. */
  static async open(store: TrustStore): Promise<TrustedPeers> {
    const text = await store.read();
    return new TrustedPeers(store, text === undefined ? [] : parsePeers(text, store.name));
  }

  get all(): readonly TrustedPeer[] {
    return this.#peers;
  }

  /** Whether the server with this identity is trusted now, in that role or in any. */
  isTrusted(identity: string, role?: PeerRole): boolean {
    const peer = this.#peers.find((known) => known.identity === identity);
    return peer !== undefined && peer.revokedWallMs === undefined && (role === undefined || peer.roles.includes(role));
  }

  /** The peer of a name, an identity, or the first digits of one. Fails with 'peer-unknown', and 'argument-invalid' when several fit. */
  find(text: string): TrustedPeer {
    const digits = text.replace(/[\s:]/g, '').toLowerCase();
    const isDigits = digits.length >= shortestPrefix && /^[0-9a-f]+$/.test(digits);
    // A whole identity is nobody's name, and digits that are both are asked about.
    const isWhole = isDigits && digits.length === identityDigits;
    const found = this.#peers.filter((peer) => (isDigits && peer.identity.startsWith(digits)) || (!isWhole && peer.name === text));
    // A name goes to another server when its first bearer was revoked.
    const live = found.filter((peer) => peer.revokedWallMs === undefined);
    const chosen = live.length > 0 ? live : found;
    if (chosen.length === 1) return chosen[0]!;
    if (chosen.length > 1) {
      throw new MirrorpointError('argument-invalid', `'${text}' fits several peers. Name the whole identity; \`mirrorpoint peers list\` shows it.`);
    }
    throw new MirrorpointError(
      'peer-unknown',
      `No server '${text}' was paired with this one. See \`mirrorpoint peers list\`, or pair it by an invitation.`,
    );
  }

  /** The peer, trusted in that role or in any. Fails with 'peer-unknown' and 'peer-revoked'. */
  require(text: string, role?: PeerRole): TrustedPeer {
    const peer = this.find(text);
    if (peer.revokedWallMs !== undefined) {
      throw new MirrorpointError('peer-revoked', `The server '${peer.name}' was revoked here and is not spoken to. Pair it again by an invitation.`);
    }
    if (role === undefined || peer.roles.includes(role)) return peer;
    const wanted = role === 'mirror' ? 'to hold mirrors for this server' : 'to send volumes to this server';
    throw new MirrorpointError('peer-unknown', `The server '${peer.name}' was paired, but not ${wanted}. Pair the other way too.`);
  }

  /** Trusts a server from now on, in one role more when it was trusted before. */
  async add(peer: { identity: string; name: string; role: PeerRole; wallMs: number }): Promise<TrustedPeer> {
    const { identity, role, wallMs } = peer;
    let added: TrustedPeer | undefined;
    await this.#change((peers) => {
      const others = peers.filter((known) => known.identity !== identity);
      const known = peers.find((one) => one.identity === identity && one.revokedWallMs === undefined);
      const roles = known === undefined || known.roles.includes(role) ? (known?.roles ?? [role]) : [...known.roles, role];
      const name = known?.name ?? freeName(plainName(peer.name), others);
      added = { identity, name, roles, pairedWallMs: wallMs };
      return [...withRoom(others), added];
    });
    return added!;
  }

  async rename(text: string, name: string): Promise<TrustedPeer> {
    const { identity } = this.find(text);
    if (!isPlainName(name)) {
      throw new MirrorpointError('argument-invalid', `A peer cannot be called that: a name is 1 to 120 characters, none of them invisible.`);
    }
    await this.#change((peers) => {
      if (peers.some((peer) => peer.name === name && peer.identity !== identity && peer.revokedWallMs === undefined)) {
        throw new MirrorpointError('exists', `Another peer is called '${name}'. Choose another name.`);
      }
      return peers.map((peer) => (peer.identity === identity ? { ...peer, name } : peer));
    });
    return this.find(identity);
  }

  /** Trusts a server no more. Whoever has links cuts them. Doing it again changes nothing. */
  async revoke(text: string, wallMs: number): Promise<TrustedPeer> {
    const { identity } = this.find(text);
    await this.#change((peers) =>
      peers.map((peer) => (peer.identity === identity ? { ...peer, revokedWallMs: peer.revokedWallMs ?? wallMs } : peer)),
    );
    return this.find(identity);
  }

  #change(edit: (peers: readonly TrustedPeer[]) => readonly TrustedPeer[]): Promise<void> {
    return this.#changes.run(async () => {
      const peers = edit(this.#peers);
      await this.#store.write(`${JSON.stringify({ version: 1, peers }, null, 2)}\n`);
      this.#peers = peers;
    });
  }
}

/** Room for one more: the peer that was revoked first is forgotten when the list is full. */
function withRoom(peers: readonly TrustedPeer[]): readonly TrustedPeer[] {
  if (peers.length < peersMax) return peers;
  const [first] = peers
    .filter((peer) => peer.revokedWallMs !== undefined)
    .sort((left, right) => left.revokedWallMs! - right.revokedWallMs!);
  if (first !== undefined) return peers.filter((peer) => peer !== first);
  throw new MirrorpointError('argument-invalid', `This server trusts ${peersMax} peers, which is the most. Revoke one first.`);
}

/** The name, with a number behind it when a trusted peer has it already. */
function freeName(name: string, others: readonly TrustedPeer[]): string {
  const taken = new Set(others.filter((peer) => peer.revokedWallMs === undefined).map((peer) => peer.name));
  let free = name;
  for (let count = 2; taken.has(free); count++) free = `${plainName(name.slice(0, 100))} (${count})`;
  return free;
}

function parsePeers(text: string, storeName: string): readonly TrustedPeer[] {
  const fail = (why: string, cause?: unknown): MirrorpointError =>
    new MirrorpointError(
      'settings-invalid',
      `The trusted peers in ${storeName} cannot be used. ${why} Correct the file, or move it away and pair the servers again.`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('It is not JSON.', cause);
  }
  const result = bookSchema.safeParse(value);
  if (!result.success) {
    throw fail(result.error.issues.slice(0, 3).map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}.`).join(' '), result.error);
  }
  const { peers } = result.data;
  if (new Set(peers.map((peer) => peer.identity)).size < peers.length) throw fail('An identity is there twice.');
  return peers;
}
