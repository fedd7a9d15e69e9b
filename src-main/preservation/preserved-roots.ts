import { assert, isFault, MirrorpointError } from '../base/index.ts';
import type { Device } from '../device/index.ts';
import type { RootNode } from '../format/index.ts';
import { BlockSet } from './block-set.ts';
import { DisplacementLog, type PreservedKind, type PreservedMark } from './displacement-log.ts';
import { BlockSpace, joined, PreservedRoot } from './preserved-root.ts';
import { readTolerant } from './tolerant-read.ts';
import { isSet, UsedBlocks } from './used-blocks.ts';

/** Blocks copied in one step. */
const copyBlocksMax = 1024;

export interface PreservedRootsOptions {
  /** The blocks by VBN. */
  readonly data: Device;
  /** Where the logs stand: a mirror's journal region. */
  readonly region: Device;
  readonly flush: () => Promise<void>;
  readonly blockSizeBytes: number;
  /** Size of the VBN space of these devices. */
  readonly blockCount: () => number;
  readonly cacheBytes: number;
  /** Hears that a root that was set aside had to be given up, for lack of room. */
  readonly onGivenUp: (mark: PreservedMark) => void;
}

/** A stretch that is about to be written. */
interface Request {
  readonly vbn: number;
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/** A block that has to stand elsewhere. */
interface Move {
  readonly of: PreservedRoot;
  readonly vbn: number;
  readonly from: number;
}

/**
 * The roots of a mirror that stay readable while blocks of another line of
 * roots are written over their places: before the first write to a place that
 * one of them uses, its block is copied to a spare place, and that is noted
 * durably (copy before write, as LVM's snapshots do it).
 *
 * A spare place is one that no preserved root uses, nor the committed root, nor
 * anything written since the root before that was committed. When what is
 * received needs the place after all, the copy moves on.
 */
export class PreservedRoots {
  readonly #options: PreservedRootsOptions;
  readonly #roots = new Map<PreservedKind, PreservedRoot>();
  #queue: Request[] = [];
  #working: Promise<void> | undefined;
  #committed: UsedBlocks | undefined;
  /** What was written or found in its place since the last commit, and between that one and the one before. */
  #occupied = new BlockSet();
  #occupiedBefore = new BlockSet();
  /** Places at or above this were looked at already; the search goes downwards, as volumes fill from below. */
  #searchBelow: number;

  constructor(options: PreservedRootsOptions) {
    this.#options = options;
    this.#searchBelow = options.blockCount();
  }

  /** Finds what the devices preserve; `isValid` says of each whether it still counts. */
  async load(isValid: (mark: PreservedMark) => boolean): Promise<void> {
    for (const kind of ['set-aside', 'served'] as const) {
      const found = await DisplacementLog.find(this.#options.region, kind);
      if (found !== undefined && isValid(found.log.mark)) {
        this.#roots.set(kind, new PreservedRoot(found.log, this.newSpace(), found.displacements));
      }
    }
  }

  get isEmpty(): boolean {
    return this.#roots.size === 0;
  }

  get(kind: PreservedKind): PreservedRoot | undefined {
    return this.#roots.get(kind);
  }

  newSpace(): BlockSpace {
    const { data, blockSizeBytes, cacheBytes } = this.#options;
    return new BlockSpace(data, { blockSizeBytes, cacheBytes });
  }

  /** Preserves a root from now on, which is read through the space. */
  async add(mark: PreservedMark, space: BlockSpace): Promise<PreservedRoot> {
    assert(!this.#roots.has(mark.kind), 'one root of a kind is preserved');
    const root = new PreservedRoot(await DisplacementLog.begin(this.#options.region, mark), space, []);
    this.#roots.set(mark.kind, root);
    return root;
  }

  /** Gives a preserved root up. */
  async remove(kind: PreservedKind): Promise<void> {
    const root = this.#roots.get(kind);
    if (root === undefined) return;
    await this.#working;
    this.#roots.delete(kind);
    await root.erase();
  }

  /** A root has been committed: what it uses is in its own map. */
  committed(root: RootNode, space: BlockSpace): void {
    this.#committed = new UsedBlocks(space.context, root);
    this.#occupiedBefore = this.#occupied;
    this.#occupied = new BlockSet();
  }

  /** Notes that a block of a root being received stands in its place. */
  occupy(vbn: number): void {
    if (!this.isEmpty) this.#occupied.add(vbn);
  }

  /**
   * Resolves when the blocks may be written over. What asks at the same time is
   * served together, with one flush. Throws `mirror-full`.
   */
  async makeWay(vbn: number, count: number): Promise<void> {
    if (this.isEmpty) return;
    for (let index = 0; index < count; index++) this.#occupied.add(vbn + index);
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ vbn, count, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  async #work(): Promise<void> {
    // What comes in the same turn goes with the first.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const requests = this.#queue;
      this.#queue = [];
      try {
        await this.#clear(requests);
        for (const { resolve } of requests) resolve();
      } catch (fault) {
        for (const { reject } of requests) reject(fault);
      }
    }
    this.#working = undefined;
  }

  async #clear(requests: readonly Request[]): Promise<void> {
    for (;;) {
      const moves = await this.#movesFor(requests);
      if (moves.length === 0) return;
      try {
        await this.#move(moves);
        return;
      } catch (fault) {
        if (!isFault(fault, 'mirror-full')) throw fault;
        await this.#giveUpSetAside(fault);
      }
    }
  }

  async #movesFor(requests: readonly Request[]): Promise<Move[]> {
    const moves: Move[] = [];
    for (const of of this.#roots.values()) {
      const seen = new Set<number>();
      for (const { vbn, count } of requests) {
        for (let from = vbn; from < vbn + count; from++) {
          if (seen.has(from)) continue;
          seen.add(from);
          const owner = of.owners.get(from);
          if (owner !== undefined) moves.push({ of, vbn: owner, from });
          else if (!of.places.has(from) && (await of.used.has(from))) moves.push({ of, vbn: from, from });
        }
      }
    }
    return moves.sort((a, b) => a.from - b.from);
  }

  async #move(moves: readonly Move[]): Promise<void> {
    const places = await this.#findPlaces(moves.length);
    await this.#copy(moves, places);
    await this.#options.flush();
    for (const root of this.#roots.values()) {
      const pairs = moves.flatMap((move, index) => (move.of === root ? [[move.vbn, places[index]!] as const] : []));
      if (pairs.length > 0) await root.moved(joined(pairs.sort(([a], [b]) => a - b)));
    }
  }

  async #copy(moves: readonly Move[], places: readonly number[]): Promise<void> {
    const { data, blockSizeBytes: size } = this.#options;
    const buffer = new Uint8Array(Math.min(copyBlocksMax, moves.length) * size);
    for (let start = 0; start < moves.length; start += copyBlocksMax) {
      const part = moves.slice(start, start + copyBlocksMax);
      const at = (index: number): number => part[index]!.from;
      const to = (index: number): number => places[start + index]!;
      await inRuns(part.length, at, (vbn, from, end) =>
        readTolerant(data, { vbn, blockSizeBytes: size }, buffer.subarray(from * size, end * size)),
      );
      await inRuns(part.length, to, (vbn, from, end) => data.write(vbn * size, [buffer.subarray(from * size, end * size)]));
    }
  }

  /** Spare places in rising order. Throws `mirror-full`. */
  async #findPlaces(count: number): Promise<number[]> {
    const found: number[] = [];
    const { blockCount } = this.#options;
    let below = Math.min(this.#searchBelow, blockCount());
    const first = below;
    let hasWrapped = false;
    while (found.length < count) {
      if (below === 0) {
        if (hasWrapped) throw this.#full(count);
        hasWrapped = true;
        below = blockCount();
      }
      const above = hasWrapped && below > first ? first : 0;
      if (hasWrapped && below <= first) throw this.#full(count);
      below = await this.#searchPage({ below, above, count }, found);
    }
    this.#searchBelow = below;
    return found.sort((a, b) => a - b);
  }

  /** Looks downwards in one page of the maps; returns where it stopped. */
  async #searchPage(range: { below: number; above: number; count: number }, found: number[]): Promise<number> {
    const roots = [...this.#roots.values()];
    const maps = [...roots.map((root) => root.used), ...(this.#committed === undefined ? [] : [this.#committed])];
    const pageBlocks = this.#options.blockSizeBytes * 8;
    const number = Math.floor((range.below - 1) / pageBlocks);
    const pages: Uint8Array[] = [];
    for (const map of maps) {
      const page = await map.page(number);
      if (page !== undefined) pages.push(page);
    }
    const end = Math.max(range.above, number * pageBlocks);
    let vbn = range.below - 1;
    for (; vbn >= end && found.length < range.count; vbn--) {
      if (pages.some((page) => isSet(page, vbn % pageBlocks))) continue;
      if (this.#occupied.has(vbn) || this.#occupiedBefore.has(vbn)) continue;
      if (roots.some((root) => root.owners.has(vbn))) continue;
      found.push(vbn);
    }
    return vbn + 1;
  }

  #full(count: number): MirrorpointError {
    return new MirrorpointError(
      'mirror-full',
      `${this.#options.data.name} has no room for ${count} blocks that must be kept beside those being received. ` +
        'Grow the mirror by a device, or let go what it has set aside.',
    );
  }

  /** Mirroring goes before what was set aside. */
  async #giveUpSetAside(fault: MirrorpointError): Promise<void> {
    const setAside = this.#roots.get('set-aside');
    if (setAside === undefined) throw fault;
    this.#roots.delete('set-aside');
    await setAside.erase();
    this.#options.onGivenUp(setAside.mark);
  }
}

/** The root that a mirror's journal region says was set aside. */
export async function findSetAside(region: Device): Promise<PreservedMark | undefined> {
  return (await DisplacementLog.find(region, 'set-aside'))?.log.mark;
}

/** Forgets whatever a mirror's journal region preserves: it is to be a journal again. Durable when it resolves. */
export async function forgetPreserved(region: Device): Promise<void> {
  for (const kind of ['set-aside', 'served'] as const) {
    const found = await DisplacementLog.find(region, kind);
    await found?.log.erase();
  }
}

/** Calls once for each run of neighbours, with their first block and their positions, all at the same time. */
async function inRuns(
  count: number,
  blockAt: (index: number) => number,
  use: (vbn: number, from: number, end: number) => Promise<void>,
): Promise<void> {
  const runs: Promise<void>[] = [];
  for (let from = 0; from < count; ) {
    let end = from + 1;
    while (end < count && blockAt(end) === blockAt(from) + (end - from)) end++;
    runs.push(use(blockAt(from), from, end));
    from = end;
  }
  await Promise.all(runs);
}
