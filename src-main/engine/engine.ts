import { isFault, MirrorpointError } from '../base/index.ts';
import type { RelationshipStatus, RootChoice, ServerStatus, VolumeStatus } from '../contract/index.ts';
import { toHex } from '../base/index.ts';
import type { DeviceErrors } from '../device/index.ts';
import { AlertWatch, type Watched } from './alert-watch.ts';
import { Alerts } from './alerts.ts';
import { Clones } from './clones.ts';
import { EventLog } from './event-log.ts';
import { Failover } from './failover.ts';
import { Follows } from './follows.ts';
import { HistoryBook } from './history-book.ts';
import { HoldKeeper } from './hold-keeper.ts';
import type { JobBoard } from './job-board.ts';
import { boardWithEvents } from './job-events.ts';
import { Listening, type OpenedLink } from './listening.ts';
import { Mirrors } from './mirrors.ts';
import { Mounts } from './mounts.ts';
import { PeerClients } from './peer-clients.ts';
import type { EnginePorts } from './ports.ts';
import { openMirrorRoot, openPrimaryRoot, type ReadableRoot } from './readable-root.ts';
import { type RelationshipFacts, RelationshipReports } from './relationship-reports.ts';
import { Relationships } from './relationships.ts';
import { EngineSession } from './session.ts';
import { Trust } from './trust.ts';
import { Scrubs } from './scrubs.ts';
import { Shares } from './shares.ts';
import { addressOf, SettingsBook, type VolumeSettings } from './settings.ts';
import { damagedSnapshots, type RetentionFacts } from './snapshot-retention.ts';
import { SnapshotSchedules } from './snapshot-schedules.ts';
import type { OpenPrimary, OpenVolume } from './volume-opening.ts';
import { VolumeShelf } from './volume-shelf.ts';

export interface EngineOptions {
  /** Opens every volume, mirrors and lets itself be mirrored to. Otherwise volumes open when they are asked for. */
  readonly serve: boolean;
  /** Further places where mirrors wait: an address, or `VOLUME=ADDRESS` where there are several mirrors. */
  readonly listen?: readonly string[];
}

/** Volumes whose devices someone else has: two servers on one volume. */
const refusedStart: ReadonlySet<string> = new Set(['device-in-use', 'volume-in-use']);

const eventsShown = 20;

/** Everything that a server is, without its shell. */
export class Engine implements AsyncDisposable {
  readonly ports: EnginePorts;
  readonly book: SettingsBook;
  readonly events: EventLog;
  /** The conditions that last; whoever watches one raises and clears it here. */
  readonly alerts: Alerts;
  readonly jobs: JobBoard;
  readonly shelf: VolumeShelf;
  readonly relationships: Relationships;
  readonly schedules: SnapshotSchedules;
  /** Folders of this machine that are followed into volumes. */
  readonly follows: Follows;
  /** What is kept for mirrors that are away. */
  readonly holds: HoldKeeper;
  readonly trust: Trust;
  readonly mirrors: Mirrors;
  readonly listening: Listening;
  readonly failover: Failover;
  readonly clones: Clones;
  readonly mounts: Mounts;
  readonly scrubs: Scrubs;
  /** The volumes that clients use as network drives. */
  readonly shares: Shares;
  readonly peerClients: PeerClients;
  readonly isServing: boolean;
  readonly #startedWallMs: number;
  readonly #reports: RelationshipReports;
  #watch: AlertWatch | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #sessions = new Set<EngineSession>();
  #history: Promise<HistoryBook> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(ports: EnginePorts, parts: { book: SettingsBook; trust: Trust; events: EventLog }, options: EngineOptions) {
    const { book, trust, events } = parts;
    const changed = (): void => this.noteChange();
    this.ports = ports;
    this.book = book;
    this.#reports = new RelationshipReports({ clock: ports.clock, settings: () => book.current });
    this.isServing = options.serve;
    this.#startedWallMs = ports.clock.wallMs();
    this.trust = trust;
    this.events = events;
    this.alerts = new Alerts(events);
    this.alerts.onChange(changed);
    this.events.onEvent(changed);
    this.jobs = boardWithEvents(ports, events);
    this.relationships = new Relationships({
      ports,
      book,
      trust,
      isServing: options.serve,
      onSuperseded: (volume, by) => {
        this.failover.stepDown(volume, by);
      },
    });
    this.relationships.onChange(changed);
    this.schedules = new SnapshotSchedules({
      ports,
      book,
      events,
      alerts: this.alerts,
      facts: (open) => this.retentionFacts(open),
      isServing: options.serve,
    });
    this.follows = new Follows({ ports, book, events, alerts: this.alerts, jobs: this.jobs, isServing: options.serve });
    this.holds = new HoldKeeper({
      clock: ports.clock,
      book,
      alerts: this.alerts,
      events,
      of: (volume) => this.relationships.heldOf(volume),
    });
    this.listening = new Listening({ trust, clock: ports.clock, onLink: (volume, opened) => this.#accept(volume, opened) });
    this.mirrors = new Mirrors({
      ports,
      book,
      trust,
      onChange: changed,
      listeningAt: (volume) => this.listening.addressesOf(volume),
      onLead: (volume, epoch) => this.failover.takeLead(volume, epoch),
    });
    this.peerClients = new PeerClients({ clock: ports.clock, book, trust });
    this.scrubs = new Scrubs({ ports, book, alerts: this.alerts, events, isServing: options.serve });
    this.shelf = new VolumeShelf({
      ports,
      book,
      events: this.events,
      onOpen: (open) => this.#adopt(open),
      onClose: (name) => this.#endBackground(name),
    });
    const { shelf, relationships, mirrors } = this;
    this.shares = new Shares({ ports, book, events, shelf, isServing: options.serve });
    this.clones = new Clones({ ports, shelf, events });
    this.mounts = new Mounts({ ports, shelf, events, isServing: options.serve });
    const ends = { leave: (name: string) => this.#leave(name), endWork: (name: string) => this.#endWork(name) };
    this.failover = new Failover({ ports, book, shelf, relationships, mirrors, events, alerts: this.alerts, ...ends });
  }

  /**
   * Reads the settings, and in a server opens what they name. A volume that
   * cannot be opened is reported and the others are served, unless all fail or
   * another server has it. Throws `settings-invalid`, the fault of the volume,
   * and the faults of listening.
   */
  static async open(ports: EnginePorts, options: EngineOptions): Promise<Engine> {
    const book = await SettingsBook.open(ports.settings, { random: ports.random, serverName: ports.defaultServerName });
    const events = await EventLog.open(ports.log('events'), ports);
    const trust = await Trust.open({
      ports,
      serverName: () => book.current.serverName,
      report: (text) => {
        events.add('trust', text);
      },
    });
    const engine = new Engine(ports, { book, trust, events }, options);
    try {
      if (options.serve) await engine.#serve(options.listen ?? []);
      return engine;
    } catch (fault) {
      await engine.close().catch(() => undefined);
      throw fault;
    }
  }

  /** What one caller may hold open; it ends with the engine at the latest. */
  newSession(): EngineSession {
    const session = new EngineSession(this.ports.random, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  /** Opens a state of a volume for reading; the caller closes it. */
  async openRoot(volume: string, at: RootChoice): Promise<ReadableRoot> {
    const open = await this.shelf.get(volume);
    return open.role === 'primary' ? openPrimaryRoot(open.volume, at) : openMirrorRoot(open.mirror, at);
  }

  /** In a server, lets the volume's other servers connect at the addresses of its settings. */
  async beginListening({ name }: OpenVolume): Promise<void> {
    if (this.isServing) await this.listening.listen(name, this.shelf.settingsOf(name).listen);
  }

  /** Hands a volume that was opened to all that works on it. */
  #adopt(open: OpenVolume): void {
    this.failover.adopt(open);
    if (open.role === 'primary') {
      this.relationships.adopt(open);
      this.schedules.adopt(open);
      this.follows.adopt(open);
      this.holds.adopt(open);
    } else {
      open.mirror.onSetAsideLost(({ name, cp }) => {
        const text = `CP ${cp}, which was set aside as "${name}", was given up: mirroring needed its room.`;
        this.events.add(`volume ${open.name}`, text, { level: 'warning' });
      });
      if (this.isServing) this.mirrors.adopt(open);
    }
    this.scrubs.adopt(open);
    this.shares.adopt(open);
  }

  /** Hands a link that another server has opened to whatever the volume is here. */
  async #accept(name: string, opened: OpenedLink): Promise<void> {
    try {
      const open = await this.shelf.get(name);
      await (open.role === 'primary' ? this.relationships.accept(open, opened) : this.mirrors.accept(name, opened.link));
    } catch (fault) {
      await opened.link.close();
      if (!isFault(fault)) throw fault;
    }
  }

  /** Closes a volume with all that works on it. */
  async closeVolume(name: string): Promise<void> {
    await this.listening.drop(name);
    await this.#leave(name);
    await this.shelf.release(name);
  }

  /** Ends what goes on by itself with a volume, or waits for a caller's next part. */
  async #endWork(name: string): Promise<void> {
    await this.follows.rest(name);
    await this.jobs.endOf(name);
    await this.shares.endChanges(name);
    for (const session of this.#sessions) await session.endWrites(name);
  }

  /** Ends whatever works on a volume in the background. */
  async #endBackground(name: string): Promise<void> {
    await this.mounts.endOf(name);
    await this.follows.drop(name);
    await this.#endWork(name);
    await this.shares.drop(name);
    await this.scrubs.drop(name);
  }

  /** Ends what works on a volume by its role. */
  async #leave(name: string): Promise<void> {
    await this.clones.endOf(name);
    await this.schedules.drop(name);
    await this.relationships.drop(name);
    await this.mirrors.drop(name);
  }

  /** What decides about the snapshots of a volume beside rules. */
  async retentionFacts({ name, volume }: OpenPrimary): Promise<RetentionFacts> {
    const mirrors = this.relationships.heldOf(name).map(({ settings, relationship }) => ({
      name: addressOf(settings),
      cps: [...(volume.snapshots.mirrorCps.get(settings.id) ?? []), ...relationship.mirrorRoots.map(({ cp }) => cp)],
    }));
    const { last } = (await this.scrubs.of(name)).status();
    return { nowMs: this.ports.clock.wallMs(), mirrors, damaged: last && damagedSnapshots(last) };
  }

  relationshipStatuses(): RelationshipStatus[] {
    return this.#relationshipFacts().map((facts) => this.#reports.report(facts));
  }

  /** What was measured before; read when it is first asked for. */
  get history(): Promise<HistoryBook> {
    this.#history ??= HistoryBook.open({
      clock: this.ports.clock,
      log: this.ports.log('measured'),
      known: () => {
        const { relationships, volumes } = this.book.current;
        return { relationships: new Set(relationships.map(({ id }) => id)), volumes: new Set(volumes.map(({ name }) => name)) };
      },
    });
    return this.#history;
  }

  /** The id of a relationship by what its status calls the other end. Throws `not-found` and `argument-invalid`. */
  relationshipId(volume: string, address: string): string {
    const told = this.#relationshipFacts().find((facts) => facts.volume === volume && facts.address === address)?.relationshipId;
    return told ?? this.relationships.settingsOf(volume, address).id;
  }

  /** What the alerts are judged by; measures the relationships on the way. */
  #watched(history: HistoryBook): Watched {
    const served = new Set(this.shelf.opened.map(({ name }) => name));
    const facts = this.#relationshipFacts().filter(({ volume }) => served.has(volume));
    this.#reports.sample(facts);
    history.sample({
      relationships: facts,
      volumes: this.shelf.opened.flatMap((open) => {
        const isLasting = open.role === 'primary' && this.book.current.volumes.some(({ name }) => name === open.name);
        return isLasting ? [{ name: open.name, id: toHex(open.volume.id), cpLog: open.cpLog }] : [];
      }),
    });
    return {
      volumes: this.book.current.volumes.map((settings) => this.shelf.summary(settings)),
      relationships: facts.map((one) => ({ status: this.#reports.report(one), togetherMs: this.#reports.togetherMs(one) })),
    };
  }

  #relationshipFacts(): RelationshipFacts[] {
    return [...this.relationships.statuses().map((facts) => this.#withHold(facts)), ...this.mirrors.statuses()];
  }

  #withHold(facts: RelationshipFacts): RelationshipFacts {
    const { volume, address } = facts;
    const open = this.shelf.opened.find(({ name }) => name === volume);
    const held = this.relationships.heldOf(volume).find(({ settings }) => addressOf(settings) === address);
    return open?.role !== 'primary' || held === undefined ? facts : { ...facts, hold: this.holds.statusOf(open, held.settings) };
  }

  /** The volumes that this server and a paired one have to do with: those it mirrors from here, and those it sends here. */
  volumesSharedWith(peer: string): ReadonlySet<string> {
    return new Set(this.book.current.relationships.filter((known) => known.peer === peer).map(({ volume }) => volume));
  }

  /** Calls the listener when a relationship has changed; the result ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells whoever watches that there is news. */
  noteChange(): void {
    for (const listener of this.#listeners) listener();
  }

  status(): ServerStatus {
    const { ports, book } = this;
    return {
      serverId: book.current.serverId,
      serverName: book.current.serverName,
      version: ports.version,
      serving: this.isServing,
      processId: ports.processId,
      configFolder: ports.configFolder,
      startedWallMs: this.#startedWallMs,
      wallMs: ports.clock.wallMs(),
      volumes: this.#volumesAtAGlance(),
      relationships: this.relationshipStatuses(),
      alerts: this.alerts.current,
      events: this.events.last(eventsShown),
    };
  }

  #volumesAtAGlance(): ServerStatus['volumes'] {
    const opened = new Map(this.shelf.opened.map((open) => [open.name, open]));
    const clones = new Map(this.clones.all.map((clone) => [clone.name, clone.volume]));
    return this.shelf.all.map((settings) => {
      const open = opened.get(settings.name);
      const cloneOf = clones.get(settings.name);
      const summary = { ...this.#summary(settings), ...(cloneOf !== undefined && { cloneOf }) };
      if (open === undefined) return summary;
      const { blockSizeBytes, blockCount } = open.set;
      const root = open.role === 'primary' ? open.volume.root : open.mirror.committed;
      const sizes = { sizeBytes: blockCount * blockSizeBytes, usedBytes: (root?.usedBlockCount ?? 0) * blockSizeBytes };
      return { ...summary, ...sizes, ...(root !== undefined && { cp: root.cp, cpWallMs: root.wallMs }) };
    });
  }

  /** In a server a mirror's addresses are those where it is listened to now, else those of the settings. */
  #summary(settings: VolumeSettings): ReturnType<VolumeShelf['summary']> {
    const summary = this.shelf.summary(settings);
    return this.isServing ? { ...summary, listen: this.listening.addressesOf(settings.name) } : summary;
  }

  async volumeStatus(name: string): Promise<VolumeStatus> {
    const open = await this.shelf.get(name);
    const summary = this.#summary(this.shelf.settingsOf(name));
    const { set } = open;
    const common = {
      ...summary,
      blockSizeBytes: set.blockSizeBytes,
      blockCount: set.blockCount,
      deviceSizes: set.devices.map((device) => ({ device: device.name, sizeBytes: device.sizeBytes })),
      deviceErrors: errorsOf(set.deviceErrors),
    };
    if (open.role === 'primary') {
      const { wallMs, ...status } = open.volume.status();
      const { failure: _failure, ...counts } = status;
      const { recovery } = open.volume;
      return {
        ...common,
        ...counts,
        volumeId: toHex(open.volume.id),
        cpWallMs: wallMs,
        snapshotCount: await open.volume.snapshots.count(),
        ...(recovery !== undefined && { recovery }),
      };
    }
    const root = open.mirror.committed;
    return {
      ...common,
      volumeId: toHex(open.mirror.id),
      usedBlockCount: root?.usedBlockCount ?? 0,
      freeBlockCount: set.blockCount - (root?.usedBlockCount ?? 0),
      cp: root?.cp ?? 0,
      cpWallMs: root?.wallMs ?? 0,
      epoch: root?.epoch ?? 0,
      inodeCount: root?.inodeCount ?? 0,
      waitingBytes: 0,
      stalledWriters: 0,
      snapshotCount: await open.mirror.countSnapshots(),
    };
  }

  /** Ends sessions and jobs, takes the final CPs and closes the volumes. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#watch?.close();
    await (await this.#history)?.close();
    await this.mounts.close();
    await this.follows.close();
    await this.jobs.close();
    await this.shares.close();
    for (const session of [...this.#sessions]) await session.close();
    await this.listening.close();
    await this.failover.close();
    await this.clones.close();
    await this.schedules.close();
    await this.holds.close(this.shelf.opened.map(({ name }) => name));
    await this.relationships.close();
    await this.mirrors.close();
    this.trust.close();
    try {
      await this.shelf.close();
    } finally {
      await this.events.close();
    }
  }

  async #serve(listen: readonly string[]): Promise<void> {
    let first: MirrorpointError | undefined;
    let servedCount = 0;
    const { volumes } = this.book.current;
    for (const { name } of volumes) {
      try {
        await this.beginListening(await this.shelf.get(name));
        servedCount++;
      } catch (fault) {
        if (!isFault(fault) || refusedStart.has(fault.code)) throw fault;
        first ??= fault;
        this.shelf.noteFault(name, fault);
      }
    }
    if (first !== undefined && servedCount === 0) throw first;
    for (const text of listen) await this.#listenAt(text);
    await this.shares.open();
    const history = await this.history;
    this.#watch = new AlertWatch({ alerts: this.alerts, clock: this.ports.clock, look: () => this.#watched(history) });
    this.#watch.start();
  }

  async #listenAt(text: string): Promise<void> {
    const match = /^([A-Za-z0-9._-]+)=(.+)$/.exec(text);
    // A mirror that was promoted is reached where it was reached before.
    const { opened } = this.shelf;
    const mirrors = opened.filter((open) => open.role === 'mirror');
    const [only, ...more] = mirrors.length > 0 ? mirrors : opened;
    const name = match?.[1] ?? (more.length === 0 ? only?.name : undefined);
    if (name === undefined) {
      const why = only === undefined ? 'there is no volume here that could listen' : 'there are several volumes here';
      throw new MirrorpointError('argument-invalid', `--listen ${text}: ${why}. Write --listen VOLUME=ADDRESS, naming one.`);
    }
    await this.listening.listen((await this.shelf.get(name)).name, [match?.[2] ?? text]);
  }
}

/** The devices that returned errors. */
function errorsOf(all: readonly DeviceErrors[]): DeviceErrors[] {
  return all.filter(({ reads, writes, flushes }) => reads + writes + flushes > 0);
}
