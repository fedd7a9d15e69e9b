import { fromHex, MirrorpointError, toHex } from '../base/index.ts';
import { MirrorService } from '../replication/index.ts';
import type { Link } from '../transport/index.ts';
import type { HelloMessage } from '../wire/index.ts';
import type { EnginePorts } from './ports.ts';
import type { RelationshipFacts } from './relationship-reports.ts';
import { addressOf, type RelationshipSettings, type SettingsBook } from './settings.ts';
import type { Trust } from './trust.ts';
import type { OpenMirror } from './volume-opening.ts';

interface Following {
  readonly mirror: OpenMirror;
  readonly service: MirrorService;
}

/** The mirrors of a server that are open, and whom they follow. */
export class Mirrors {
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #trust: Trust;
  readonly #onChange: () => void;
  readonly #listeningAt: (volume: string) => readonly string[];
  readonly #onLead: (volume: string, epoch: number) => Promise<void>;
  readonly #following = new Map<string, Following>();

  constructor(options: {
    ports: EnginePorts;
    book: SettingsBook;
    trust: Trust;
    onChange: () => void;
    listeningAt: (volume: string) => readonly string[];
    /** Notes durably that the mirror becomes the primary. */
    onLead: (volume: string, epoch: number) => Promise<void>;
  }) {
    this.#ports = options.ports;
    this.#book = options.book;
    this.#trust = options.trust;
    this.#onChange = options.onChange;
    this.#listeningAt = options.listeningAt;
    this.#onLead = options.onLead;
  }

  /** Serves a mirror's primary from now on, and looks for it where its settings have an address. */
  adopt(mirror: OpenMirror): void {
    const { name } = mirror;
    const book = this.#book;
    const service = new MirrorService({
      volume: mirror.mirror,
      clock: this.#ports.clock,
      serverId: fromHex(book.current.serverId),
      // As it is when a session begins.
      get serverName() {
        return book.current.serverName;
      },
      welcome: (primary, identity) => this.#welcome(mirror, primary, identity),
      takeLead: (epoch) => this.#onLead(name, epoch),
    });
    service.onChange(this.#onChange);
    this.#following.set(name, { mirror, service });
    for (const { address, peer, paused } of this.#relationshipsOf(name)) {
      if (address === undefined) continue;
      const keeper = service.dial(() => this.#trust.connect(address, peer));
      if (paused) void keeper.pause();
      keeper.start();
    }
  }

  /** Takes a link that a server has opened to the mirror. */
  async accept(volume: string, link: Link): Promise<void> {
    const following = this.#following.get(volume);
    const known = this.#relationshipsOf(volume);
    const isPaused = known.length > 0 && known.every(({ paused }) => paused);
    if (following === undefined || isPaused) await link.close();
    else await following.service.accept(link);
  }

  /** Goes on with a mirror by its settings as they are now. */
  async renew(volume: string): Promise<void> {
    const following = this.#following.get(volume);
    if (following === undefined) return;
    await this.drop(volume);
    this.adopt(following.mirror);
    this.#onChange();
  }

  /** Those that a primary can reach, or that look for theirs. */
  statuses(): RelationshipFacts[] {
    return [...this.#following.values()].flatMap(({ mirror: { name }, service }) => {
      const known = this.#relationshipsOf(name);
      const dialed = known.flatMap(({ address }) => address ?? []);
      const addresses = [...this.#listeningAt(name), ...dialed];
      const { id, peer } = known.find((one) => one.peer !== undefined) ?? known[0] ?? {};
      if (addresses.length === 0) return [];
      const end = { relationshipId: id, volume: name, role: 'mirror', address: addresses.join(', '), ...(peer !== undefined && { peerIdentity: peer }) } as const;
      return [{ ...end, ...service.status() }];
    });
  }

  /** How a mirror stands to its primary; undefined when it is not served. */
  statusOf(volume: string): ReturnType<MirrorService['status']> | undefined {
    return this.#following.get(volume)?.service.status();
  }

  async drop(volume: string): Promise<void> {
    const following = this.#following.get(volume);
    this.#following.delete(volume);
    await following?.service.close();
  }

  async close(): Promise<void> {
    for (const volume of [...this.#following.keys()]) await this.drop(volume);
  }

  #relationshipsOf(volume: string): RelationshipSettings[] {
    return this.#book.current.relationships.filter((known) => known.volume === volume);
  }

  /**
   * A mirror follows the server that it was created for, or the first that was
   * paired to send volumes here; and from a higher epoch on the server that was
   * promoted. It remembers whom, since that is who its mirror is when it leads.
   * Where nobody proves who is at the other end, it follows whoever comes.
   */
  async #welcome(mirror: OpenMirror, primary: HelloMessage, identity: string | undefined): Promise<void> {
    const known = this.#relationshipsOf(mirror.name);
    const server = toHex(primary.serverId);
    if (known.some((one) => (identity === undefined ? one.server === server : one.peer === identity))) return;
    const bound = known.find((one) => one.address === undefined);
    if (identity === undefined) {
      if (known.some((one) => one.address !== undefined && one.peer === undefined)) return;
    } else {
      const isSuccessor = primary.epoch > (mirror.mirror.committed?.epoch ?? 0) && mirror.mirror.committed !== undefined;
      if (!this.#trust.peers.isTrusted(identity, 'primary')) throw notPaired(mirror.name);
      if (known.length > 0 && !isSuccessor) throw followsAnother(mirror.name, addressOf(known[0]!));
    }
    const end = identity === undefined ? { server } : { peer: identity };
    const next: RelationshipSettings = { id: bound?.id ?? toHex(this.#ports.random.bytes(16)), volume: mirror.name, paused: false, ...end };
    await this.#book.change((now) => ({
      ...now,
      relationships: [...now.relationships.filter((one) => one.id !== next.id), next],
    }));
  }
}

function notPaired(volume: string): MirrorpointError {
  return new MirrorpointError(
    'peer-unknown',
    `This server was paired, but not to send volume ${volume} there. Make an invitation on the server of the mirror, and pair again.`,
  );
}

function followsAnother(volume: string, other: string): MirrorpointError {
  return new MirrorpointError(
    'peer-unknown',
    `The mirror ${volume} follows another server. To have it follow this one, run \`mirrorpoint unlink ${volume} ${other}\` on its own server first.`,
  );
}
