import { assert, MirrorpointError, reasonOf } from '../base/index.ts';
import type { CpCause, CpFollower, CpRecord, Journal } from '../consistency/index.ts';
import type { Device, VolumeDevices } from '../device/index.ts';
import { changeBlocks, createRootDirectory, type LiveFiles, relistOrphans } from '../files/index.ts';
import type { Geometry, RootMark, RootNode } from '../format/index.ts';
import { forgetPreserved } from '../preservation/index.ts';
import type { KnownNeeds, ViewedRoot } from '../snapshots/index.ts';
import { BlockHealer } from './block-healer.ts';
import { type CheckOptions, type CheckReport, checkVolume } from './check.ts';
import { type Cloneable, type CloneGround, holdAsBase } from './clone-ground.ts';
import { CpTimer } from './cp-timer.ts';
import { withPrimaryStates } from './held-states.ts';
import { replay } from './recovery.ts';
import { type ScrubSubject, volumeScrubbing } from './scrub-subject.ts';
import { openRootView, type RootView, type RootViewAt } from './root-view.ts';
import { nowNs, VolumeCore } from './volume-core.ts';
import type { PromoteOptions, RecoveryReport, Restriction, VolumeOptions, VolumeStatus } from './volume-options.ts';
import { type SnapshotInfo, VolumeSnapshots } from './volume-snapshots.ts';
import { VolumeSpace } from './volume-space.ts';
import type { StatesInView, StatesWanted } from './volume-states.ts';
import { emptyStart, lastStart, mirrorStart, rootToPromote, takenBack, type VolumeStart } from './volume-start.ts';

const defaultCpIntervalMs = 30_000;

/** CPs whose records stay in memory. */
const historyMax = 1000;

const noRoom: unique symbol = Symbol('no room');

/**
 * A volume that takes changes: the primary's. It owns its devices once it is
 * open. Changes are atomic operations on `LiveFiles`, applied in memory and
 * logged; CPs make them durable, and the journal those that were synced between.
 */
export class Volume implements AsyncDisposable, Cloneable {
  readonly name: string;
  /** What opening found; undefined for a volume just created. */
  readonly recovery: RecoveryReport | undefined;
  /** Who uses how much of it. */
  readonly space: VolumeSpace;
  readonly healer: BlockHealer;
  readonly #set: VolumeDevices;
  readonly #options: VolumeOptions;
  readonly #core: VolumeCore;
  readonly snapshots: VolumeSnapshots;
  readonly #timer: CpTimer;
  readonly #history: CpRecord[] = [];
  #stalledWriters = 0;
  /** Since the last change a CP has given up what mirrors and readers had let go. */
  #isTidy = false;
  #reclaiming = false;
  /** The last CP took removed files apart, and there may be more of them. */
  #hasOrphans = false;
  #restriction: Restriction | undefined;
  #failure: MirrorpointError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(start: VolumeStart, recovery?: RecoveryReport) {
    this.name = start.options.name;
    this.recovery = recovery;
    this.#set = start.set;
    this.#options = start.options;
    this.healer = new BlockHealer({ flush: () => start.set.flush() });
    this.healer.heal(start.context.cache.store);
    this.#core = new VolumeCore(start, (cause) => this.takeCp(cause));
    this.snapshots = new VolumeSnapshots({
      context: start.context,
      ledger: this.#core.ledger,
      root: () => this.root,
      hasChanges: () => this.#core.log.sequence > this.root.requestSequence,
      refuseWhenRestricted: () => {
        this.#refuseWhenRestricted();
      },
      admission: this.#core.admission,
      findRoom: (fits) => this.space.findRoom(fits),
      takeCp: (cause) => this.takeCp(cause),
    });
    this.space = new VolumeSpace({ context: start.context, ledger: this.#core.ledger, cps: this.#core.cps, takeCp: () => this.takeCp('dirty') });
    this.#timer = new CpTimer(start.options.clock, () => {
      if (this.#core.cps.isBusy) return;
      // A CP that only gives things up is itself a base to give up later: one after each change is enough.
      if (!this.#hasChanges && (this.#isTidy || !this.#core.ledger.canGiveUp)) return;
      this.#isTidy = !this.#hasChanges;
      this.#takeCpUnasked('timer');
    });
  }

  /** Makes a new, empty volume on a device set and takes its first CP. Throws `volume-exists` on a set that has one. */
  static async create(set: VolumeDevices, options: VolumeOptions): Promise<Volume> {
    const volume = new Volume(await emptyStart(set, options));
    await volume.#core.ledger.load();
    await volume.#core.context.cache.run(() => {
      createRootDirectory(volume.#core.table, { mode: 0o755, uid: 0, gid: 0, nowNs: nowNs(options.clock) });
    });
    await volume.takeCp('create');
    return volume.#started();
  }

  /**
   * Opens a volume at its last CP and replays what its journal holds beyond it.
   * Reads a fixed number of blocks beside the replay. Throws `not-a-volume`,
   * `volume-damaged`, `format-too-new`, `device-too-small`, or `volume-is-mirror`
   * on the devices of a mirror.
   */
  static async open(set: VolumeDevices, options: VolumeOptions): Promise<Volume> {
    const start = await lastStart(set, options);
    const volume = new Volume(start, recoveryAt(start));
    await volume.#core.ledger.load();
    await volume.#recover(start.journal, volume.recovery!);
    return volume.#started();
  }

  /**
   * Makes a mirror's copy the primary's volume, at the mirror's last CP. The CP
   * that it takes says so; until that is durable, the devices hold the mirror
   * that they held. The mirror's CP stays kept as a base, so that the old primary,
   * which has it too, can come back by differences; the roots that were kept for
   * other mirrors are given up, for their trees never travelled here.
   *
   * `at` names a snapshot to go back to, which the old primary has as well. What
   * is newer, the mirror's last CP and newer snapshots with their holds, is given
   * up by the same CP, and its space comes back with that CP and those after it.
   * Numbers of inodes that were free in the snapshot are not used again.
   *
   * The epoch must be above the mirror's. A volume smaller than its devices stays
   * so until `grow`. Throws `volume-is-primary`, `not-a-volume` for a mirror that
   * has no CP, `snapshot-not-found`, `volume-damaged`, `format-too-new`,
   * `device-too-small`, and `volume-full` when there is no room for the one CP.
   */
  static async promote(set: VolumeDevices, options: VolumeOptions, how: PromoteOptions): Promise<Volume> {
    const start = await mirrorStart(set, options, how.epoch);
    const live = await rootToPromote(start, how.at ?? 'last');
    const isLast = live.cp === start.root.cp;
    const volume = new Volume(isLast ? start : takenBack(start, live), recoveryAt(start));
    await volume.#core.ledger.load({ committedCp: 0, neededCps: how.alone === true ? [] : [live.cp], inFlightCps: [] });
    if (how.alone === true) await volume.snapshots.forgetAll();
    if (!isLast) await volume.#takeBack(live, start.root);
    await volume.takeCp('promote');
    // Only now: until the new root was durable, what stepped down had to be known as that.
    await forgetPreserved(set.journal);
    return volume.#started();
  }

  /** The volume's id, 16 bytes; its mirrors have the same. */
  get id(): Uint8Array {
    return this.#set.volumeId;
  }

  /** The id of its device set: a mirror has the volume's id on another set. */
  get setId(): Uint8Array {
    return this.#set.setId;
  }

  get geometry(): Geometry {
    return this.#core.context.geometry;
  }

  /** The root of the last durable CP. */
  get root(): RootNode {
    return this.#core.cps.root;
  }

  get rootBytes(): Uint8Array {
    return this.#core.cps.rootBytes;
  }

  /** The last CPs, oldest first. */
  get cpHistory(): readonly CpRecord[] {
    return this.#history;
  }

  /** CPs kept for mirrors, oldest first. */
  get bases(): readonly number[] {
    return this.#core.ledger.bases;
  }

  /** Runs a synchronous operation that changes nothing; it may be started again, so it must not keep state outside. */
  query<T>(operation: (files: LiveFiles) => T): Promise<T> {
    return this.#core.query(operation);
  }

  /**
   * Runs a synchronous operation of at most `costBlocks` changed blocks: whole or
   * not at all. Waits while memory is full of changes. `frees` lets it use the
   * last of the space, for operations that make room. Throws `volume-full`.
   */
  async change<T>(costBlocks: number, operation: (files: LiveFiles) => T, options: { frees?: boolean } = {}): Promise<T> {
    const { admission, context, files } = this.#core;
    const purpose = options.frees === true ? 'free' : 'change';
    for (;;) {
      this.#refuseWhenFailed();
      this.#refuseWhenRestricted();
      await this.#admit(costBlocks, purpose);
      // Others may have been let in since, and each try after a block miss starts anew.
      const result = await context.cache.run<T | typeof noRoom>(() => {
        this.#refuseWhenRestricted();
        return admission.hasRoom(costBlocks) && admission.fits(costBlocks, purpose) ? operation(files) : noRoom;
      });
      if (result === noRoom) continue;
      this.#core.table.trim();
      if (admission.isHigh && !this.#core.cps.isBusy) this.#takeCpUnasked('dirty');
      if (this.#options.durability === 'request') await this.#core.log.commit();
      return result;
    }
  }

  /** Reads file content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offset: number, target: Uint8Array): Promise<number> {
    return this.#core.readInto(ino, offset, target);
  }

  /** As `SEEK_DATA` and `SEEK_HOLE`; undefined where there is none. */
  seek(ino: number, offset: number, what: 'data' | 'hole'): Promise<number | undefined> {
    const { files } = this.#core;
    return what === 'data' ? files.seekData(ino, offset) : files.seekHole(ino, offset);
  }

  /** Resolves when everything acknowledged before this call survives a crash. */
  async sync(): Promise<void> {
    this.#refuseWhenFailed();
    await this.#core.log.commit();
  }

  /** Takes a CP that includes everything acknowledged before this call. */
  async takeCp(cause: CpCause = 'request'): Promise<CpRecord> {
    this.#refuseWhenFailed();
    if (this.#restriction?.what === 'everything') throw this.#restriction.fault;
    if (this.#hasChanges) this.#isTidy = false;
    await this.#reclaim();
    try {
      const record = await this.#core.cps.take(cause);
      this.#remember(record);
      this.#measureSpace();
      return record;
    } catch (fault) {
      if (!(fault instanceof MirrorpointError)) this.#fail(fault);
      throw fault;
    }
  }

  /** Gives the next CP a number above the given one: numbers that a returning peer used are passed over. */
  skipCpsTo(cp: number): void {
    this.#core.cps.skipTo(cp);
  }

  /**
   * Refuses changes with the fault from now on, or CPs as well, until `undefined` lifts that. No change begins to take
   * effect after the call; a CP that is under way ends.
   */
  restrict(restriction: Restriction | undefined): void {
    this.#restriction = restriction;
  }

  /** A CP is under way. */
  get isTakingCp(): boolean {
    return this.#core.cps.isBusy;
  }

  /** Those of the last CPs whose roots still stand in the root areas. */
  lastRoots(): Promise<RootMark[]> {
    return this.#core.ring.marks();
  }

  setCpInterval(intervalMs: number): void {
    this.#timer.set(intervalMs);
  }

  status(): VolumeStatus {
    const { root } = this;
    return {
      cp: root.cp,
      epoch: root.epoch,
      wallMs: root.wallMs,
      blockSizeBytes: root.blockSizeBytes,
      blockCount: this.#core.space.blockCount,
      usedBlockCount: root.usedBlockCount,
      freeBlockCount: this.#core.space.freeCount,
      waitingBytes: this.#core.context.pool.takenCount * root.blockSizeBytes,
      inodeCount: this.#core.table.counters.inodeCount,
      stalledWriters: this.#stalledWriters,
      cpIntervalMs: this.#timer.intervalMs,
      ...(this.#failure !== undefined && { failure: this.#failure.message }),
    };
  }

  createSnapshot(name: string): Promise<SnapshotInfo> {
    return this.snapshots.create(name);
  }

  deleteSnapshot(name: string): Promise<void> {
    return this.snapshots.delete(name);
  }

  listSnapshots(options?: { after?: number; limit?: number }): Promise<SnapshotInfo[]> {
    return this.snapshots.list(options);
  }

  /** Opens the last CP, or a kept one, for reading; it stays as it is until the view is closed. */
  openView(at: RootViewAt): Promise<RootView> {
    // A CP under way may be giving up the root, or what the last root references: views open between CPs.
    return this.#core.cps.between(() =>
      openRootView({
        name: this.name,
        context: this.#core.context,
        root: () => this.root,
        at,
        enter: (root) => this.#core.ledger.enterView(root.cp),
      }),
    );
  }

  /** Holds states of the volume, the live one among them, while `use` looks at them beside each other. */
  withStates<T>(wanted: StatesWanted, use: (states: StatesInView) => Promise<T>): Promise<T> {
    return withPrimaryStates({ name: this.name, nowMs: this.#options.clock.wallMs(), core: this.#core }, wanted, use);
  }

  /** Verifies every block of the last CP and of every kept root, and all counts. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const { root, leaveRead, leaveView } = await this.#core.cps.between(() => ({
      root: this.root,
      leaveRead: this.#core.gate.enter(),
      leaveView: this.#core.ledger.enterView(this.root.cp),
    }));
    try {
      return await checkVolume({ context: this.#core.context, root, mapsRead: leaveRead }, options);
    } finally {
      leaveRead();
      leaveView();
    }
  }

  /** What a scrub works on. */
  get scrubbing(): ScrubSubject {
    return volumeScrubbing(this, this.#core, this.#set);
  }

  /** Takes a device more into the volume, or the room that its grown devices have now. */
  async grow(device?: Device): Promise<void> {
    await this.#set.grow(device);
    this.#core.space.grow(this.#set.blockCount);
    await this.takeCp('grow');
  }

  follow(follower: CpFollower): void {
    this.#core.cps.follow(follower);
  }

  unfollow(follower: CpFollower): void {
    this.#core.cps.unfollow(follower);
  }

  /** Reads blocks from consecutive VBNs, one buffer each. What they hold is not proven. */
  readBlocks(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#core.context.cache.store.readRun(vbn, buffers);
  }

  /** Takes a CP and keeps it for a clone as it would be kept for a mirror, and the one that `at` names as well. Throws `volume-full`. */
  async holdForClone(at: RootViewAt): Promise<CloneGround> {
    await this.snapshots.findRoom();
    const { store } = this.#core.context.cache;
    return holdAsBase(this, { at, data: this.#set.data, store, random: this.#options.random });
  }

  /** Says what a relationship's mirror has and may have; undefined ends the relationship. */
  setMirrorNeeds(relationship: string, needs: KnownNeeds | undefined): void {
    this.#core.ledger.setMirrorNeeds(relationship, needs);
  }

  /** Takes a final CP when anything changed, and closes the devices. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #hasChanges(): boolean {
    return this.#core.log.sequence > this.root.requestSequence || this.#core.ledger.hasWork || this.#hasOrphans;
  }

  /** The volume is whole: from here on it takes CPs by itself. */
  #started(): this {
    this.#timer.set(this.#options.cpIntervalMs ?? defaultCpIntervalMs);
    return this;
  }

  /** Leaves the newest root for a kept one, which the live trees are those of. */
  async #takeBack(live: ViewedRoot, left: RootNode): Promise<void> {
    const { context, orphans, ledger } = this.#core;
    context.pool.mayExceed = true;
    await relistOrphans(context, orphans, live.inodes);
    context.pool.mayExceed = false;
    ledger.rollBack({ toCp: live.cp, left });
  }

  async #recover(journal: Journal, recovery: RecoveryReport): Promise<void> {
    const { pool, cache } = this.#core.context;
    pool.mayExceed = true;
    recovery.replayedRequests = await replay({
      journal,
      fromSequence: this.root.requestSequence,
      apply: (operation) =>
        cache.run(() => {
          this.#core.files.replay(operation);
        }),
    });
    this.#hasOrphans = (await this.query((files) => files.orphanCount)) > 0;
    if (recovery.replayedRequests > 0) journal.restart(this.#options.random.bytes(16));
    if (recovery.replayedRequests > 0 || this.#hasOrphans) await this.takeCp('recovery');
    pool.mayExceed = false;
  }

  /** Waits until memory and devices have room for a change. */
  async #admit(costBlocks: number, purpose: 'change' | 'free'): Promise<void> {
    assert(costBlocks <= this.#core.context.pool.capacity / 2, 'a change fits in half of the memory for changes');
    const fits = (): boolean => this.#core.admission.fits(costBlocks, purpose);
    if (!fits() && !(await this.space.findRoom(fits))) throw this.#core.admission.full();
    while (!this.#core.admission.hasRoom(costBlocks)) {
      this.#stalledWriters++;
      const { current } = this.#core.cps;
      const next = this.takeCp('dirty');
      next.catch(() => undefined);
      // One that runs may make room; the next begins when it ends, waited for or not.
      await (current?.catch(() => next) ?? next);
    }
  }

  /** A fault of the devices shows in the next call that needs them. */
  #measureSpace(): void {
    this.space.measure().catch((fault: unknown) => {
      if (!(fault instanceof MirrorpointError)) this.#fail(fault);
    });
  }

  /** Takes files that nobody has open any more apart, some each time. */
  async #reclaim(): Promise<void> {
    if (this.#reclaiming) return;
    this.#reclaiming = true;
    const { admission, context, files } = this.#core;
    try {
      this.#hasOrphans = await context.cache.run(
        () => admission.hasRoom(changeBlocks.reclaimOrphans) && files.reclaimOrphans(...admission.reclaimMost) > 0,
      );
    } finally {
      this.#reclaiming = false;
    }
  }

  /** Several callers may have shared the CP. */
  #remember(record: CpRecord): void {
    if (this.#history.at(-1) !== record) this.#history.push(record);
    if (this.#history.length > historyMax) this.#history.shift();
  }

  /** A CP that nobody waits for: a fault shows in the next call that needs one. */
  #takeCpUnasked(cause: CpCause): void {
    this.takeCp(cause).catch(() => undefined);
  }

  #refuseWhenRestricted(): void {
    if (this.#restriction !== undefined) throw this.#restriction.fault;
  }

  #refuseWhenFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) {
      throw new MirrorpointError('device-closed', `Volume ${this.name} is closed; open it again.`);
    }
  }

  #fail(fault: unknown): void {
    this.#timer.set(0);
    this.#failure = new MirrorpointError(
      'volume-damaged',
      `Volume ${this.name} takes no more changes, because a fault in the program was found: ${reasonOf(fault)}. ` +
        `CP ${this.root.cp} is safe on the devices. Restart the server, and run \`mirrorpoint volume check\`.`,
      { cause: fault },
    );
  }

  async #close(): Promise<void> {
    this.#timer.set(0);
    try {
      if (this.#failure === undefined && this.#restriction?.what !== 'everything' && (this.#hasChanges || this.#core.cps.isBusy)) {
        this.#remember(await this.#core.cps.take('close'));
      }
      await this.#core.cps.discardFreed();
    } finally {
      await this.#set.close();
    }
  }
}

function recoveryAt({ root, damagedRootCopies }: VolumeStart): RecoveryReport {
  return { cp: root.cp, replayedRequests: 0, damagedRootCopies };
}
