import { present, SeededRandom } from '../../src-main/base/index.ts';
import { proveMirrorCopy, provePrimaryCopy, type Said } from './disk-copies.ts';
import { History, type Happening, Promises, Violation } from './history.ts';
import { Host } from './host.ts';
import type { WorkloadShape } from './model-operation.ts';
import { partAt, placesOf } from './places.ts';
import { SimulatedClients } from './simulated-clients.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { isDeviceFault, MirrorServer, noWrappers, PrimaryServer, type Wrappers } from './simulated-servers.ts';
import { emptyReport, type SimulationReport } from './simulation-report.ts';
import { VirtualClock } from './virtual-clock.ts';

const primaryBlocks = 1800;
const clientsMax = 3;
const viewersMax = 2;
const traceMax = 60;
const quietLimitMs = 240_000;

const calmDisk = { latencyMsMax: 0.5, slowChance: 0, slowMs: 0, readErrorChance: 0, writeErrorChance: 0, flushErrorChance: 0 };
const calmNetwork = { latencyMsMax: 1, bytesPerMs: 100_000, splitChance: 0.1 };

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
  readonly #primaryDisks: SimulatedDisk[];
  readonly #mirrorDisk: SimulatedDisk;
  readonly #wrappers: Wrappers;
  readonly #random: SeededRandom;
  readonly #clients: SimulatedClients;
  readonly #cpIntervalMs: number;
  readonly #durability: 'sync' | 'request';
  readonly #hasErrors: boolean;
  readonly #trace: string[] = [];
  readonly #probeRandom: SeededRandom;
  /** The process of each side, from its start on. */
  readonly #hosts = new Map<'primary' | 'mirror', Host>();
  #primary: PrimaryServer | undefined;
  #mirror: MirrorServer | undefined;
  #mirrorCp = 0;
  /** The mirror committed a root, whose wholeness is to be proven. */
  #unprovenCommit = false;
  /** A side's root is on its way to the disk: the moment at which a crash tells most. */
  readonly #rootsBegun = new Set<'primary' | 'mirror'>();
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
    this.#probeRandom = stream();
    this.#wrappers = { ...noWrappers, ...options.wrappers };
    this.#history = new History((happening) => {
      this.#happened(happening);
    });
    this.#network = new SimulatedNetwork({ clock: this.clock, random: stream(), habits: calmNetwork });
    const disk = (name: string, blocks: number): SimulatedDisk =>
      new SimulatedDisk({ name, sizeBytes: (3 << 20) + blocks * 4096, random: stream(), habits: calmDisk });
    this.#primaryDisks = random.chance(0.3)
      ? [disk('primary 0', primaryBlocks / 2), disk('primary 1', primaryBlocks / 2)]
      : [disk('primary', primaryBlocks)];
    this.#mirrorDisk = disk('mirror', primaryBlocks * 2);
    const shape: WorkloadShape = random.pick([
      { filesMax: 14, fileBytesMax: 150_000, writeBytesMax: 40_000 },
      { filesMax: 30, fileBytesMax: 20_000, writeBytesMax: 8000 },
      { filesMax: 5, fileBytesMax: 400_000, writeBytesMax: 150_000 },
    ]);
    this.#cpIntervalMs = random.pick([1000, 1000, 2000, 6000]);
    this.#durability = random.chance(0.2) ? 'request' : 'sync';
    this.#hasErrors = random.chance(0.35);
    this.report = emptyReport(seed);
    this.#clients = new SimulatedClients({
      history: this.#history,
      promises: this.#promises,
      report: this.report,
      shape,
      durability: this.#durability,
      hasErrors: this.#hasErrors,
      primary: () => this.#primary,
      mirror: () => this.#mirror,
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
      this.#spawn(this.#nemesis());
      for (let round = 0; round < (this.options.rounds ?? 2); round++) {
        this.#stir();
        await this.#drive(() => false, this.options.roundMs ?? 12_000);
        await this.#comeToRest();
        await this.#proveQuiet();
      }
    } catch (fault) {
      this.report.violation = fault instanceof Error ? textOf(fault) : String(fault);
      this.report.trace = this.#trace;
    }
    const disks = [...this.#primaryDisks, this.#mirrorDisk];
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
      if (this.#unprovenCommit) await this.#probeMirror();
      await this.#probeSometimes();
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
    await this.#watchRoots('primary', this.#primaryDisks);
    await this.#watchRoots('mirror', [this.#mirrorDisk]);
  }

  async #watchRoots(side: 'primary' | 'mirror', disks: readonly SimulatedDisk[]): Promise<void> {
    const places = await placesOf(disks.map((disk) => disk.copy('calm')));
    disks[0]!.onWrite = (offsetBytes) => {
      if (partAt(places, offsetBytes) === 'root') this.#rootsBegun.add(side);
    };
  }

  async #start(side: 'primary' | 'mirror', isNew: boolean): Promise<void> {
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
    const count = isNew ? 0 : await this.#judgeCrash();
    const options = {
      host,
      disks: this.#primaryDisks,
      network: this.#network,
      wrappers: this.#wrappers,
      volume: { random: new SeededRandom(this.#random.below(2 ** 32)), cpIntervalMs: this.#cpIntervalMs, durability: this.#durability, discard: true },
      onOpen: (volume: PrimaryServer['volume']) => {
        const { cp } = volume.root;
        if (cp !== volume.recovery?.cp) this.#history.tell({ kind: 'frozen', cp, count });
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
    const server = isNew ? await PrimaryServer.create(options, this.#random) : await PrimaryServer.open(options);
    if (!host.isAlive) return;
    if (!isNew && !(await this.#proveReopened(server, count))) return;
    this.#note(`primary is up at CP ${server.volume.root.cp}, change ${count}`);
    this.#primary = server;
  }

  /** What a crash left of the primary is judged on a copy; the history goes on from there. */
  async #judgeCrash(): Promise<number> {
    const { cp, count } = await provePrimaryCopy(this.#primaryDisks, 'calm', { ...this.#said, seed: 1 });
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
      disk: this.#mirrorDisk,
      network: this.#network,
      wrappers: this.#wrappers,
      onCrash: (fault: unknown) => {
        if (host.isAlive) this.#violate(fault);
      },
    };
    const random = new SeededRandom(this.#random.below(2 ** 32));
    const server = isNew ? await MirrorServer.create(options, random) : await MirrorServer.open(options, random);
    if (!host.isAlive) return;
    this.#note(`mirror is up at CP ${server.volume.committed?.cp ?? 0}`);
    this.#mirror = server;
  }

  /** Ends a server as a power cut does, and starts it again some time later. */
  #kill(side: 'primary' | 'mirror'): void {
    const host = this.#hosts.get(side);
    if (host?.isAlive !== true) return;
    this.#note(`${side} is killed`);
    this.report.crashes[side]++;
    host.kill();
    if (side === 'primary') this.#primary = undefined;
    else this.#mirror = undefined;
    for (const disk of side === 'primary' ? this.#primaryDisks : [this.#mirrorDisk]) disk.crash();
    this.#restartLater(side);
  }

  #restartLater(side: 'primary' | 'mirror'): void {
    this.clock.setTimer(this.#random.chance(0.7) ? this.#random.below(200) : this.#random.below(6000), () => {
      this.#spawn(this.#start(side, false));
    });
  }

  async #stop(side: 'primary' | 'mirror'): Promise<void> {
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
    server.host.kill();
    if (side === 'primary') this.#primary = undefined;
    else this.#mirror = undefined;
    for (const disk of side === 'primary' ? this.#primaryDisks : [this.#mirrorDisk]) disk.crash();
    this.#restartLater(side);
  }

  #stir(): void {
    const random = this.#random;
    const slow = random.pick([0, 0, 0.002]);
    const errors = this.#hasErrors ? 0.0004 : 0;
    for (const disk of [...this.#primaryDisks, this.#mirrorDisk]) {
      disk.habits = {
        latencyMsMax: random.pick([0.2, 1, 4]),
        slowChance: slow,
        slowMs: 200,
        readErrorChance: errors,
        writeErrorChance: errors,
        flushErrorChance: errors,
      };
    }
    this.#network.habits = { latencyMsMax: random.pick([0.3, 5, 40]), bytesPerMs: random.pick([200, 5000, 100_000]), splitChance: 0.2 };
    this.#isQuiet = false;
  }

  async #nemesis(): Promise<void> {
    const random = new SeededRandom(this.#random.below(2 ** 32));
    for (;;) {
      await this.#sleep(50 + random.below(1500));
      if (this.#isQuiet) continue;
      const side = random.pick(['primary', 'mirror'] as const);
      const dice = random.below(100);
      if (dice < 14) this.#kill(side);
      else if (dice < 42) this.#killAtOperation(side, random.below(random.chance(0.5) ? 8 : 80));
      else if (dice < 46) {
        this.#kill('primary');
        this.#kill('mirror');
      } else if (dice < 68) {
        this.report.faults.cuts++;
        this.#note('every link is cut');
        this.#network.cut();
      } else if (dice < 82) {
        this.report.faults.stalls++;
        const stallMs = random.chance(0.2) ? 7000 : random.below(1500);
        this.#network.stalledUntilMs = this.clock.monotonicMs() + stallMs;
        this.#note(`the network stalls for ${stallMs} ms`);
      } else if (dice < 92) this.#spawn(this.#stop(side));
      else if (this.#primary?.isStopping === false) {
        this.report.faults.pauses++;
        this.#spawn(this.#pause(this.#primary, random.below(3000)));
      }
    }
  }

  #killAtOperation(side: 'primary' | 'mirror', operations: number): void {
    const disk = side === 'primary' ? this.#random.pick(this.#primaryDisks) : this.#mirrorDisk;
    disk.countDown(operations, () => {
      if (!this.#isQuiet) this.#kill(side);
    });
  }

  async #pause(server: PrimaryServer, forMs: number): Promise<void> {
    this.#note(`the relationship pauses for ${forMs} ms`);
    await server.within(server.relationship.pause());
    await this.#sleep(forMs);
    if (server.host.isAlive && !server.isStopping) server.relationship.resume();
  }

  /** What costs nothing to look at, after every event. */
  #watch(): void {
    const mirror = this.#mirror?.volume;
    const cp = mirror?.committed?.cp ?? 0;
    if (mirror !== undefined && cp !== this.#mirrorCp) {
      if (cp < this.#mirrorCp) throw new Violation(`the mirror went back from CP ${this.#mirrorCp} to ${cp}`);
      const root = this.#promises.roots.get(cp);
      if (root === undefined) throw new Violation(`the mirror has CP ${cp}, which was never durable on the primary`);
      if (Buffer.compare(root, mirror.committedBytes!) !== 0) throw new Violation(`the mirror has another CP ${cp} than the primary`);
      this.#note(`the mirror has CP ${cp}`);
      this.#mirrorCp = cp;
      this.report.mirrorCommits++;
      this.#unprovenCommit = true;
    }
    const failure = this.#primary?.volume.status().failure;
    if (failure !== undefined) throw new Violation(failure);
  }

  /** Proves what a crash just now would leave: at any time, and more often while a root is being written. */
  async #probeSometimes(): Promise<void> {
    if (this.#isQuiet) return;
    const random = this.#probeRandom;
    const begun = [...this.#rootsBegun];
    this.#rootsBegun.clear();
    const chance = (side: 'primary' | 'mirror'): number => (begun.includes(side) ? 0.15 : 0.0007);
    if (this.#primary !== undefined && random.chance(chance('primary'))) {
      await provePrimaryCopy(this.#primaryDisks, random, { ...this.#said, seed: random.below(2 ** 32), changesAfter: 3 });
      this.report.probes++;
    }
    if (random.chance(chance('mirror'))) {
      await proveMirrorCopy(this.#mirrorDisk, random, this.#said);
      this.report.probes++;
    }
  }

  /** The mirror has committed: what is durable, at the very least, is that root and all of it. */
  async #probeMirror(): Promise<void> {
    this.#unprovenCommit = false;
    if (!this.#probeRandom.chance(0.4)) return;
    await proveMirrorCopy(this.#mirrorDisk, 'durable', this.#said);
    this.report.probes++;
  }

  get #said(): Said {
    return { history: this.#history, promises: this.#promises, mirrorCp: this.#mirrorCp };
  }

  /** Ends all trouble, and waits until both servers are up and the mirror has caught up. */
  async #comeToRest(): Promise<void> {
    this.#isQuiet = true;
    this.#note('trouble ends');
    for (const disk of [...this.#primaryDisks, this.#mirrorDisk]) {
      disk.habits = calmDisk;
      disk.countDown(Infinity, () => undefined);
    }
    this.#network.habits = calmNetwork;
    this.#network.stalledUntilMs = 0;
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
      const cp = await proveMirrorCopy(this.#mirrorDisk, how, this.#said);
      if (cp !== volume.root.cp) throw new Violation(`the mirror at rest would come back at CP ${cp}, not ${volume.root.cp}`);
      const { count } = await provePrimaryCopy(this.#primaryDisks, how, { ...this.#said, seed: 1 });
      if (this.#history.text(count) !== this.#history.text(this.#history.count)) throw new Violation('changes were lost at rest');
    }
    if (volume.bases.length > 3) throw new Violation(`at rest, CPs ${volume.bases.join(', ')} are kept for one mirror`);
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
