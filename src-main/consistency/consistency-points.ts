import { assert, type Clock, MirrorpointError, reasonOf, Turns } from '../base/index.ts';
import type { BlockCache } from '../blocks/index.ts';
import { encodeRootNode, type Geometry, type RootNode } from '../format/index.ts';
import { type BlockSink, CpWriter } from './cp-writer.ts';
import type { Extent, FreedList } from './freed-list.ts';
import type { Journal } from './journal.ts';
import { writeMaps } from './map-writing.ts';
import type { ReadGate } from './read-gate.ts';
import { rootPlaces, type RootRing } from './root-ring.ts';
import type { SpaceMap } from './space-map.ts';

/** Why a CP was taken. */
export type CpCause =
  | 'create'
  | 'recovery'
  | 'timer'
  | 'journal'
  | 'dirty'
  | 'snapshot'
  | 'request'
  | 'sync'
  | 'mirror'
  | 'promote'
  | 'switch-over'
  | 'grow'
  | 'sleep'
  | 'close';

/** How long a CP makes way for requests, so that the mirror is not much later for their sake. */
const gentleMsMax = 500;

/** What is kept of a CP for its history. */
export interface CpRecord {
  cp: number;
  cause: CpCause;
  startedWallMs: number;
  durationMs: number;
  dataBlocks: number;
  addressBlocks: number;
  bytes: number;
}

/** A part of the volume that a CP makes durable. Calls come in this order: freeze, flush, fill, settle. */
export interface CpParticipant {
  /** Synchronous: what was changed so far belongs to this CP. `keepAsBase` asks to keep its root for a mirror. */
  freeze(cp: number, keepAsBase: boolean): void;
  /** Writes what was frozen. */
  flush(writer: CpWriter): Promise<void>;
  /** Puts the new roots of its files into the root node. */
  fill(root: RootNode): void;
  /** The CP is durable, or has failed and what was frozen waits again. */
  settle(committed: boolean): void;
}

/** Hears of each CP: the sending side of a mirror. */
export interface CpFollower {
  /**
   * A CP freezes now. `keep` asks the volume to keep its root until it is
   * released, which it does only where it `mayKeep` one more; `sink` gets its blocks
   * as they are written.
   */
  begin(cp: number, baseCp: number, mayKeep: boolean): { keep: boolean; sink?: BlockSink };
  /** The CP's root is durable, or the CP failed and its blocks mean nothing. */
  end(cp: number, rootBytes: Uint8Array | undefined): void;
}

export interface ConsistencyPointsOptions {
  name: string;
  geometry: Geometry;
  cache: BlockCache;
  space: SpaceMap;
  ring: RootRing;
  journal: Journal;
  gate: ReadGate;
  clock: Clock;
  participants: readonly CpParticipant[];
  /** Whether there is room to keep the root of a CP that freezes now; left out: always. */
  mayKeep?: () => boolean;
  /** Flushes every device of the volume. */
  flushDevices: () => Promise<void>;
  /** The first request that a CP frozen now would not include. */
  requestSequence: () => number;
  /** Counts whatever is asked of the volume. A CP by the timer makes way while that comes; left out: none does. */
  requestCount?: () => number;
  /** Whether so little waits that a CP frozen now may take its time. */
  isLow?: () => boolean;
  /** Called as soon as a CP is durable, before anything it took is let go: requests below the number are durable. */
  onDurable: (requestSequence: number) => void;
  /** Called at the start of a CP with extents that the last one freed, when the devices are to be told. */
  discard?: (extents: readonly Extent[]) => Promise<void>;
  /** The last root; cp 0 for a volume that is being created. */
  root: RootNode;
  rootBytes: Uint8Array;
  shed: FreedList;
}

/**
 * Takes consistency points, one at a time. The order that makes them safe:
 * freeze; new blocks to the devices and to the followers at once; flush; the
 * root to the ring; flush; only then the followers get the root, the journal's
 * tail moves, and freed blocks may be used again by the next CP.
 *
 * Requests that arrive while a CP runs share the next one.
 */
export class ConsistencyPoints {
  readonly #options: ConsistencyPointsOptions;
  readonly #followers = new Set<CpFollower>();
  #root: RootNode;
  #rootBytes: Uint8Array;
  #shed: FreedList;
  #lastNumber: number;
  #running: Promise<unknown> = Promise.resolve();
  #next: { cause: CpCause; result: Promise<CpRecord> } | undefined;
  #current: Promise<CpRecord> | undefined;
  #doubtful: Extent[] = [];
  #freedLast: readonly Extent[] = [];

  constructor(options: ConsistencyPointsOptions) {
    this.#options = options;
    this.#root = options.root;
    this.#rootBytes = options.rootBytes;
    this.#shed = options.shed;
    this.#lastNumber = options.root.cp;
    options.cache.guardWaits(() => options.gate.enter());
  }

  /** The root of the last durable CP. */
  get root(): RootNode {
    return this.#root;
  }

  get rootBytes(): Uint8Array {
    return this.#rootBytes;
  }

  /** A CP runs or is about to. */
  get isBusy(): boolean {
    return this.#current !== undefined || this.#next !== undefined;
  }

  /** The CP that runs now. */
  get current(): Promise<CpRecord> | undefined {
    return this.#current;
  }

  /** Runs a task while no CP runs: after those asked for so far, before any asked for later. */
  between<T>(task: () => Promise<T> | T): Promise<T> {
    const result = this.#running.then(task);
    this.#running = result.catch(() => undefined);
    return result;
  }

  /** Gives the next CP a number above the given one. */
  skipTo(cp: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, cp);
  }

  follow(follower: CpFollower): void {
    this.#followers.add(follower);
  }

  unfollow(follower: CpFollower): void {
    this.#followers.delete(follower);
  }

  /** Takes a CP that includes everything changed before this call. */
  take(cause: CpCause): Promise<CpRecord> {
    if (this.#next !== undefined) return this.#next.result;
    const result = this.#running.then(() => {
      this.#current = this.#next?.result;
      this.#next = undefined;
      return this.#run(cause);
    });
    this.#next = { cause, result };
    this.#running = result.catch(() => undefined);
    return result;
  }

  async #run(cause: CpCause): Promise<CpRecord> {
    const { clock, participants, journal, gate } = this.#options;
    const startedWallMs = clock.wallMs();
    const startedMs = clock.monotonicMs();
    const cp = this.#nextNumber();
    const mayKeep = this.#options.mayKeep?.() ?? true;
    const wishes = [...this.#followers].map((follower) => ({ follower, wish: follower.begin(cp, this.#root.cp, mayKeep) }));
    const keepAsBase = wishes.some(({ wish }) => wish.keep);
    assert(mayKeep || !keepAsBase, 'a root is kept where there is room for it');
    const sinks = wishes.flatMap(({ wish }) => (wish.sink === undefined ? [] : [wish.sink]));
    // From here to the end of the loop nothing else runs: this is the moment the CP describes.
    const position = journal.position;
    const requestSequence = this.#options.requestSequence();
    for (const participant of participants) participant.freeze(cp, keepAsBase);

    const turns = this.#turnsOf(cause, startedMs);
    const writer = this.#newWriter({ cp, wallMs: startedWallMs, turns }, sinks);
    let rootBytes: Uint8Array | undefined;
    try {
      await gate.drain();
      await this.discardFreed();
      const root = await this.#writeBlocks(writer, { requestSequence, position });
      const bytes = encodeRootNode(root.node);
      await this.#commit(writer, root.node, bytes);
      rootBytes = bytes;
      this.#root = root.node;
      this.#rootBytes = bytes;
      this.#shed = root.shed;
      this.#freedLast = writer.released;
      journal.release(position);
      this.#options.onDurable(requestSequence);
      return {
        cp,
        cause,
        startedWallMs,
        durationMs: clock.monotonicMs() - startedMs,
        ...writer.volume,
        bytes: (writer.volume.dataBlocks + writer.volume.addressBlocks) * this.#root.blockSizeBytes,
      };
    } catch (fault) {
      await writer.abandon();
      throw this.#failure(cp, fault);
    } finally {
      const committed = rootBytes !== undefined;
      for (const { follower } of wishes) follower.end(cp, rootBytes);
      this.#options.space.settle(committed ? this.#root.files.freeMap : undefined);
      for (const participant of participants) participant.settle(committed);
      this.#current = undefined;
    }
  }

  /**
   * Numbers rise, and those of failed CPs are not used again. One whose root would
   * be written over the last durable root is passed over: many CPs may fail in a row.
   */
  #nextNumber(): number {
    do this.#lastNumber++;
    while (this.#root.cp > 0 && this.#lastNumber % rootPlaces === this.#root.cp % rootPlaces);
    return this.#lastNumber;
  }

  /** What nobody waits for makes way, but not for long. */
  #turnsOf(cause: CpCause, startedMs: number): Turns {
    const { clock, requestCount, isLow } = this.#options;
    if (cause !== 'timer' || requestCount === undefined || isLow?.() === false) return new Turns(clock);
    const isUrgent = (): boolean => this.#next !== undefined || clock.monotonicMs() - startedMs > gentleMsMax;
    return new Turns(clock, { requestCount, isUrgent });
  }

  #newWriter(of: { cp: number; wallMs: number; turns: Turns }, sinks: readonly BlockSink[]): CpWriter {
    const { geometry, cache, space } = this.#options;
    return new CpWriter({ ...of, geometry, cache, space, sinks, shedBefore: this.#shed });
  }

  /** Tells the devices what the last CP freed, before the next one writes there; nobody may be reading it. */
  async discardFreed(): Promise<void> {
    const freed = this.#freedLast;
    this.#freedLast = [];
    if (freed.length > 0) await this.#options.discard?.(freed);
  }

  async #writeBlocks(
    writer: CpWriter,
    at: { requestSequence: number; position: Journal['position'] },
  ): Promise<{ node: RootNode; shed: FreedList }> {
    const { space, participants } = this.#options;
    await space.exclude(this.#doubtful);
    for (const participant of participants) await participant.flush(writer);
    const node: RootNode = { ...this.#root, files: { ...this.#root.files } };
    for (const participant of participants) participant.fill(node);
    await writeMaps({ ...this.#options, writer, node, excluded: this.#doubtful });
    Object.assign(node, {
      cp: writer.cp,
      wallMs: writer.wallMs,
      blockCount: space.blockCount,
      usedBlockCount: space.nextUsedCount,
      requestSequence: at.requestSequence,
      journalKey: at.position.key,
      journalOffsetBytes: at.position.offsetBytes,
      journalBatch: at.position.batch,
      allocationCursor: space.cursor,
    });
    return { node, shed: writer.mapsFreed };
  }

  /** Blocks durable, then the root durable. */
  async #commit(writer: CpWriter, node: RootNode, bytes: Uint8Array): Promise<void> {
    const { ring, flushDevices } = this.#options;
    await writer.drain();
    await flushDevices();
    assert(node.cp === writer.cp, 'the root is of the CP that was written');
    try {
      await ring.write(node.cp, bytes);
      await flushDevices();
    } catch (fault) {
      // The root may or may not be on the devices; until a later one is, its blocks are left alone.
      this.#doubtful = [...this.#doubtful, ...writer.written];
      throw fault;
    }
    this.#doubtful = [];
  }

  #failure(cp: number, fault: unknown): unknown {
    if (!(fault instanceof MirrorpointError)) return fault;
    return new MirrorpointError(
      fault.code,
      `CP ${cp} of volume ${this.#options.name} did not complete; CP ${this.#root.cp} is still its state on the devices, ` +
        `and what was changed since waits in memory for the next try. ${reasonOf(fault)}`,
      { cause: fault },
    );
  }
}
