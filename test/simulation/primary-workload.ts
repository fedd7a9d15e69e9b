import { SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import { Volume, type VolumeOptions } from '../../src-main/volume/index.ts';
import { History, type Happening } from './history.ts';
import { costOf, isFull, isRefusal, type ModelOperation, nextOperation, perform, type WorkloadShape } from './model-operation.ts';
import { VirtualClock } from './virtual-clock.ts';

const relationship = 'mirror';

/** Roots that the pretended mirror may have on their way. */
const inFlightMax = 2;

export interface WorkloadOptions {
  seed: number;
  shape: WorkloadShape;
  durability?: 'sync' | 'request';
  /** Pretends a mirror that takes CPs and acknowledges them some time later. */
  hasMirror?: boolean;
  snapshotsMax?: number;
}

/** Seeded clients of one volume, and all that must be known to judge the volume later. */
export class PrimaryWorkload {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly history: History;
  readonly options: WorkloadOptions;
  /** Gets everything that happens; set it to a trace's `mark`. */
  listener: (happening: Happening) => void = () => undefined;
  readonly #past: Happening[] = [];
  readonly #snapshots = new Set<string>();
  /** Inode numbers of open handles. */
  #handles: number[] = [];
  readonly #pending = new Set<Promise<void>>();
  #volume: Volume | undefined;
  #inFlightCps: number[] = [];
  #mirrorCp = 0;
  #snapshotNumber = 0;
  /** Set by a test that makes devices fail: coded faults of anything are then expected. */
  mayFail: (fault: unknown) => boolean = () => false;

  constructor(options: WorkloadOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    this.history = new History((happening) => {
      this.#past.push(happening);
      this.listener(happening);
    });
  }

  /** All that happened so far. */
  get past(): readonly Happening[] {
    return this.#past;
  }

  get volume(): Volume {
    return this.#volume!;
  }

  get volumeOptions(): VolumeOptions {
    return {
      name: 'crash test',
      clock: this.clock,
      random: new SeededRandom(this.random.below(2 ** 32)),
      cpIntervalMs: 0,
      cacheBytes: 256 << 10,
      poolBytes: 2 << 20,
      ...(this.options.durability !== undefined && { durability: this.options.durability }),
    };
  }

  async create(devices: Device[], journalBytes = 128 << 10): Promise<void> {
    const set = await DeviceSet.create(devices, {
      volumeId: this.random.bytes(16),
      setId: this.random.bytes(16),
      blockSizeBytes: 4096,
      journalBytes,
      random: this.random,
    });
    this.#use(await Volume.create(set, this.volumeOptions));
    const { root, rootBytes } = this.volume;
    this.history.tell({ kind: 'frozen', cp: root.cp, count: 0 });
    this.history.tell({ kind: 'committed', cp: root.cp, rootBytes });
  }

  async open(devices: Device[]): Promise<void> {
    // Files that were open without a name at the last stop are freed by a CP while the volume opens.
    const cp = this.volume.root.cp + 1;
    this.history.tell({ kind: 'frozen', cp, count: this.history.count });
    const volume = await Volume.open(await DeviceSet.open(devices), this.volumeOptions);
    if (volume.root.cp === cp) this.history.tell({ kind: 'committed', cp, rootBytes: volume.rootBytes });
    this.#use(volume);
  }

  /** Runs so many steps, not waiting for most of what takes time, and then waits for all of it. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(1 + this.random.below(5));
      await this.#step();
    }
    await this.settle();
  }

  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Makes one change and notes it, or notes nothing when the volume refuses it. */
  async change(operation: ModelOperation): Promise<void> {
    const { volume, history, clock } = this;
    const frees = ['unlink', 'rmdir', 'truncate', 'punch'].includes(operation.kind);
    try {
      let mine = 0;
      await volume.change(
        costOf(operation, volume.geometry.blockSizeBytes),
        (files) => {
          const ino = perform(operation, files);
          history.applied(operation, { ino, nowNs: clock.nowNs });
          mine = history.count;
        },
        { frees },
      );
      if (this.options.durability === 'request') history.tell({ kind: 'durable', count: mine });
    } catch (fault) {
      if (!isRefusal(fault) && !isFull(fault) && !this.mayFail(fault)) throw fault;
    }
  }

  async sync(): Promise<void> {
    const { count } = this.history;
    await this.volume.sync();
    this.history.tell({ kind: 'durable', count });
  }

  async takeCp(): Promise<void> {
    const { count } = this.history;
    await this.volume.takeCp();
    this.history.tell({ kind: 'durable', count });
  }

  /** Opens a handle on a file, which then outlives its last name. */
  async openHandle(): Promise<void> {
    const files = this.history.last.of('file');
    if (files.length === 0) return;
    const { ino } = this.random.pick(files);
    try {
      await this.volume.query((live) => {
        live.open(ino);
      });
      this.#handles.push(ino);
    } catch (fault) {
      if (!isRefusal(fault) && !this.mayFail(fault)) throw fault;
    }
  }

  async closeHandle(): Promise<void> {
    const ino = this.#handles.splice(this.random.below(this.#handles.length), 1)[0];
    if (ino === undefined) return;
    const close = this.volume.change(changeBlocks.close, (files) => {
      files.close(ino);
    });
    await close.catch((fault: unknown) => {
      if (!this.mayFail(fault) && !isFull(fault)) throw fault;
    });
  }

  async createSnapshot(): Promise<void> {
    const name = `s${++this.#snapshotNumber}`;
    this.history.tell({ kind: 'snapshot', name, is: 'creating' });
    await this.volume.createSnapshot(name);
    this.#snapshots.add(name);
    this.history.tell({ kind: 'snapshot', name, is: 'there' });
  }

  async deleteSnapshot(): Promise<void> {
    if (this.#snapshots.size === 0) return;
    const name = this.random.pick([...this.#snapshots]);
    this.#snapshots.delete(name);
    this.history.tell({ kind: 'snapshot', name, is: 'deleting' });
    await this.volume.deleteSnapshot(name);
    this.history.tell({ kind: 'snapshot', name, is: 'gone' });
  }

  /** As a schedule does: one more and some fewer in one CP. */
  async retainSnapshots(): Promise<void> {
    const drop = [...this.#snapshots].filter(() => this.random.chance(0.5));
    for (const name of drop) {
      this.#snapshots.delete(name);
      this.history.tell({ kind: 'snapshot', name, is: 'deleting' });
    }
    const { made, dropped } = await this.volume.snapshots.retain({ keep: true, drop });
    this.#snapshots.add(made!.name);
    this.history.tell({ kind: 'snapshot', name: made!.name, is: 'there' });
    for (const name of dropped) this.history.tell({ kind: 'snapshot', name, is: 'gone' });
  }

  get #hasMirror(): boolean {
    return this.options.hasMirror === true;
  }

  #use(volume: Volume): void {
    this.#volume = volume;
    this.#handles = [];
    const follower = this.history.follower(() => this.#hasMirror && this.#inFlightCps.length < inFlightMax && this.random.chance(0.6));
    volume.follow({
      begin: (cp, baseCp, mayKeep) => {
        const wish = follower.begin(cp, baseCp, mayKeep);
        if (wish.keep) this.#inFlightCps.push(cp);
        if (wish.keep) this.#tellNeeds();
        return wish;
      },
      end: (cp, rootBytes) => {
        follower.end(cp, rootBytes);
        if (rootBytes === undefined) this.#inFlightCps = this.#inFlightCps.filter((other) => other !== cp);
        if (this.#hasMirror) this.#tellNeeds();
      },
    });
    if (this.#hasMirror) this.#tellNeeds();
  }

  /** The pretended mirror has committed the oldest root that was on its way. */
  #acknowledge(): void {
    const cp = this.#inFlightCps[0];
    // A CP that still runs is not with the mirror yet.
    if (cp === undefined || cp > this.volume.root.cp) return;
    this.#inFlightCps.shift();
    this.#mirrorCp = cp;
    this.#tellNeeds();
  }

  #tellNeeds(): void {
    const durable = this.#inFlightCps.filter((cp) => cp <= this.volume.root.cp);
    this.history.tell({ kind: 'needs', cps: [...(this.#mirrorCp > 0 ? [this.#mirrorCp] : []), ...durable] });
    this.volume.setMirrorNeeds(relationship, { committedCp: this.#mirrorCp, neededCps: [], inFlightCps: [...this.#inFlightCps] });
  }

  async #step(): Promise<void> {
    const { random, history } = this;
    const dice = random.below(100);
    const later = random.chance(0.7);
    if (dice < 6) await this.openHandle();
    else if (dice < 10) await this.closeHandle();
    else if (dice < 68) {
      const clients = random.chance(0.15) ? 3 : 1;
      const changes = Array.from({ length: clients }, () => this.change(nextOperation(random, history.last, this.options.shape)));
      await Promise.all(changes);
    } else if (dice < 80) await this.#begin(this.sync(), later);
    else if (dice < 89) await this.#begin(this.takeCp(), later);
    else if (dice < 93 && this.#snapshots.size < (this.options.snapshotsMax ?? 3)) await this.#begin(this.createSnapshot(), later);
    else if (dice < 95) await this.#begin(this.deleteSnapshot(), later);
    else if (dice < 97) await this.#begin(this.retainSnapshots(), later);
    else if (this.#hasMirror) this.#acknowledge();
  }

  async #begin(task: Promise<void>, later: boolean): Promise<void> {
    const guarded: Promise<void> = task.catch((fault: unknown) => {
      if (!this.mayFail(fault)) throw fault;
    });
    this.#pending.add(guarded);
    void guarded.catch(() => undefined).then(() => this.#pending.delete(guarded));
    if (!later) await guarded;
  }
}
