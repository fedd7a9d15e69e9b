import { present, SeededRandom } from '../../src-main/base/index.ts';
import { copiesOf, proveMirrorCopy, provePrimaryCopy, type Said } from './disk-copies.ts';
import { History, type Happening, Promises, Violation } from './history.ts';
import { Host } from './host.ts';
import type { WorkloadShape } from './model-operation.ts';
import { isOldRoot, type OldLine, proveSetAside } from './old-line.ts';
import { SimulatedClients } from './simulated-clients.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProbes } from './simulated-probes.ts';
import { calmDisk, calmNetwork, type Side, SimulatedTrouble } from './simulated-trouble.ts';
import { isDeviceFault, MirrorServer, noWrappers, PrimaryServer, type Wrappers } from './simulated-servers.ts';
import { emptyReport, type SimulationReport } from './simulation-report.ts';
import { VirtualClock } from './virtual-clock.ts';

const primaryBlocks = 1800;
const clientsMax = 3;
const viewersMax = 2;
const traceMax = 60;
const quietLimitMs = 240_000;

export interface SimulationOptions {
  seed: number;
  /** Rounds of trouble, each followed by a quiet point at which everything is compared. */
  rounds?: number;
  roundMs?: number;
  wrappers?: Partial<Wrappers>;
}

/**
 * Two servers in one process on virtual time. Everything that happens follows
 * from the seed: which clients ask for what, how long disks and lines take, who
 * is killed when, and what survives of what was not flushed.
 */
export class Simulation {
  readonly options: SimulationOptions;
  readonly clock = new VirtualClock();
  readonly report: SimulationReport;
  readonly #promises = new Promises();
  readonly #history: History;
  readonly #network: SimulatedNetwork;
  #disks: Record<Side, readonly SimulatedDisk[]>;
  readonly #trouble: SimulatedTrouble;
  readonly #wrappers: Wrappers;
  readonly #random: SeededRandom;
  readonly #clients: SimulatedClients;
  readonly #cpIntervalMs: number;
  readonly #durability: 'sync' | 'request';
  readonly #hasErrors: boolean;
  readonly #trace: string[] = [];
  readonly #probes: SimulatedProbes;
  /** The process of each side, from its start on. */
  readonly #hosts = new Map<Side, Host>();
  #primary: PrimaryServer | undefined;
  #mirror: MirrorServer | undefined;
  #mirrorCp = 0;
  /** The mirror committed a root, whose wholeness is to be proven. */
  #unprovenCommit = false;
  /** The mirror is to lead, from this count of changes on; until it has come up as the primary. */
  #promotion: { epoch: number; count: number } | undefined;
  /** What the old primary has, until it has followed the new one; and once it has. */
  #oldLine: OldLine | undefined;
  #setAside: OldLine | undefined;
  /** The primary works on while nothing else happens. */
  #isAlone = false;
  /** Clients and trouble rest. */
  #isQuiet = true;
  #violation: { fault: unknown } | undefined;
  #lives = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    const { seed } = options;
    const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    this.#random = random;
    const stream = (): SeededRandom => new SeededRandom(random.below(2 ** 32));
    const probeRandom = stream();
    this.#wrappers = { ...noWrappers, ...options.wrappers };
    this.#history = new History((happening) => {
      this.#happened(happening);
    });
    this.#network = new SimulatedNetwork({ clock: this.clock, random: stream(), habits: calmNetwork });
    const disk = (name: string, blocks: number): SimulatedDisk =>
      new SimulatedDisk({ name, sizeBytes: (3 << 20) + blocks * 4096, random: stream(), habits: calmDisk });
    const primary = random.chance(0.3)
      ? [disk('primary 0', primaryBlocks / 2), disk('primary 1', primaryBlocks / 2)]
      : [disk('primary', primaryBlocks)];
    this.#disks = { primary, mirror: [disk('mirror', primaryBlocks * 2)] };
    const shape: WorkloadShape = random.pick([
      { filesMax: 14, fileBytesMax: 150_000, writeBytesMax: 40_000 },
      { filesMax: 30, fileBytesMax: 20_000, writeBytesMax: 8000 },
      { filesMax: 5, fileBytesMax: 400_000, writeBytesMax: 150_000 },
    ]);
    this.#cpIntervalMs = random.pick([1000, 1000, 2000, 6000]);
    this.#durability = random.chance(0.2) ? 'request' : 'sync';
    this.#hasErrors = random.chance(0.35);
    this.report = emptyReport(seed);
    this.#probes = new SimulatedProbes(
      {
        report: this.report,
        disks: (side) => this.#disks[side],
        said: () => this.#said,
        oldLine: () => this.#oldLine,
        isPrimaryUp: () => this.#primary !== undefined,
      },
      probeRandom,
    );
    this.#trouble = new SimulatedTrouble({
      clock: this.clock,
      network: this.#network,
      report: this.report,
      hasErrors: this.#hasErrors,
      disks: (side) => this.#disks[side],
      primary: () => this.#primary,
      isSpared: () => this.#isQuiet || this.#isAlone,
      sleep: (delayMs) => this.#sleep(delayMs),
      note: (text) => {
        this.#note(text);
      },
      kill: (side) => {
        this.#kill(side);
      },
      stop: (side) => {
        this.#spawn(this.#stop(side));
      },
    });
    this.#clients = new SimulatedClients({
      history: this.#history,
      promises: this.#promises,
      report: this.report,
      shape,
      durability: this.#durability,
      hasErrors: this.#hasErrors,
      primary: () => this.#primary,
      // What it shows before it has followed is no state of the volume's history any more.
      mirror: () => (this.#oldLine === undefined ? this.#mirror : undefined),
      isQuiet: () => this.#isQuiet,
      sleep: (delayMs) => this.#sleep(delayMs),
    });
  }

  /** Runs to the end or to the first violation, which the report then names. */
  async run(): Promise<SimulationReport> {
    try {
      await this.#boot();
      const stream = (): SeededRandom => new SeededRandom(this.#random.below(2 ** 32));
      for (let client = 0; client < clientsMax; client++) this.#spawn(this.#clients.client(stream()));
      for (let viewer = 0; viewer < viewersMax; viewer++) this.#spawn(this.#clients.viewer(stream()));
      this.#spawn(this.#trouble.run(stream()));
      for (let round = 0; round < (this.options.rounds ?? 2); round++) {
        if (round > 0) await this.#changeSides();
        this.#trouble.stir(this.#random);
        this.#isQuiet = false;
        await this.#drive(() => false, this.options.roundMs ?? 12_000);
        await this.#comeToRest();
        await this.#proveQuiet();
      }
    } catch (fault) {
      this.report.violation = fault instanceof Error ? textOf(fault) : String(fault);
      this.report.trace = this.#trace;
    }
    const disks = [...this.#disks.primary, ...this.#disks.mirror];
    this.report.virtualMs = Math.round(this.clock.monotonicMs());
    this.report.events = this.clock.fired;
    this.report.faults.deviceErrors = disks.reduce((sum, { counts }) => sum + counts.errors, 0);
    this.report.faults.lostWrites = disks.reduce((sum, { counts }) => sum + counts.lostWrites, 0);
    this.report.faults.tornWrites = disks.reduce((sum, { counts }) => sum + counts.tornWrites, 0);
    this.#primary?.host.kill();
    this.#mirror?.host.kill();
    return this.report;
  }

  /** Lets everything run until the condition holds; false when that takes longer than the limit. */
  async #drive(isDone: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.clock.monotonicMs() + limitMs;
    for (;;) {
      await turn();
      this.#throwViolation();
      this.#watch();
      if (this.#unprovenCommit) await this.#probes.afterCommit();
      this.#unprovenCommit = false;
      if (!this.#isQuiet) await this.#probes.sometimes();
      if (isDone()) return true;
      if (!this.clock.step(endMs)) return false;
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(delayMs, resolve);
    });
  }

  #spawn(task: Promise<void>): void {
    task.catch((fault: unknown) => {
      this.#violate(fault);
    });
  }

  #violate(fault: unknown): void {
    this.#violation ??= { fault };
  }

  #throwViolation(): void {
    if (this.#violation !== undefined) throw this.#violation.fault as Error;
  }

  #note(text: string): void {
    this.#trace.push(`${this.clock.monotonicMs().toFixed(2)} ${text}`);
    if (this.#trace.length > traceMax) this.#trace.shift();
  }

  #happened(happening: Happening): void {
    this.#promises.add(happening);
    if (happening.kind === 'applied') this.report.changes++;
    else if (happening.kind === 'frozen') this.#note(`CP ${happening.cp} froze change ${happening.count}`);
    else if (happening.kind === 'committed') {
      this.report.consistencyPoints++;
      this.#note(`CP ${happening.cp} is durable`);
    } else if (happening.kind === 'snapshot') this.#note(`snapshot ${happening.name}: ${happening.is}`);
  }

  async #boot(): Promise<void> {
    this.#spawn(this.#start('primary', true));
    this.#spawn(this.#start('mirror', true));
    const isUp = await this.#drive(() => this.#primary !== undefined && this.#mirror !== undefined, 60_000);
    if (!isUp) throw new Violation('the servers do not start');
    for (const side of ['primary', 'mirror'] as const) await this.#probes.watch(side);
  }

  async #start(side: Side, isNew: boolean): Promise<void> {
    const host = new Host(`${side} ${++this.#lives}`, this.clock);
    this.#hosts.set(side, host);
    try {
      if (side === 'primary') await this.#startPrimary(host, isNew);
      else await this.#startMirror(host, isNew);
    } catch (fault) {
      if (!host.isAlive) return;
      if (!isDeviceFault(fault)) throw fault;
      this.#note(`${side} cannot start: ${fault instanceof Error ? fault.message.slice(0, 80) : ''}`);
      this.#kill(side);
    }
  }

  async #startPrimary(host: Host, isNew: boolean): Promise<void> {
    const promotion = this.#promotion;
    const count = isNew ? 0 : (promotion?.count ?? (await this.#judgeCrash()));
    const options = {
      host,
      disks: this.#disks.primary,
      network: this.#network,
      wrappers: this.#wrappers,
      volume: { random: new SeededRandom(this.#random.below(2 ** 32)), cpIntervalMs: this.#cpIntervalMs, durability: this.#durability, discard: true },
      onOpen: (volume: PrimaryServer['volume']) => {
        const { cp } = volume.root;
        if (cp !== volume.recovery?.cp || promotion !== undefined) this.#history.tell({ kind: 'frozen', cp, count });
        this.#history.tell({ kind: 'committed', cp, rootBytes: volume.rootBytes });
        const follower = this.#history.follower();
        volume.follow({
          begin: (next, base) => (host.isAlive ? follower.begin(next, base) : { keep: false }),
          end: (next, rootBytes) => {
            if (host.isAlive) follower.end(next, rootBytes);
          },
        });
      },
    };
    const server = isNew ? await PrimaryServer.create(options, this.#random) : await PrimaryServer.open(options, promotion?.epoch);
    if (!host.isAlive) return;
    if (!isNew && !(await this.#proveReopened(server, count))) return;
    this.#promotion = undefined;
    this.#note(`primary is up at CP ${server.volume.root.cp}, change ${count}`);
    this.#primary = server;
  }

  /** What a crash left of the primary is judged on a copy; the history goes on from there. */
  async #judgeCrash(): Promise<number> {
    const { cp, count } = await provePrimaryCopy(this.#disks.primary, 'calm', { ...this.#said, seed: 1 });
    this.#history.truncate(count);
    this.#promises.applied = count;
    // What survived is on the platters now.
    this.#promises.durable = count;
    this.#promises.committedCp = cp;
    this.#promises.cps.set(cp + 1, count);
    return count;
  }

  /** False when the server was killed meanwhile. */
  async #proveReopened(server: PrimaryServer, count: number): Promise<boolean> {
    await server.within(this.#history.countOf(server.volume, { least: count, most: count }, 'the reopened primary'));
    const listed = await server.within(server.volume.listSnapshots());
    if (listed === 'dead') return false;
    const names = new Set(listed.map(({ name }) => name));
    for (const name of this.#promises.snapshots.keys()) this.#promises.snapshots.set(name, names.has(name) ? 'there' : 'gone');
    return true;
  }

  async #startMirror(host: Host, isNew: boolean): Promise<void> {
    const options = {
      host,
      disks: this.#disks.mirror,
      network: this.#network,
      wrappers: this.#wrappers,
      onCrash: (fault: unknown) => {
        if (host.isAlive) this.#violate(fault);
      },
    };
    const random = new SeededRandom(this.#random.below(2 ** 32));
    const server = isNew ? await MirrorServer.create(options, random) : await MirrorServer.open(options, random, this.#oldLine?.setAsideName);
    if (!host.isAlive) return;
    this.#note(`mirror is up at CP ${server.volume.committed?.cp ?? 0}`);
    this.#mirror = server;
  }

  /** Ends a server as a power cut does, and starts it again some time later. */
  #kill(side: Side): void {
    const host = this.#hosts.get(side);
    if (host?.isAlive !== true) return;
    this.#note(`${side} is killed`);
    this.report.crashes[side]++;
    host.kill();
    if (side === 'primary') this.#primary = undefined;
    else this.#mirror = undefined;
    for (const disk of this.#disks[side]) disk.crash();
    this.#restartLater(side);
  }

  #restartLater(side: Side): void {
    this.clock.setTimer(this.#random.chance(0.7) ? this.#random.below(200) : this.#random.below(6000), () => {
      this.#spawn(this.#start(side, false));
    });
  }

  async #stop(side: Side): Promise<void> {
    const server = side === 'primary' ? this.#primary : this.#mirror;
    if (server === undefined || server.isStopping) return;
    const { count } = this.#history;
    try {
      if ((await server.within(server.stop())) === 'dead') return;
      if (side === 'primary') this.#history.tell({ kind: 'durable', count });
    } catch (fault) {
      if (!isDeviceFault(fault)) throw fault;
    }
    if (!server.host.isAlive) return;
    this.#note(`${side} has stopped`);
    this.report.stops[side]++;
    this.#leave(side, server);
    this.#restartLater(side);
  }

  #leave(side: Side, server: PrimaryServer | MirrorServer): void {
    server.host.kill();
    if (side === 'primary') this.#primary = undefined;
    else this.#mirror = undefined;
    for (const disk of this.#disks[side]) disk.crash();
  }

  /**
   * The mirror is promoted as it is, and the old primary steps down and follows
   * it. Often the primary had gone on alone before: what it did then is lost to
   * the volume, and is set aside there.
   */
  async #changeSides(): Promise<void> {
    const primary = present(this.#primary, 'the primary');
    const mirror = present(this.#mirror, 'the mirror');
    const { epoch } = primary.volume.root;
    if (this.#random.chance(0.7)) await this.#workAlone(primary);
    await this.#ended(primary.stop());
    await this.#ended(mirror.stop());
    const count = present(this.#promises.cps.get(this.#mirrorCp), 'what the mirror shows');
    this.#note(`the mirror is to lead from CP ${this.#mirrorCp}, change ${count} of ${this.#history.count}`);
    this.#oldLine = { rootBytes: primary.volume.rootBytes, text: this.#history.text(this.#history.count), setAsideName: `aside${epoch}` };
    this.#setAside = count < this.#history.count ? this.#oldLine : undefined;
    this.#promotion = { epoch: epoch + 1, count };
    this.#leave('primary', primary);
    this.#leave('mirror', mirror);
    this.#disks = { primary: this.#disks.mirror, mirror: this.#disks.primary };
    for (const side of ['primary', 'mirror'] as const) await this.#probes.watch(side);
    this.#history.truncate(count);
    Object.assign(this.#promises, { applied: count, durable: count, committedCp: this.#mirrorCp });
    for (const cp of [...this.#promises.cps.keys()]) if (cp > this.#mirrorCp) this.#promises.cps.delete(cp);
    this.#mirrorCp = 0;
    this.report.failovers++;
    for (const side of ['primary', 'mirror'] as const) this.#spawn(this.#start(side, false));
  }

  async #workAlone({ relationship }: PrimaryServer): Promise<void> {
    await this.#ended(relationship.pause());
    this.#isAlone = true;
    this.#isQuiet = false;
    await this.#drive(() => false, this.#random.below(3000));
    this.#isQuiet = true;
    if (!(await this.#drive(() => this.#clients.busy === 0, quietLimitMs))) throw new Violation('the clients do not come to rest');
    this.#isAlone = false;
  }

  /** Lets time pass until the task has ended. */
  async #ended<T>(task: Promise<T>): Promise<T> {
    let hasEnded = false;
    this.#spawn(task.then(() => void (hasEnded = true)));
    if (!(await this.#drive(() => hasEnded, quietLimitMs))) throw new Violation('what was asked for does not end');
    return task;
  }

  /** What costs nothing to look at, after every event. */
  #watch(): void {
    const failure = this.#primary?.volume.status().failure;
    if (failure !== undefined) throw new Violation(failure);
    const mirror = this.#mirror?.volume;
    const cp = mirror?.committed?.cp ?? 0;
    if (isOldRoot(this.#oldLine, mirror?.committedBytes)) return;
    if (mirror !== undefined && cp !== this.#mirrorCp) {
      this.#oldLine = undefined;
      if (cp < this.#mirrorCp) throw new Violation(`the mirror went back from CP ${this.#mirrorCp} to ${cp}`);
      const root = this.#promises.roots.get(cp);
      if (root === undefined) throw new Violation(`the mirror has CP ${cp}, which was never durable on the primary`);
      if (Buffer.compare(root, mirror.committedBytes!) !== 0) throw new Violation(`the mirror has another CP ${cp} than the primary`);
      this.#note(`the mirror has CP ${cp}`);
      this.#mirrorCp = cp;
      this.report.mirrorCommits++;
      this.#unprovenCommit = true;
    }
  }

  get #said(): Said {
    return { history: this.#history, promises: this.#promises, mirrorCp: this.#mirrorCp };
  }

  /** Ends all trouble, and waits until both servers are up and the mirror has caught up. */
  async #comeToRest(): Promise<void> {
    this.#isQuiet = true;
    this.#note('trouble ends');
    this.#trouble.calm();
    // A device whose flush has failed is of use again only when it is opened anew.
    if (this.#hasErrors) for (const side of ['primary', 'mirror'] as const) this.#kill(side);
    const isUp = await this.#drive(
      () => this.#primary?.isStopping === false && this.#mirror?.isStopping === false && this.#clients.busy === 0,
      quietLimitMs,
    );
    if (!isUp) throw new Violation('the servers do not come to rest');
    // What was kept for views and for roots on their way is given up by the second CP.
    for (let cp = 0; cp < 2; cp++) await this.#takeCpAndFollow();
  }

  async #takeCpAndFollow(): Promise<void> {
    const { volume, relationship } = present(this.#primary, 'the primary');
    const { count } = this.#history;
    let isTaken = false;
    this.#spawn(
      volume.takeCp().then(() => {
        this.#history.tell({ kind: 'durable', count });
        isTaken = true;
      }),
    );
    const isIdentical = await this.#drive(() => {
      return isTaken && relationship.status().identical && this.#mirror?.volume.committed?.cp === volume.root.cp;
    }, quietLimitMs);
    if (isIdentical) return;
    const { state, reason } = relationship.status();
    throw new Violation(`the mirror does not catch up: ${state}, ${reason ?? 'no reason'}; ${this.#mirror?.service.status().reason ?? ''}`);
  }

  /** Nothing happens any more: both sides are whole, equal, and what was asked for. */
  async #proveQuiet(): Promise<void> {
    const { volume } = present(this.#primary, 'the primary');
    const mirror = present(this.#mirror, 'the mirror').volume;
    if (Buffer.compare(mirror.committedBytes!, volume.rootBytes) !== 0) throw new Violation('both are at rest, and their roots differ');
    for (const how of ['durable', 'calm'] as const) {
      const cp = await proveMirrorCopy(copiesOf(this.#disks.mirror, how)(), this.#said);
      if (cp !== volume.root.cp) throw new Violation(`the mirror at rest would come back at CP ${cp}, not ${volume.root.cp}`);
      const { count } = await provePrimaryCopy(this.#disks.primary, how, { ...this.#said, seed: 1 });
      if (this.#history.text(count) !== this.#history.text(this.#history.count)) throw new Violation('changes were lost at rest');
    }
    if (volume.bases.length > 3) throw new Violation(`at rest, CPs ${volume.bases.join(', ')} are kept for one mirror`);
    if (this.#setAside !== undefined && (await this.#ended(proveSetAside(mirror, this.#setAside)))) this.report.setAside++;
    this.report.quietPoints++;
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function textOf(fault: Error): string {
  const cause = fault.cause instanceof Error ? `\ncaused by ${fault.cause.stack ?? fault.cause.message}` : '';
  return `${fault instanceof Violation ? fault.message : (fault.stack ?? fault.message)}${cause}`;
}
