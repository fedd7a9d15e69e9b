import { bytesEqual, checksumOf, isFault, MirrorpointError } from '../base/index.ts';
import { PointerList } from '../blocks/index.ts';
import { pointerBytes, pointerChecksum, type RootNode, type SystemFileName, systemFileNames } from '../format/index.ts';
import { KeptRootReader } from '../snapshots/index.ts';
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
  /** The mirror's committed root: what was born by then is here. */
  readonly committed: RootNode | undefined;
  /** What arrived while the CP ran. */
  readonly received: ReceivedBlocks | undefined;
  readonly fetcher: BlockFetcher;
  readonly probing: ProbePolicy;
}

/**
 * Proves that every block of a new root is on the mirror's devices, and gets
 * those that are not. Nothing that was born by the committed CP is looked at: a
 * copy-on-write tree keeps such blocks as they were. Every other pointer is
 * proven: the block arrived live with its checksum; or it stands on the device
 * already, from before a cut; or it is asked for.
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

  /** Resolves when every block is written and proven; they are not durable yet. */
  async run(): Promise<void> {
    try {
      await this.#walk();
    } finally {
      // Blocks on their way are written to the devices; nobody may be told that this has ended before they are.
      await Promise.allSettled(this.#leaves);
    }
    this.#throwFailure();
  }

  async #walk(): Promise<void> {
    const { root } = this.#options;
    const afterCp = this.#afterCp;
    await this.#reachFiles(['snapshots']);
    await this.#judgeHistory();
    await this.#reachFiles(systemFileNames.filter((name) => name !== 'inodes' && name !== 'snapshots'));
    let sinceCp = afterCp;
    for await (const row of this.#snapshotsAfter(afterCp)) {
      const front = this.#front(sinceCp);
      front.addInodeFile(row.inodes);
      await front.drain();
      sinceCp = row.cp;
    }
    const live = this.#front(sinceCp);
    live.addInodeFile(root.files.inodes);
    await live.drain();
  }

  /** Gets some of the volume's own maps, and waits for them. */
  async #reachFiles(names: readonly SystemFileName[]): Promise<void> {
    const front = this.#front(this.#afterCp);
    for (const name of names) front.addFile(this.#options.root.files[name]);
    await front.drain();
    await Promise.all(this.#leaves);
    this.#throwFailure();
  }

  /**
   * The primary keeps the mirror's committed CP, so the new root's own snapshot
   * table names it; were it another CP of that number, passing by what it holds
   * would be wrong.
   */
  async #judgeHistory(): Promise<void> {
    const { committed, root } = this.#options;
    if (committed === undefined) return;
    const row = await this.#readRows((rows) => rows.atCp(committed.cp));
    if (row?.wallMs === committed.wallMs && bytesEqual(row.inodes.slots, committed.files.inodes.slots)) return;
    throw new MirrorpointError(
      'peer-diverged',
      `CP ${root.cp} of the primary does not come after the mirror's CP ${committed.cp}: the two went different ways before. ` +
        'The mirror stays where it is. Create it anew, or link the right volume.',
    );
  }

  get #afterCp(): number {
    return this.#options.committed?.cp ?? 0;
  }

  #readRows<T>(read: (rows: KeptRootReader) => T): Promise<T> {
    const { volume, root } = this.#options;
    const { geometry, cache } = volume;
    const rows = new KeptRootReader({ geometry, cache }, root.files.snapshots);
    return cache.run(() => read(rows));
  }

  #front(afterCp: number): TreeFront {
    const { volume } = this.#options;
    return new TreeFront({
      geometry: volume.geometry,
      cache: volume.cache,
      afterCp,
      prove: (pointers, rank) => this.#prove(pointers, rank),
    });
  }

  async *#snapshotsAfter(afterCp: number): AsyncGenerator<{ cp: number; inodes: RootNode['files']['inodes'] }> {
    const { root } = this.#options;
    for (let after = afterCp; ; ) {
      const page = await this.#readRows((rows) => rows.list(after, pageRows));
      for (const row of page) if (row.names.length > 0 && row.cp < root.cp) yield row;
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
    const { root, fetcher, received } = this.#options;
    const unproven = new PointerList();
    for (const position of pointers.orderByVbn()) {
      const vbn = pointers.vbn(position);
      const offset = position * pointerBytes;
      if (vbn >= root.blockCount) throw outside(root, vbn);
      if (received?.has(vbn, pointerChecksum(pointers.bytes, offset)) !== true) unproven.push(pointers.bytes, offset);
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
