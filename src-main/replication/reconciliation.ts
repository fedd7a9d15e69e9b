import { bytesEqual, checksumOf, isFault, MirrorpointError } from '../base/index.ts';
import { PointerList } from '../blocks/index.ts';
import {
  type InodeFields,
  pointerBirth,
  pointerBytes,
  pointerChecksum,
  type RootNode,
  type SystemFileName,
  systemFileNames,
} from '../format/index.ts';
import { type KeptRoot, KeptRootReader } from '../snapshots/index.ts';
import type { BlockSpace } from '../preservation/index.ts';
import type { MirrorVolume } from '../volume/index.ts';
import type { BlockFetcher } from './block-fetcher.ts';
import { leavesInFlightMax } from './limits.ts';
import type { ProbePolicy } from './probe-policy.ts';
import type { ReceivedBlocks } from './received-blocks.ts';
import { TreeFront } from './tree-front.ts';

/** Rows of the snapshot table read in one step. */
const pageRows = 256;

export interface ReconciliationOptions {
  readonly volume: MirrorVolume;
  /** The root to come to. */
  readonly root: RootNode;
  /** The mirror's committed root, which the primary keeps: what was born by then is here. */
  readonly committed: RootNode | undefined;
  /** Instead of that: the served root, which the primary does not keep. */
  readonly comparison: Comparison | undefined;
  /** What arrived while the CP ran. */
  readonly received: ReceivedBlocks | undefined;
  readonly fetcher: BlockFetcher;
  readonly probing: ProbePolicy;
}

/** A root to compare a new one with, from the roots downwards. */
export interface Comparison {
  readonly root: RootNode;
  /** Its blocks. */
  readonly space: BlockSpace;
  /** Whether the blocks of every root that it lists are here, named or not: on devices that were the primary's. */
  readonly isWhole: boolean;
  /** Refuse a root that has no CP in common with it. */
  readonly needsCommonCp: boolean;
}

/** How far two histories are one. */
interface CommonCps {
  /** The newest CP that both list; 0 for none. */
  readonly listed: number;
  /** The newest of them whose blocks are all here. */
  readonly whole: number;
}

/**
 * Proves that every block of a new root is on the mirror's devices, and gets
 * those that are not. Nothing that was born by the committed CP is looked at: a
 * copy-on-write tree keeps such blocks as they were. Every other pointer is
 * proven: the block arrived live with its checksum; or it stands on the device
 * already, from before a cut; or it is asked for.
 *
 * When the primary does not keep the committed root any more, blocks of it may
 * have been reused. Then both trees are compared from the root downwards: equal
 * pointers, checksums included, mean equal subtrees, which are here; and so is
 * what was born by the newest CP that both histories have.
 *
 * The order is: the snapshot table, which says whether the two sides have one
 * history; the volume's other maps; the trees of snapshots from the oldest, each only where it differs from
 * the one before; and the live tree last. Roots kept without a name are not
 * shown on a mirror, and their trees stay behind.
 */
export class Reconciliation {
  readonly #options: ReconciliationOptions;
  readonly #leaves = new Set<Promise<void>>();
  #leavesInFlight = 0;
  #failure: { readonly fault: unknown } | undefined;

  constructor(options: ReconciliationOptions) {
    this.#options = options;
  }

  /** Resolves when every block is written and proven, to the CP up to which both histories are one. They are not durable yet. */
  async run(): Promise<number> {
    let basisCp: number;
    try {
      basisCp = await this.#walk();
    } finally {
      // Blocks on their way are written to the devices; nobody may be told that this has ended before they are.
      await Promise.allSettled(this.#leaves);
    }
    this.#throwFailure();
    return basisCp;
  }

  async #walk(): Promise<number> {
    const { root, comparison } = this.#options;
    await this.#reachFiles(['snapshots']);
    const common = comparison === undefined ? await this.#judgeHistory() : await this.#findCommonCps(comparison);
    await this.#reachFiles(systemFileNames.filter((name) => name !== 'inodes' && name !== 'snapshots'));
    let sinceCp = comparison === undefined ? common.whole : 0;
    for await (const row of this.#snapshotsAfter(sinceCp)) {
      if (row.cp > common.whole) sinceCp = Math.max(sinceCp, common.whole);
      if (comparison === undefined || !(await this.#isServedSnapshot(comparison, row))) {
        await this.#reachInodes(row.inodes, sinceCp);
      }
      sinceCp = row.cp;
    }
    await this.#reachInodes(root.files.inodes, Math.max(sinceCp, common.whole));
    return common.listed;
  }

  async #reachInodes(inodes: InodeFields, sinceCp: number): Promise<void> {
    const front = this.#front(sinceCp);
    front.addInodeFile(inodes, this.#options.comparison?.root.files.inodes);
    await front.drain();
  }

  /** Gets some of the volume's own maps, and waits for them. */
  async #reachFiles(names: readonly SystemFileName[]): Promise<void> {
    const { root, committed, comparison } = this.#options;
    const front = this.#front(committed?.cp ?? 0);
    for (const name of names) front.addFile(root.files[name], comparison?.root.files[name]);
    await front.drain();
    await Promise.all(this.#leaves);
    this.#throwFailure();
  }

  /**
   * The primary keeps the mirror's committed CP, so the new root's own snapshot
   * table names it; were it another CP of that number, passing by what it holds
   * would be wrong.
   */
  async #judgeHistory(): Promise<CommonCps> {
    const { committed, root } = this.#options;
    if (committed === undefined) return { listed: 0, whole: 0 };
    const row = await this.#readRows((rows) => rows.atCp(committed.cp));
    if (row !== undefined && isSameRoot(row, rowOf(committed))) return { listed: committed.cp, whole: committed.cp };
    throw new MirrorpointError(
      'peer-diverged',
      `CP ${root.cp} of the primary does not come after the mirror's CP ${committed.cp}: the two went different ways before. ` +
        'The mirror stays where it is. To have it follow all the same, run `mirrorpoint resync` on the primary.',
    );
  }

  /** Looks for CPs that the snapshot tables of both roots have. */
  async #findCommonCps(comparison: Comparison): Promise<CommonCps> {
    const { root, needsCommonCp, isWhole } = comparison;
    let listed = 0;
    let whole = 0;
    for await (const page of this.#rowPages(0)) {
      for (const row of page) {
        const isItself = row.cp === root.cp && isSameRoot(row, rowOf(root));
        const same = await servedRow(comparison, row.cp);
        if (!isItself && (same === undefined || !isSameRoot(row, same))) continue;
        listed = row.cp;
        if (isItself || isWhole || (same?.names.length ?? 0) > 0) whole = row.cp;
      }
    }
    if (listed > 0 || !needsCommonCp) return { listed, whole };
    throw new MirrorpointError(
      'no-common-cp',
      `The mirror's CP ${root.cp} and the primary's CP ${this.#options.root.cp} have no CP in common, so nothing shows that they are of one history. ` +
        'Nothing was changed. To have the mirror follow all the same, run `mirrorpoint resync` on the primary; what only the mirror has is set aside there.',
    );
  }

  /** Whether a snapshot is one that the served root has too. */
  async #isServedSnapshot(comparison: Comparison, row: KeptRoot): Promise<boolean> {
    const { root } = comparison;
    if (row.cp === root.cp && isSameRoot(row, rowOf(root))) return true;
    const same = await servedRow(comparison, row.cp);
    return same !== undefined && same.names.length > 0 && isSameRoot(row, same);
  }

  #readRows<T>(read: (rows: KeptRootReader) => T): Promise<T> {
    const { volume, root } = this.#options;
    return readRows(volume, root, read);
  }

  #front(afterCp: number): TreeFront {
    const { volume, comparison } = this.#options;
    return new TreeFront({
      geometry: volume.geometry,
      cache: volume.cache,
      afterCp,
      prove: (pointers, rank) => this.#prove(pointers, rank),
      compared: comparison?.space.store,
    });
  }

  async *#snapshotsAfter(afterCp: number): AsyncGenerator<KeptRoot> {
    const { root } = this.#options;
    for await (const page of this.#rowPages(afterCp)) {
      for (const row of page) if (row.names.length > 0 && row.cp < root.cp) yield row;
    }
  }

  async *#rowPages(afterCp: number): AsyncGenerator<KeptRoot[]> {
    for (let after = afterCp; ; ) {
      const page = await this.#readRows((rows) => rows.list(after, pageRows));
      yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageRows) return;
      after = last.cp;
    }
  }

  /** Address blocks are waited for; data blocks go on in the background, up to a bound. */
  async #prove(pointers: PointerList, rank: number): Promise<void> {
    this.#throwFailure();
    if (rank > 0) {
      await this.#proveAll(pointers, true);
      return;
    }
    const leaves = this.#proveAll(pointers, false)
      .catch((fault: unknown) => {
        this.#failure ??= { fault };
      })
      .then(() => {
        this.#leavesInFlight -= pointers.count;
        this.#leaves.delete(leaves);
      });
    this.#leaves.add(leaves);
    this.#leavesInFlight += pointers.count;
    while (this.#leavesInFlight > leavesInFlightMax) await Promise.race(this.#leaves);
    this.#throwFailure();
  }

  async #proveAll(pointers: PointerList, isAddress: boolean): Promise<void> {
    const { volume, root, fetcher, received } = this.#options;
    const unproven = new PointerList();
    for (const position of pointers.orderByVbn()) {
      const vbn = pointers.vbn(position);
      const offset = position * pointerBytes;
      if (vbn >= root.blockCount) throw outside(root, vbn);
      volume.occupy(vbn);
      if (received?.has(vbn, pointerChecksum(pointers.bytes, offset)) !== true) {
        unproven.push(pointers.bytes, offset);
        continue;
      }
      const bytes = isAddress ? received.bytesOf(vbn) : undefined;
      if (bytes !== undefined) volume.cache.insert({ vbn, birthCp: pointerBirth(pointers.bytes, offset) }, bytes);
    }
    const missing = unproven.count === 0 ? unproven : await this.#lookHere(unproven);
    if (missing.count > 0) await fetcher.fetch(root.cp, missing, isAddress);
  }

  /** Looks for blocks on the mirror's own devices, as far as that is worth it; returns those to ask for. */
  async #lookHere(pointers: PointerList): Promise<PointerList> {
    const { probing } = this.#options;
    const missing = new PointerList();
    for (let start = 0; start < pointers.count; ) {
      const step = probing.next(pointers.count - start);
      const end = start + step.count;
      if (step.what === 'ask') {
        for (let position = start; position < end; position++) missing.push(pointers.bytes, position * pointerBytes);
      } else {
        const before = missing.count;
        await this.#readHere(pointers, { start, end, missing });
        probing.found(step.count - (missing.count - before));
      }
      start = end;
    }
    return missing;
  }

  async #readHere(pointers: PointerList, range: { start: number; end: number; missing: PointerList }): Promise<void> {
    const { store } = this.#options.volume;
    const size = store.blockSizeBytes;
    const buffer = new Uint8Array((range.end - range.start) * size);
    const reads: Promise<void>[] = [];
    for (let from = range.start; from < range.end; ) {
      let to = from + 1;
      while (to < range.end && pointers.vbn(to) === pointers.vbn(from) + (to - from)) to++;
      const part = buffer.subarray((from - range.start) * size, (to - range.start) * size);
      reads.push(
        store.readRun(pointers.vbn(from), [part]).catch((fault: unknown) => {
          // A place that cannot be read is written anew; if that fails too, the write says so.
          if (!isFault(fault, 'device-io')) throw fault;
          part.fill(0);
        }),
      );
      from = to;
    }
    await Promise.all(reads);
    for (let position = range.start; position < range.end; position++) {
      const bytes = buffer.subarray((position - range.start) * size, (position - range.start + 1) * size);
      const offset = position * pointerBytes;
      if (checksumOf(bytes) !== pointerChecksum(pointers.bytes, offset)) range.missing.push(pointers.bytes, offset);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.fault;
  }
}

function outside(root: RootNode, vbn: number): MirrorpointError {
  return new MirrorpointError(
    'volume-damaged',
    `CP ${root.cp} of the primary references block ${vbn} of ${root.blockCount}. Run \`mirrorpoint volume check\` on the primary; the mirror stays at its last CP.`,
  );
}

type RootRow = Pick<KeptRoot, 'wallMs' | 'inodes'>;

function rowOf(root: RootNode): RootRow {
  return { wallMs: root.wallMs, inodes: root.files.inodes };
}

/** Whether two roots of one number are the same: equal pointers, checksums included, mean equal trees. */
function isSameRoot(a: RootRow, b: RootRow): boolean {
  return a.wallMs === b.wallMs && bytesEqual(a.inodes.slots, b.inodes.slots);
}

/**
 * What the served root's own table says of a CP. A block of that table which has
 * gone bad here may be in use for something else at the primary by now, so that
 * nobody can heal it: then there is nothing in common at this row.
 */
async function servedRow({ root, space }: Comparison, cp: number): Promise<KeptRoot | undefined> {
  try {
    return await readRows(space, root, (rows) => rows.atCp(cp));
  } catch (fault) {
    if (isFault(fault, 'checksum-mismatch') || isFault(fault, 'device-io')) return undefined;
    throw fault;
  }
}

function readRows<T>(
  blocks: { geometry: BlockSpace['geometry']; cache: BlockSpace['cache'] },
  root: RootNode,
  read: (rows: KeptRootReader) => T,
): Promise<T> {
  const { geometry, cache } = blocks;
  const rows = new KeptRootReader({ geometry, cache }, root.files.snapshots);
  return cache.run(() => read(rows));
}
