import { checksumOf, SeededRandom } from '../../src-main/base/index.ts';
import type { PrimaryRelationship } from '../../src-main/replication/index.ts';
import { type CopyHow, provePrimaryCopy } from './disk-copies.ts';
import { History, type Happening, Promises, Violation } from './history.ts';
import { Host } from './host.ts';
import { calmDisk, SimulatedDisk } from './simulated-disk.ts';
import { boundHolds } from './simulated-holds.ts';
import { type MirrorSide, type Side, SimulatedMirror } from './simulated-mirror.ts';
import { calmNetwork, SimulatedNetwork } from './simulated-network.ts';
import { isDeviceFault, MirrorServer, noWrappers, PrimaryServer, type PrimaryServerOptions, type Wrappers } from './simulated-servers.ts';
import { type SimulationPlan, planFrom } from './simulation-plan.ts';
import { emptyReport, type SimulationReport } from './simulation-report.ts';
import { VirtualClock } from './virtual-clock.ts';

const traceMax = 60;
const quietLimitMs = 240_000;

export interface WorldOptions {
  readonly seed: number;
  readonly wrappers?: Partial<Wrappers> | undefined;
  /** A CP comes after each few changes. */
  readonly isDense?: boolean | undefined;
}

/**
 * Machines with their disks, the lines between them, and the servers that run
 * there, start, die and come back, on virtual time. Everything that happens
 * follows from the seed.
 */
export class SimulatedWorld {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly plan: SimulationPlan;
  readonly report: SimulationReport;
  readonly promises = new Promises();
  readonly history: History;
  readonly network: SimulatedNetwork;
  readonly mirrors: readonly SimulatedMirror[];
  readonly sides: readonly Side[];
  primaryDisks: readonly SimulatedDisk[];
  primary: PrimaryServer | undefined;
  /** A mirror's disks are the primary's now: the epoch in which it leads and the count of changes that it has, until it has come up. */
  promotion: { epoch: number; count: number } | undefined;
  /** The primary works on while nothing else happens. */
  isAlone = false;
  /** Clients and trouble rest. */
  isQuiet = true;
  /** Runs between any two events; what it begins ends before the next one. */
  betweenEvents: () => Promise<void> | undefined = () => undefined;
  readonly trace: string[] = [];
  readonly #wrappers: Wrappers;
  /** The process of each side, from its start on. */
  readonly #hosts = new Map<Side, Host>();
  /** Since the primary was last up: the changes that were told to be durable, and the errors of its disks at the first judgement. */
  #judged: { readonly toldCount: number; readonly errors: number } | undefined;
  #fingerprint = 0n;
  #violation: { fault: unknown } | undefined;
  #lives = 0;

  constructor({ seed, wrappers, isDense }: WorldOptions) {
    this.random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    this.#wrappers = { ...noWrappers, ...wrappers };
    this.plan = planFrom(this.random, isDense);
    this.report = emptyReport(seed);
    this.history = new History((happening) => {
      this.#happened(happening);
    });
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.stream(), habits: calmNetwork });
    const { blocks, primaryDevices, hasSecondMirror } = this.plan;
    this.primaryDisks = Array.from({ length: primaryDevices }, (_, index) => this.#disk(`primary ${index}`, blocks / primaryDevices));
    const mirrorSides: MirrorSide[] = hasSecondMirror ? ['mirror', 'second'] : ['mirror'];
    this.sides = ['primary', ...mirrorSides];
    this.mirrors = mirrorSides.map((side) => new SimulatedMirror(side, [this.#disk(side, blocks * 2 + 800)]));
  }

  get allDisks(): SimulatedDisk[] {
    return this.sides.flatMap((side) => [...this.disks(side)]);
  }

  /** Another source of chance, so that what one part draws changes nothing for the others. */
  stream(): SeededRandom {
    return new SeededRandom(this.random.below(2 ** 32));
  }

  mirrorOf(side: MirrorSide): SimulatedMirror {
    const mirror = this.mirrors.find((one) => one.side === side);
    if (mirror === undefined) throw new Violation(`there is no ${side}`);
    return mirror;
  }

  disks(side: Side): readonly SimulatedDisk[] {
    return side === 'primary' ? this.primaryDisks : this.mirrorOf(side).disks;
  }

  server(side: Side): PrimaryServer | MirrorServer | undefined {
    return side === 'primary' ? this.primary : this.mirrorOf(side).server;
  }

  /** The primary's side of what a mirror has with it, while the primary is up. */
  relationship(side: MirrorSide): PrimaryRelationship | undefined {
    return this.primary?.relationships.find(({ relationshipId }) => relationshipId === side);
  }

  /** What is kept for a mirror is given up, as when it has been away for too long. */
  dropBase(mirror: SimulatedMirror): void {
    this.report.faults.basesDropped++;
    this.note(`the base of the ${mirror.side} is given up`);
    mirror.isKept = false;
    mirror.isBaseDropped = true;
    this.relationship(mirror.side)?.dropBase();
  }

  /** Whether a side is up and means to stay so. */
  isUp(side: Side): boolean {
    return this.server(side)?.isStopping === false;
  }

  /** CPs that the primary must have kept whole for its mirrors. */
  get neededCps(): number[] {
    return this.mirrors.flatMap(({ cp, isKept }) => (isKept && cp > 0 ? [cp] : []));
  }

  /** Proves what a crash would leave of the primary, and that what its mirrors have is kept whole in it. */
  provePrimaryCopy(how: CopyHow, more: { seed: number; changesAfter?: number }): ReturnType<typeof provePrimaryCopy> {
    const { history, promises, neededCps } = this;
    return provePrimaryCopy(this.primaryDisks, how, { history, promises, neededCps, ...more });
  }

  /** Lets everything run until the condition holds; false when that takes longer than the limit. */
  async drive(isDone: () => boolean, limitMs = quietLimitMs): Promise<boolean> {
    const endMs = this.clock.monotonicMs() + limitMs;
    for (;;) {
      await turn();
      if (this.#violation !== undefined) throw this.#violation.fault as Error;
      this.#watch();
      const between = this.betweenEvents();
      if (between !== undefined) await between;
      if (isDone()) return true;
      if (!this.clock.step(endMs)) return false;
    }
  }

  /** Lets time pass until the task has ended. */
  async ended<T>(task: Promise<T>): Promise<T> {
    let hasEnded = false;
    this.spawn(task.then(() => void (hasEnded = true)));
    if (!(await this.drive(() => hasEnded))) throw new Violation('what was asked for does not end');
    return task;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(delayMs, resolve);
    });
  }

  /** Lets a task run beside everything else; a fault of its is a violation. */
  spawn(task: Promise<void>): void {
    task.catch((fault: unknown) => {
      this.#violation ??= { fault };
    });
  }

  note(text: string): void {
    const line = `${this.clock.monotonicMs().toFixed(2)} ${text}`;
    this.mark(Buffer.from(line));
    this.trace.push(line);
    if (this.trace.length > traceMax) this.trace.shift();
  }

  /** Has the fingerprint of the run depend on some bytes. */
  mark(bytes: Uint8Array): void {
    this.#fingerprint = BigInt.asUintN(64, this.#fingerprint * 0x100000001b3n + checksumOf(bytes));
    this.report.fingerprint = this.#fingerprint.toString(16);
  }

  async start(side: Side, isNew = false): Promise<void> {
    const host = new Host(`${side} ${++this.#lives}`, this.clock);
    this.#hosts.set(side, host);
    try {
      if (side === 'primary') await this.#startPrimary(host, isNew);
      else await this.#startMirror(host, this.mirrorOf(side));
    } catch (fault) {
      if (!host.isAlive) return;
      if (!isDeviceFault(fault)) throw fault;
      this.note(`${side} cannot start: ${fault instanceof Error ? fault.message.slice(0, 80) : ''}`);
      this.kill(side);
    }
  }

  /** Ends a server as a power cut does, and starts it again some time later. */
  kill(side: Side): void {
    const host = this.#hosts.get(side);
    if (host?.isAlive !== true) return;
    this.note(`${side} is killed`);
    this.report.crashes[side === 'primary' ? 'primary' : 'mirror']++;
    this.#crash(side, host);
    this.#restartLater(side);
  }

  /** Ends a server in order, and starts it again some time later. */
  async stop(side: Side): Promise<void> {
    const server = this.server(side);
    if (server === undefined || server.isStopping) return;
    const { count } = this.history;
    try {
      if ((await server.within(server.stop())) === 'dead') return;
      if (side === 'primary') this.history.tell({ kind: 'durable', count });
    } catch (fault) {
      if (!isDeviceFault(fault)) throw fault;
    }
    if (!server.host.isAlive) return;
    this.note(`${side} has stopped`);
    this.report.stops[side === 'primary' ? 'primary' : 'mirror']++;
    this.leave(side);
    this.#restartLater(side);
  }

  /** Ends a server as a power cut does, for others to start it again. */
  leave(side: Side): void {
    const host = this.#hosts.get(side);
    if (host?.isAlive === true) this.#crash(side, host);
  }

  /** A mirror begins with empty disks. */
  beginAnew(mirror: SimulatedMirror): void {
    this.leave(mirror.side);
    mirror.standsAnew(mirror.disks, { cp: 0 });
    mirror.isNew = true;
    this.spawn(this.start(mirror.side));
  }

  #crash(side: Side, host: Host): void {
    host.kill();
    if (side === 'primary') {
      if (this.primary !== undefined) this.report.heals += this.primary.volume.healer.counts.healed;
      this.primary = undefined;
    } else {
      const mirror = this.mirrorOf(side);
      if (mirror.server !== undefined) this.report.heals += mirror.server.volume.healer.counts.healed;
      mirror.server = undefined;
    }
    for (const disk of this.disks(side)) disk.crash();
  }

  #restartLater(side: Side): void {
    this.clock.setTimer(this.random.chance(0.7) ? this.random.below(200) : this.random.below(6000), () => {
      if (side !== 'primary' && this.mirrorOf(side).isAway) return;
      if (this.#hosts.get(side)?.isAlive !== true) this.spawn(this.start(side));
    });
  }

  #disk(name: string, blocks: number): SimulatedDisk {
    return new SimulatedDisk({ name, sizeBytes: (3 << 20) + blocks * 4096, random: this.stream(), habits: calmDisk });
  }

  /** What costs nothing to look at, after every event. */
  #watch(): void {
    const failure = this.primary?.volume.status().failure;
    if (failure !== undefined) throw new Violation(failure);
    for (const mirror of this.mirrors) {
      if (!mirror.looksNew(this.promises.roots)) continue;
      this.note(`the ${mirror.side} has CP ${mirror.cp}`);
      this.report.mirrorCommits++;
      this.#noteKept(mirror);
    }
  }

  /** What a mirror commits was kept for it, unless it had come before that was given up. */
  #noteKept(mirror: SimulatedMirror): void {
    if (mirror.isBaseDropped && this.relationship(mirror.side)?.isConnected !== true) return;
    mirror.isBaseDropped = false;
    mirror.isKept = true;
  }

  #happened(happening: Happening): void {
    this.promises.add(happening);
    if (happening.kind === 'applied') this.report.changes++;
    else if (happening.kind === 'frozen') this.note(`CP ${happening.cp} froze change ${happening.count}`);
    else if (happening.kind === 'committed') {
      this.report.consistencyPoints++;
      this.note(`CP ${happening.cp} is durable`);
    } else if (happening.kind === 'snapshot') this.note(`snapshot ${happening.name}: ${happening.is}`);
  }

  /** How a primary is opened on this world's disks. */
  primaryOptions(host: Host, onOpen: PrimaryServerOptions['onOpen']): PrimaryServerOptions {
    const { cpIntervalMs, durability } = this.plan;
    return {
      host,
      disks: this.primaryDisks,
      network: this.network,
      wrappers: this.#wrappers,
      mirrors: this.mirrors.map(({ side }) => side),
      volume: { random: this.stream(), cpIntervalMs, durability, discard: true },
      onOpen,
    };
  }

  async #startPrimary(host: Host, isNew: boolean): Promise<void> {
    const { promotion } = this;
    const count = isNew ? 0 : (promotion?.count ?? (await this.#judgeCrash()));
    const options = this.primaryOptions(host, (volume) => {
      const { cp } = volume.root;
      if (cp !== volume.recovery?.cp || promotion !== undefined) this.history.tell({ kind: 'frozen', cp, count });
      this.history.tell({ kind: 'committed', cp, rootBytes: volume.rootBytes });
      const follower = this.history.follower();
      volume.follow({
        begin: (next, base, mayKeep) => (host.isAlive ? follower.begin(next, base, mayKeep) : { keep: false }),
        end: (next, rootBytes) => {
          if (host.isAlive) follower.end(next, rootBytes);
        },
      });
    });
    const server = isNew ? await PrimaryServer.create(options, this.random) : await PrimaryServer.open(options, promotion?.epoch);
    if (!host.isAlive) return;
    const shown = isNew ? count : await this.#proveReopened(server, count);
    if (shown === 'dead') return;
    this.promotion = undefined;
    this.#judged = undefined;
    this.note(`primary is up at CP ${server.volume.root.cp}, change ${shown}`);
    this.primary = server;
    boundHolds(server, (side) => {
      this.dropBase(this.mirrorOf(side as MirrorSide));
    });
  }

  /**
   * What a crash left of the primary is judged on a copy; the history goes on from
   * there. A root that nobody was told of may stand in one copy alone: when that
   * cannot be read as the primary opens, what was told is all that must be there.
   */
  async #judgeCrash(): Promise<number> {
    this.#judged ??= { toldCount: this.promises.durable, errors: this.#primaryErrors };
    this.promises.durable = this.#leastCount(this.promises.durable);
    const { cp, count } = await this.provePrimaryCopy('calm', { seed: 1 });
    this.history.truncate(count);
    this.promises.applied = count;
    // What survived is on the platters now.
    this.promises.durable = count;
    this.promises.committedCp = cp;
    this.promises.cps.set(cp + 1, count);
    return count;
  }

  get #primaryErrors(): number {
    return this.primaryDisks.reduce((sum, { counts }) => sum + counts.errors, 0);
  }

  /** The changes that must be there, of those that were judged to be there. */
  #leastCount(count: number): number {
    const { toldCount = count, errors } = this.#judged ?? {};
    return errors === undefined || errors === this.#primaryErrors ? count : Math.min(count, toldCount);
  }

  /** The count that the server shows, or `dead` when it was killed meanwhile. */
  async #proveReopened(server: PrimaryServer, most: number): Promise<number | 'dead'> {
    const { history, promises } = this;
    const count = await server.within(history.countOf(server.volume, { least: this.#leastCount(most), most }, 'the reopened primary'));
    const listed = await server.within(server.volume.listSnapshots());
    if (count === 'dead' || listed === 'dead') return 'dead';
    if (count < most) {
      history.truncate(count);
      Object.assign(promises, { applied: count, durable: count });
      promises.cps.set(server.volume.root.cp, count);
    }
    const names = new Set(listed.map(({ name }) => name));
    for (const name of promises.snapshots.keys()) {
      if (names.has(name)) promises.snapshots.set(name, 'there');
      // The numbers of CPs come again after a promotion, and with them automatic names.
      else if (this.promotion !== undefined) promises.snapshots.delete(name);
      else promises.snapshots.set(name, 'gone');
    }
    return count;
  }

  async #startMirror(host: Host, mirror: SimulatedMirror): Promise<void> {
    const options = {
      host,
      address: mirror.side,
      disks: mirror.disks,
      network: this.network,
      wrappers: this.#wrappers,
      onCrash: (fault: unknown) => {
        if (host.isAlive) this.#violation ??= { fault };
      },
    };
    const random = this.stream();
    // What an interrupted beginning has left is thrown away.
    if (mirror.isNew) for (const disk of mirror.disks) disk.replace();
    const server = mirror.isNew ? await MirrorServer.create(options, random) : await MirrorServer.open(options, random, mirror.oldLine?.setAsideName);
    if (!host.isAlive) return;
    mirror.isNew = false;
    this.note(`${mirror.side} is up at CP ${server.volume.committed?.cp ?? 0}`);
    mirror.server = server;
  }
}

/** Resolves when everything has run that waits for no timer: all of it goes on by promises. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve);
  });
