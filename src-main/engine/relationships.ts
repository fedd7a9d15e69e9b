import { fromHex, MirrorpointError, present, toHex } from '../base/index.ts';
import type { HoldCap, RateLimitSettings, RatesInForce } from '../contract/index.ts';
import { PrimaryRelationship, type RelationshipStatus } from '../replication/index.ts';
import { zstdPacking } from '../wire/index.ts';
import type { HeldRelationship } from './hold-keeper.ts';
import { beginningOf } from './mirror-roots.ts';
import type { EnginePorts } from './ports.ts';
import { checkLimits, noLimits, rateNow } from './sending-limits.ts';
import type { RelationshipFacts } from './relationship-reports.ts';
import type { RelationshipSettings, SettingsBook } from './settings.ts';
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
  readonly #listeners = new Set<() => void>();

  constructor(options: { ports: EnginePorts; book: SettingsBook; trust: Trust; isServing: boolean }) {
    this.#ports = options.ports;
    this.#book = options.book;
    this.#trust = options.trust;
    this.#isServing = options.isServing;
  }

  /** Takes up the relationships of a volume in the step in which it was opened, before any CP is taken. */
  adopt(primary: OpenPrimary): void {
    const settings = this.#book.current.relationships.filter((known) => known.volume === primary.name);
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

  /** `peer` names the paired server that must be there. */
  async link(primary: OpenPrimary, address: string, peer: string | undefined): Promise<void> {
    const identity = this.#trust.checkTarget(address, peer);
    if (this.#book.current.relationships.some((known) => isOf(known, primary.name, address))) {
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
  async unlink(volume: string, address: string): Promise<void> {
    const settings = this.#settingsOf(volume, address);
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

  async setPaused(volume: string, address: string, paused: boolean): Promise<void> {
    const settings = await this.#changeSettings(volume, address, { paused });
    const running = this.#running.find((known) => known.settings.id === settings.id);
    if (paused) await running?.relationship.pause();
    else running?.relationship.resume();
    this.#changed();
  }

  limits(volume: string, address: string): RatesInForce {
    return this.#ratesInForce(this.#settingsOf(volume, address));
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

  /** Those of open volumes as they are, the others as the settings say. */
  statuses(): RelationshipFacts[] {
    return this.#book.current.relationships.map((settings) => {
      const running = this.#running.find((known) => known.settings.id === settings.id);
      const { volume, address, peer } = settings;
      const end = { volume, role: 'primary', address, ...(peer !== undefined && { peerIdentity: peer }) } as const;
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
    const { id } = this.#settingsOf(volume, address);
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

  async #changeSettings(volume: string, address: string, change: Partial<RelationshipSettings>): Promise<RelationshipSettings> {
    const settings = this.#settingsOf(volume, address);
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

  #settingsOf(volume: string, address: string): RelationshipSettings {
    const settings = this.#book.current.relationships.find((known) => isOf(known, volume, address));
    if (settings !== undefined) return settings;
    throw new MirrorpointError(
      'not-found',
      `Volume ${volume} is not linked to ${address}. See \`mirrorpoint status\` for the links there are.`,
    );
  }

  #make(primary: OpenPrimary, settings: RelationshipSettings): Running {
    const { clock } = this.#ports;
    const { serverId, serverName } = this.#book.current;
    const relationship = new PrimaryRelationship({
      volume: primary.volume,
      connect: () => this.#trust.connect(settings.address, settings.peer),
      clock,
      relationshipId: settings.id,
      rate: () => this.#rateOf(settings.id),
      packing: zstdPacking,
      serverId: fromHex(serverId),
      serverName,
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

function isOf(settings: RelationshipSettings, volume: string, address: string): boolean {
  return settings.volume === volume && settings.address === address;
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
