import { MirrorpointError, toHex } from '../base/index.ts';
import type { NearbyServer, PairingEvent } from '../contract/index.ts';
import {
  type Decide,
  decodeInvitation,
  InvitationDesk,
  isInvitationAddress,
  openIdentity,
  pairWith,
  type PeerRole,
  type ServerIdentity,
  type TrustedPeer,
  TrustedPeers,
} from '../pairing/index.ts';
import { type Link, type Listener, parseAddress, TlsTransport } from '../transport/index.ts';
import { PairingEvents } from './pairing-events.ts';
import type { EnginePorts } from './ports.ts';

interface TrustOptions {
  readonly ports: EnginePorts;
  readonly serverName: () => string;
  readonly report: (text: string) => void;
}

/** Who this server is, whom it trusts, and every link that demands either. */
export class Trust {
  readonly identity: string;
  readonly peers: TrustedPeers;
  readonly #options: TrustOptions;
  readonly #tls: TlsTransport;
  readonly #desk: InvitationDesk;
  readonly #questions = new Map<string, (isAccepted: boolean) => void>();

  private constructor(options: TrustOptions, own: ServerIdentity, peers: TrustedPeers) {
    const { ports, serverName, report } = options;
    this.#options = options;
    this.identity = own.identity;
    this.peers = peers;
    this.#tls = new TlsTransport(own);
    this.#desk = new InvitationDesk({ clock: ports.clock, random: ports.random, identity: own.identity, serverName, peers, report });
    // A pair changes its roles, and either may open the links; who may lead or follow is each volume's to say.
    this.#tls.admit((peer) => peers.isTrusted(peer));
    this.#tls.receiveStrangers((link) => void this.#desk.receive(link));
  }

  /** Makes the identity on the first start. Throws `identity-invalid` and `settings-invalid`. */
  static async open(options: TrustOptions): Promise<Trust> {
    const { ports } = options;
    const own = await openIdentity(ports.trust.identity, ports.random);
    return new Trust(options, own, await TrustedPeers.open(ports.trust.peers));
  }

  /** Checks where a volume is to be mirrored, and who must be there; resolves to the identity for an address that needs one. */
  checkTarget(address: string, peer: string | undefined): string | undefined {
    const { scheme } = parseAddress(address);
    if (scheme !== 'tls') {
      if (peer === undefined) return undefined;
      throw new MirrorpointError('argument-invalid', `Nobody proves who is at ${address}, so no peer can be demanded there. Use a tls:// address.`);
    }
    if (peer !== undefined) return this.peers.require(peer, 'mirror').identity;
    throw new MirrorpointError('argument-invalid', `Say which paired server is to be at ${address}, by --peer NAME. See \`mirrorpoint peers list\`.`);
  }

  /** Opens a link to a trusted server. What is trusted is looked at each time. */
  async connect(address: string, peer: string | undefined): Promise<Link> {
    if (peer === undefined) return this.#options.ports.transport.connect(address);
    this.peers.require(peer);
    return this.#stillTrusted(await this.#tls.connect(address, { peer }), { address, peer });
  }

  /** Opens a link to ask a paired server questions, whatever it is to this one. */
  async connectToControl(address: string, peer: string): Promise<Link> {
    this.peers.require(peer);
    return this.#stillTrusted(await this.#tls.connectToControl(address, { peer }), { address, peer });
  }

  /** Who answers the questions of paired servers, trusted ones alone; undefined refuses them. */
  receiveControl(onLink: ((link: Link) => void) | undefined): void {
    this.#tls.receiveControl(onLink === undefined ? undefined : { admits: (peer) => this.peers.isTrusted(peer), onLink });
  }

  async #stillTrusted(link: Link, { address, peer }: { address: string; peer: string }): Promise<Link> {
    if (this.peers.isTrusted(peer)) return link;
    await link.close();
    throw new MirrorpointError('peer-revoked', `The server at ${address} was revoked while the link came about. Pair it again.`);
  }

  listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    const { scheme } = parseAddress(address);
    return (scheme === 'tls' ? this.#tls : this.#options.ports.transport).listen(address, onLink);
  }

  async revoke(peer: string): Promise<TrustedPeer> {
    const revoked = await this.peers.revoke(peer, this.#options.ports.clock.wallMs());
    this.#tls.cut(revoked.identity);
    this.#options.report(`The server '${revoked.name}' was revoked, and its links were cut.`);
    return revoked;
  }

  /** Opens an invitation, announces it in the local network, and tells what comes of it until the caller stops listening. */
  async *invite(addresses: readonly string[]): AsyncGenerator<PairingEvent, void, void> {
    const { ports } = this.#options;
    const reached = this.#addressesFor(addresses);
    const events = new PairingEvents(ports.clock);
    const invitation = this.#desk.open({ addresses: reached, decide: this.#asking(events, 'primary') });
    const { text, expiresWallMs, outcome } = invitation;
    events.tell({ type: 'invitation', text, identity: this.identity, addresses: [...reached], expiresWallMs });
    const stopAnnouncing = this.#announce();
    yield* events.until(outcome, () => {
      stopAnnouncing();
      invitation.withdraw();
    });
  }

  /** Other servers of the local network that have an invitation open. */
  async findNearby(): Promise<NearbyServer[]> {
    const found = await this.#options.ports.discovery.find();
    return found.filter(({ identity }) => identity !== this.identity);
  }

  /**
   * Takes up another server's invitation. Should its addresses lead nowhere, that
   * server is looked for nearby: where it was heard of already, and now.
   */
  async *accept(text: string, nearby: readonly NearbyServer[]): AsyncGenerator<PairingEvent, void, void> {
    const { ports, serverName } = this.#options;
    const invitation = decodeInvitation(text);
    const events = new PairingEvents(ports.clock);
    const abandoned = new AbortController();
    const outcome = pairWith(invitation, {
      carrier: this.#tls,
      clock: ports.clock,
      serverName: serverName(),
      peers: this.peers,
      signal: abandoned.signal,
      decide: this.#asking(events, 'mirror'),
      nearby: async () => {
        const heard = [...nearby, ...(await this.findNearby())];
        return heard.filter(({ identity }) => identity === invitation.identity).flatMap(({ addresses }) => addresses);
      },
    });
    yield* events.until(outcome, () => {
      abandoned.abort();
    });
  }

  /** Answers a question that an event has asked. Throws `not-found` when it is not open any more. */
  answer(questionId: string, isAccepted: boolean): void {
    const resolve = this.#questions.get(questionId);
    if (resolve === undefined) {
      throw new MirrorpointError('not-found', 'That question is not open any more. Start again with a new invitation.');
    }
    this.#questions.delete(questionId);
    resolve(isAccepted);
  }

  close(): void {
    this.#tls.receiveStrangers(undefined);
    this.#desk.close();
    this.#questions.clear();
  }

  #asking(events: PairingEvents, role: PeerRole): Decide {
    return async (question) => {
      const questionId = toHex(this.#options.ports.random.bytes(16));
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#questions.set(questionId, resolve);
      // Nobody answers once nobody listens.
      void events.ended.then(() => {
        this.#questions.delete(questionId);
        resolve(false);
      });
      events.tell({ type: 'question', questionId, role, ...question });
      return promise;
    };
  }

  /** Tells the local network where this server listens for other machines, so that it is found although its address has changed. */
  #announce(): () => void {
    const { ports, serverName } = this.#options;
    const reached = this.#tls.addresses.map((address) => parseAddress(address)).find((one) => one.scheme === 'tls' && !isLoopback(one.host));
    if (reached?.scheme !== 'tls') return () => undefined;
    return ports.discovery.announce({ name: serverName(), identity: this.identity, port: reached.port });
  }

  /** Where an invitation says that this server is: as asked for, or wherever it listens for other machines. */
  #addressesFor(asked: readonly string[]): readonly string[] {
    const listening = this.#tls.addresses;
    if (listening.length === 0) {
      throw new MirrorpointError(
        'argument-invalid',
        'This server listens nowhere for other machines, so nobody could take up an invitation. Run `mirrorpoint serve --listen tls://0.0.0.0:PORT`.',
      );
    }
    const wrong = asked.find((address) => !isInvitationAddress(address));
    if (wrong !== undefined) {
      throw new MirrorpointError('address-invalid', `'${wrong}' cannot be in an invitation: write tls://HOST:PORT, as others reach this server.`);
    }
    if (asked.length > 0) return asked;
    const reached = listening.flatMap((address) => this.#reachedAt(address)).slice(0, 8);
    if (reached.length > 0) return reached;
    throw new MirrorpointError('argument-invalid', 'This machine has no address that others could reach. Name one by --address tls://HOST:PORT.');
  }

  #reachedAt(address: string): readonly string[] {
    const parsed = parseAddress(address);
    if (parsed.scheme !== 'tls') return [];
    if (parsed.host !== '0.0.0.0' && parsed.host !== '::') return [address];
    const hosts = this.#options.ports.trust.hosts().filter((host) => parsed.host === '::' || !host.includes(':'));
    return hosts.map((host) => `tls://${host.includes(':') ? `[${host}]` : host}:${parsed.port}`);
  }
}

/** Whether a host means this machine alone. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
