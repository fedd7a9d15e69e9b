import { Mutex } from '../base/index.ts';
import type { ConsistencyPoints } from '../consistency/index.ts';
import type { RootNode } from '../format/index.ts';
import { decodeHold, type HeldSpace, type Hold, KeptRootReader, KeptSpace, type SnapshotLedger } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';

/** Snapshots in one report, unless fewer are asked for. */
const pageSnapshotsMax = 256;

/** A kept root with a name, and what it costs. */
export interface SnapshotSpace {
  cp: number;
  names: string[];
  holds: Hold[];
  /** When it was taken: a label. */
  wallMs: number;
  /** Blocks that nothing else needs: what dropping it alone would free. */
  uniqueBlocks: number;
}

/** Where the blocks of a volume are, as of one CP. */
export interface RootSpace {
  cp: number;
  blockCount: number;
  usedBlocks: number;
  /** Used by the files as they are, and by the volume's own maps. */
  liveBlocks: number;
  /** Used by nothing but snapshots, mirrors and readers. */
  keptBlocks: number;
  freeBlocks: number;
  snapshots: SnapshotSpace[];
  /** There are more snapshots after the last one listed. */
  more: boolean;
}

/** What a primary knows beyond that. */
export interface SpaceReport extends RootSpace {
  /** What is kept for each mirror, and would come back if all mirrors let go. */
  mirrors: (HeldSpace & { relationship: string })[];
  /** What readers of old states keep on this side. */
  views: HeldSpace;
}

export interface SpacePage {
  /** Snapshots with CPs above this. */
  after?: number;
  limit?: number;
}

/**
 * A primary's accounting of space. It reads the volume's own maps between CPs,
 * which wait meanwhile; writers do not.
 */
export class VolumeSpace {
  readonly #context: BlockFileContext;
  readonly #ledger: SnapshotLedger;
  readonly #cps: ConsistencyPoints;
  readonly #listeners = new Set<() => void>();
  readonly #takeCp: () => Promise<unknown>;
  /** Looks for room, for one writer after another. */
  readonly #roomSearch = new Mutex();
  #roomMaker: (() => Promise<boolean>) | undefined;

  constructor(parts: { context: BlockFileContext; ledger: SnapshotLedger; cps: ConsistencyPoints; takeCp: () => Promise<unknown> }) {
    this.#context = parts.context;
    this.#ledger = parts.ledger;
    this.#cps = parts.cps;
    this.#takeCp = parts.takeCp;
  }

  async report(page: SpacePage = {}): Promise<SpaceReport> {
    for (;;) {
      // The first report of a volume reads all deadlists: in parts, so that CPs come in between.
      const report = await this.#cps.between(async () => {
        const keptBlocks = await this.#ledger.countDead();
        return keptBlocks === undefined ? undefined : this.#reportOf(keptBlocks, page);
      });
      if (report !== undefined) return report;
    }
  }

  /** Blocks that come back when these kept roots have gone, and no mirror and no reader needs them any more. */
  freedBy(cps: Iterable<number>): Promise<number> {
    return this.#cps.between(() => new KeptSpace(this.#context, this.#cps.root.files).freedBy(cps));
  }

  /** What is kept for a relationship's mirror, as of the last measuring. */
  heldFor(relationship: string): HeldSpace {
    return this.#ledger.heldByMirrors.get(relationship) ?? { blocks: 0, sinceCp: 0 };
  }

  /** Finds out what is kept for mirrors, and tells the listeners. Done after each CP; before the first, only when asked for. */
  async measure(): Promise<void> {
    await this.#cps.between(() => this.#ledger.measureHolds());
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener whenever what mirrors keep has been measured; the result ends that. */
  onMeasured(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Who is asked to let go of something before a writer is refused for want of room: true when it did. */
  setRoomMaker(roomMaker: () => Promise<boolean>): void {
    this.#roomMaker = roomMaker;
  }

  /** Takes CPs until there is room on the devices; when they bring none, something must be let go. False when nothing helps. */
  findRoom(fits: () => boolean): Promise<boolean> {
    return this.#roomSearch.run(async () => {
      do {
        // What waits is estimated high; after a CP only the change itself counts. Freed blocks take one CP more, and many snapshots more.
        for (let tries = 0; !fits() && (tries < 3 || this.#ledger.hasWork); tries++) await this.#takeCp();
        if (fits()) return true;
      } while ((await this.#roomMaker?.()) === true);
      return false;
    });
  }

  async #reportOf(keptBlocks: number, page: SpacePage): Promise<SpaceReport> {
    await this.#ledger.measureHolds();
    const { root } = this.#cps;
    const { heldByMirrors, heldByViews } = this.#ledger;
    return {
      ...sumsOf(root, keptBlocks),
      ...(await snapshotSpaces(this.#context, root, page)),
      mirrors: [...heldByMirrors].map(([relationship, held]) => ({ relationship, ...held })),
      views: heldByViews,
    };
  }
}

/** Where the blocks of a root are. Its maps, which are read whole, must stay as they are meanwhile. */
export async function spaceOfRoot(context: BlockFileContext, root: RootNode, page: SpacePage): Promise<RootSpace> {
  const keptBlocks = await new KeptSpace(context, root.files).deadBlocks();
  return { ...sumsOf(root, keptBlocks), ...(await snapshotSpaces(context, root, page)) };
}

/** The sums, from the blocks that only kept roots need. */
function sumsOf(root: RootNode, keptBlocks: number): Omit<RootSpace, 'snapshots' | 'more'> {
  return {
    cp: root.cp,
    blockCount: root.blockCount,
    usedBlocks: root.usedBlockCount,
    liveBlocks: root.usedBlockCount - keptBlocks,
    keptBlocks,
    freeBlocks: root.blockCount - root.usedBlockCount,
  };
}

/** What the snapshots of a root cost, in CP order. */
async function snapshotSpaces(
  context: BlockFileContext,
  root: RootNode,
  page: SpacePage,
): Promise<Pick<RootSpace, 'snapshots' | 'more'>> {
  const rows = new KeptRootReader(context, root.files.snapshots);
  const space = new KeptSpace(context, root.files);
  const limit = Math.min(page.limit ?? pageSnapshotsMax, pageSnapshotsMax);
  const snapshots: SnapshotSpace[] = [];
  for (let after = page.after ?? 0; ; ) {
    const found = await context.cache.run(() => rows.list(after, pageSnapshotsMax));
    for (const { cp, names, holds, wallMs } of found) {
      if (names.length === 0) continue;
      if (snapshots.length === limit) return { snapshots, more: true };
      snapshots.push({ cp, names, holds: holds.map(decodeHold), wallMs, uniqueBlocks: await space.freedBy([cp]) });
    }
    const last = found.at(-1);
    if (last === undefined || found.length < pageSnapshotsMax) return { snapshots, more: false };
    after = last.cp;
  }
}
