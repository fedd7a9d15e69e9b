import { fromHex, MirrorpointError, present, toHex } from '../base/index.ts';
import type { HoldCap, RateLimitSettings, RatesInForce } from '../contract/index.ts';
import { PrimaryRelationship, refusePeer, type RelationshipStatus, type ServerName } from '../replication/index.ts';
import { type HelloMessage, zstdPacking } from '../wire/index.ts';
import type { HeldRelationship } from './hold-keeper.ts';
import type { OpenedLink } from './listening.ts';
import { beginningOf } from './mirror-roots.ts';
import type { EnginePorts } from './ports.ts';
import { checkLimits, noLimits, rateNow } from './sending-limits.ts';
import type { RelationshipFacts } from './relationship-reports.ts';
import { addressOf, type RelationshipSettings, type SettingsBook } from './settings.ts';
import type { Trust } from './trust.ts';
import type { OpenPrimary } from './volume-opening.ts';

interface Running {
  readonly settings: RelationshipSettings;
  readonly relationship: PrimaryRelationship;
}

/** The mirrors of the primary volumes that are open. Without a server they only keep what their mirrors need. */
export class Relationships {
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #trust: Trust;
  readonly #isServing: boolean;
  readonly #running: Running[] = [];
  readonly #onSuperseded: (volume: string, by: HelloMessage) => void;
  readonly #listeners = new Set<() => void>();

  /** `onSuperseded` hears that another server was made the primary of a volume. */
  constructor(options: {
    ports: EnginePorts;
    book: SettingsBook;
    trust: Trust;
    isServing: boolean;
    onSuperseded: (volume: string, by: HelloMessage) => void;
  }) {
    this.#ports = options.ports;
    this.#book = options.book;
    this.#trust = options.trust;
    this.#isServing = options.isServing;
    this.#onSuperseded = options.onSuperseded;
  }

  /** Takes up the relationships of a volume in the step in which it was opened, before any CP is taken. */
  adopt(primary: OpenPrimary): void {
    const settings = this.#of(primary.name);
    const made = settings.map((one) => this.#make(primary, one));
    // Once the volume has heard of a relationship, it stops keeping everything for unknown ones.
    if (made.length === 0) primary.volume.setMirrorNeeds('none', undefined);
    for (const running of made) this.#begin(running);
  }

  /** Ends the sessions of a volume that is about to be closed. */
  async drop(volume: string): Promise<void> {
    for (const running of this.#running.filter(({ settings }) => settings.volume === volume)) {
      this.#running.splice(this.#running.indexOf(running), 1);
      await running.relationship.close();
    }
  }

  /** Takes a link that a server has opened to a volume that is a primary here: that of one of its mirrors, or nobody's. */
  async accept(primary: OpenPrimary, { link, hello }: OpenedLink): Promise<void> {
    const { peerIdentity } = link;
    const server = hello === undefined ? undefined : toHex(hello.serverId);
    const running = this.#running.find(
      ({ settings }) =>
        settings.volume === primary.name && (peerIdentity === undefined ? settings.server === server : settings.peer === peerIdentity),
    );
    if (running !== undefined && running.settings.address === undefined) {
      running.relationship.accept(link);
      return;
    }
    const why = running === undefined ? 'does not have that server as its mirror' : 'is linked to that server from here';
    const text = `Volume ${primary.name} is a primary, and ${why}. Link it there by \`mirrorpoint link\`, or name its mirror.`;
    await refusePeer(link, primary.volume, this.#ownName, new MirrorpointError('peer-wrong-role', text));
  }

  /** `peer` names the paired server that must be there. */
  async link(primary: OpenPrimary, address: string, peer: string | undefined): Promise<void> {
    const identity = this.#trust.checkTarget(address, peer);
    const known = this.#of(primary.name);
    if (known.some((one) => one.address === address || (identity !== undefined && one.peer === identity && one.address === undefined))) {
      throw new MirrorpointError('exists', `Volume ${primary.name} is linked to ${address} already. Look at it by \`mirrorpoint status\`.`);
    }
    const id = toHex(this.#ports.random.bytes(16));
    const settings: RelationshipSettings = {
      id,
      volume: primary.name,
      address,
      paused: false,
      ...(identity !== undefined && { peer: identity }),
    };
    await this.#book.change((now) => ({ ...now, relationships: [...now.relationships, settings] }));
    this.#begin(this.#make(primary, settings));
    this.#changed();
  }

  /**
   * Ends a relationship for good: the volume keeps nothing for that mirror any
   * more, from its next opening on when it is not open, or cannot be opened.
   */
  async unlink(volume: string, address: string | undefined): Promise<void> {
    const settings = this.settingsOf(volume, address);
    const running = this.#running.find((known) => known.settings.id === settings.id);
    await this.#book.change((now) => ({
      ...now,
      relationships: now.relationships.filter((known) => known.id !== settings.id),
    }));
    if (running !== undefined) {
      this.#running.splice(this.#running.indexOf(running), 1);
      await running.relationship.unlink();
    }
    this.#changed();
  }

  async setPaused(volume: string, address: string | undefined, paused: boolean): Promise<void> {
    const settings = await this.#changeSettings(volume, address, { paused });
    const running = this.#running.find((known) => known.settings.id === settings.id);
    if (paused) await running?.relationship.pause();
    else running?.relationship.resume();
    this.#changed();
  }

  limits(volume: string, address: string): RatesInForce {
    return this.#ratesInForce(this.settingsOf(volume, address));
  }

  /** Throws `argument-invalid` for limits that cannot hold. */
  async setLimits(volume: string, address: string, limits: RateLimitSettings): Promise<RatesInForce> {
    checkLimits(limits);
    await this.#changeSettings(volume, address, { limits });
    this.#changed();
    return this.limits(volume, address);
  }

  /** From which lag on it is an alert; undefined for the limit of the volume. */
  async setLagLimit(volume: string, address: string, lagLimitMs: number | undefined): Promise<void> {
    await this.#changeSettings(volume, address, { lagLimitMs });
    this.#changed();
  }

  /** How much may be kept for the mirror; undefined for the default. */
  async setHoldCap(volume: string, address: string, holdCap: HoldCap | undefined): Promise<void> {
    await this.#changeSettings(volume, address, { holdCap });
    this.#changed();
  }

  /** Has every one begin on a new link now, but those that are paused. */
  renew(): void {
    for (const { relationship } of this.#running) relationship.renew();
  }

  /** Those of primary volumes: of open ones as they are, the others as the settings say. */
  statuses(): RelationshipFacts[] {
    const { volumes, relationships } = this.#book.current;
    const primaries = new Set(volumes.filter(({ role }) => role === 'primary').map(({ name }) => name));
    return relationships.filter(({ volume }) => primaries.has(volume)).map((settings) => {
      const running = this.#running.find((known) => known.settings.id === settings.id);
      const { id, volume, peer } = settings;
      const end = { relationshipId: id, volume, role: 'primary', address: addressOf(settings), ...(peer !== undefined && { peerIdentity: peer }) } as const;
      if (running !== undefined) return { ...end, ...running.relationship.status() };
      return { ...end, ...quietStatus(settings.paused) };
    });
  }

  /** Those of an open primary volume, with their settings as they are now. */
  heldOf(volume: string): HeldRelationship[] {
    return this.#running.flatMap(({ settings: { id }, relationship }) => {
      const settings = this.#book.current.relationships.find((known) => known.id === id);
      return settings?.volume === volume ? [{ settings, relationship }] : [];
    });
  }

  /** One of them. Throws `not-found`. */
  held(volume: string, address: string): HeldRelationship {
    const { id } = this.settingsOf(volume, address);
    return present(this.heldOf(volume).find(({ settings }) => settings.id === id), 'the relationship of an open volume');
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    for (const { relationship } of this.#running.splice(0)) await relationship.close();
  }

  async #changeSettings(volume: string, address: string | undefined, change: Partial<RelationshipSettings>): Promise<RelationshipSettings> {
    const settings = this.settingsOf(volume, address);
    await this.#book.change((now) => ({
      ...now,
      relationships: now.relationships.map((known) => (known.id === settings.id ? { ...known, ...change } : known)),
    }));
    return settings;
  }

  #ratesInForce({ limits = noLimits }: RelationshipSettings): RatesInForce {
    const { clock, utcOffsetMinutes } = this.#ports;
    const wallMs = clock.wallMs();
    const bytesPerSecondNow = rateNow(limits, { wallMs, utcOffsetMinutes: utcOffsetMinutes(wallMs) });
    return { limits, ...(bytesPerSecondNow !== undefined && { bytesPerSecondNow }) };
  }

  /** The limit of a relationship now, from the settings as they are now. */
  #rateOf(id: string): number | undefined {
    const settings = this.#book.current.relationships.find((known) => known.id === id);
    return settings === undefined ? undefined : this.#ratesInForce(settings).bytesPerSecondNow;
  }

  /**
   * The settings of a relationship, by where the other server is, or who; the only one of the volume without that.
   * Throws `not-found`, and `argument-invalid` when there are several.
   */
  settingsOf(volume: string, address?: string): RelationshipSettings {
    const known = this.#of(volume);
    const fitting = address === undefined ? known : known.filter((one) => addressOf(one) === address || this.#nameOf(one) === address);
    if (fitting.length === 1) return fitting[0]!;
    if (fitting.length > 1) {
      const all = fitting.map((one) => addressOf(one)).join(', ');
      throw new MirrorpointError('argument-invalid', `Volume ${volume} has several relationships. Name one of them: ${all}.`);
    }
    const other = address ?? 'any other server';
    throw new MirrorpointError('not-found', `Volume ${volume} is not linked to ${other}. See \`mirrorpoint status\` for the links there are.`);
  }

  /** The relationship of an open volume. */
  runningOf(id: string): PrimaryRelationship | undefined {
    return this.#running.find((known) => known.settings.id === id)?.relationship;
  }

  #of(volume: string): RelationshipSettings[] {
    return this.#book.current.relationships.filter((known) => known.volume === volume);
  }

  #nameOf({ peer }: RelationshipSettings): string | undefined {
    return this.#trust.peers.all.find(({ identity }) => identity === peer)?.name;
  }

  get #ownName(): ServerName {
    const { serverId, serverName } = this.#book.current;
    return { serverId: fromHex(serverId), serverName };
  }

  #make(primary: OpenPrimary, settings: RelationshipSettings): Running {
    const { clock } = this.#ports;
    const book = this.#book;
    const { address, peer } = settings;
    const relationship = new PrimaryRelationship({
      volume: primary.volume,
      connect: address === undefined ? undefined : () => this.#trust.connect(address, peer),
      onSuperseded: (by) => {
        this.#onSuperseded(primary.name, by);
      },
      clock,
      relationshipId: settings.id,
      rate: () => this.#rateOf(settings.id),
      packing: zstdPacking,
      serverId: fromHex(book.current.serverId),
      // As it is when a session begins.
      get serverName() {
        return book.current.serverName;
      },
      ...beginningOf(settings),
    });
    relationship.onChange(() => {
      this.#changed();
    });
    return { settings, relationship };
  }

  #begin(running: Running): void {
    this.#running.push(running);
    if (!this.#isServing) return;
    if (running.settings.paused) void running.relationship.pause();
    running.relationship.start();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What is known of a relationship whose volume is not open. */
function quietStatus(isPaused: boolean): RelationshipStatus {
  return {
    state: isPaused ? 'paused' : 'connecting',
    reason: 'The volume is not open in a running server. Start one by `mirrorpoint serve`.',
    primaryCp: 0,
    mirrorCp: 0,
    lagCps: 0,
    lagBytes: 0,
    lagMs: 0,
    bytesSent: 0,
    bytesReceived: 0,
    blocksPushed: 0,
    blocksPulled: 0,
    lastCommittedWallMs: 0,
    identical: false,
  };
}
