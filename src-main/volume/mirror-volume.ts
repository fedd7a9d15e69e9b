import { assert, bytesEqual, MirrorpointError, toHex } from '../base/index.ts';
import { BlockCache, BlockStore } from '../blocks/index.ts';
import { rootPlaces, RootRing } from '../consistency/index.ts';
import type { DeviceSet } from '../device/index.ts';
import { decodeRootNode, type Geometry, geometryOf, type RootNode } from '../format/index.ts';
import { KeptRootReader } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import { BlockHealer } from './block-healer.ts';
import { type CheckOptions, type CheckReport, checkVolume } from './check.ts';
import { newestMirrorRoot } from './mirror-root.ts';
import { isWholeOnMirror, openRootView, type RootView, type RootViewAt, type ViewedRoot } from './root-view.ts';
import { listSnapshots, type SnapshotInfo } from './volume-snapshots.ts';

const cacheBytesDefault = 32 * 1024 * 1024;

/** CPs that views may keep open at a time: fewer than one message of the protocol can name. */
const viewedCpsMax = 1000;

export interface MirrorVolumeOptions {
  /** What messages call the volume. */
  name: string;
  /** Memory for blocks that were read; 32 MiB unless given. */
  cacheBytes?: number;
}

interface Committed {
  readonly root: RootNode;
  readonly bytes: Uint8Array;
}

interface HeldRoot {
  readonly root: ViewedRoot;
  count: number;
}

/**
 * A mirror's copy of a volume. It serves the last committed root, read-only,
 * while blocks of later CPs are written beside it; `commit` moves to a new root
 * all at once. What is written where is the replication's business: the primary
 * never sends a block to an address that `committed` or an open view uses.
 *
 * An empty mirror belongs to no volume yet; `adopt` gives it to one.
 */
export class MirrorVolume implements AsyncDisposable {
  readonly name: string;
  readonly geometry: Geometry;
  readonly store: BlockStore;
  readonly cache: BlockCache;
  readonly healer: BlockHealer;
  readonly #set: DeviceSet;
  readonly #views = new Map<number, HeldRoot>();
  readonly #viewListeners = new Set<() => void>();
  #committed: Committed | undefined;
  /** Roots that may stand on the devices although their commit failed: what they reference must be kept. */
  readonly #doubtfulCps = new Set<number>();
  #closing: Promise<void> | undefined;

  private constructor(set: DeviceSet, options: MirrorVolumeOptions, committed: Committed | undefined) {
    this.name = options.name;
    this.#set = set;
    this.#committed = committed;
    this.geometry = geometryOf(set.blockSizeBytes);
    this.store = new BlockStore(set.data, set.blockSizeBytes);
    this.healer = new BlockHealer({ store: this.store, flush: () => set.flush() });
    this.cache = new BlockCache(this.store, { capacityBytes: options.cacheBytes ?? cacheBytesDefault });
  }

  /** An empty mirror on a newly made device set, which it then owns. Throws `volume-exists` when the set has a root. */
  static async create(set: DeviceSet, options: MirrorVolumeOptions): Promise<MirrorVolume> {
    const mirror = await MirrorVolume.open(set, options);
    if (mirror.committed === undefined) return mirror;
    throw new MirrorpointError(
      'volume-exists',
      `${set.name} holds CP ${mirror.committed.cp} of volume ${toHex(set.volumeId)}. Choose other devices for the mirror ${options.name}.`,
    );
  }

  /** Opens a mirror at its last committed CP; the set is the mirror's from then on. Throws `volume-damaged`, `format-too-new`, or `volume-is-primary`. */
  static async open(set: DeviceSet, options: MirrorVolumeOptions): Promise<MirrorVolume> {
    const committed = await newestMirrorRoot(set);
    if (committed !== undefined && bytesEqual(committed.root.setId, set.setId)) {
      throw new MirrorpointError(
        'volume-is-primary',
        `${set.name} holds volume ${toHex(set.volumeId)} as its primary left it, at CP ${committed.root.cp}. ` +
          `Open it as a primary, or choose other devices for the mirror ${options.name}.`,
      );
    }
    return new MirrorVolume(set, options, committed);
  }

  /** The volume's id, or zeros while the mirror is empty. */
  get id(): Uint8Array {
    return this.#committed === undefined ? new Uint8Array(16) : this.#set.volumeId;
  }

  get setId(): Uint8Array {
    return this.#set.setId;
  }

  get blockSizeBytes(): number {
    return this.#set.blockSizeBytes;
  }

  /** Size of the VBN space in blocks. */
  get blockCount(): number {
    return this.#set.blockCount;
  }

  /** The root that is served, or undefined while the mirror is empty. */
  get committed(): RootNode | undefined {
    return this.#committed?.root;
  }

  get committedBytes(): Uint8Array | undefined {
    return this.#committed?.bytes;
  }

  /** CPs that must be kept for this mirror besides the committed one, in rising order. */
  get neededCps(): readonly number[] {
    const needed = new Set([...this.#views.keys(), ...this.#doubtfulCps]);
    needed.delete(this.#committed?.root.cp ?? 0);
    return [...needed].sort((a, b) => a - b);
  }

  /** Calls the listener when `neededCps` may have changed; the result ends that. */
  onViewsChanged(listener: () => void): () => void {
    this.#viewListeners.add(listener);
    return () => {
      this.#viewListeners.delete(listener);
    };
  }

  /** Gives an empty mirror to a volume. */
  async adopt(volumeId: Uint8Array): Promise<void> {
    assert(this.#committed === undefined, 'only an empty mirror is given to a volume');
    await this.#set.adopt(volumeId);
  }

  /** Takes in a device, or the room that the devices gained. A mirror grows before its primary. */
  grow(...device: Parameters<DeviceSet['grow']>): Promise<void> {
    return this.#set.grow(...device);
  }

  /** Writes blocks to consecutive VBNs. The buffers, whole blocks each, must not change until it resolves. */
  writeBlocks(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.store.writeRun(vbn, buffers);
  }

  /** Makes everything written so far durable. */
  flush(): Promise<void> {
    return this.#set.flush();
  }

  /**
   * Moves to a root whose blocks have all been proven to be on the devices:
   * makes them durable, then the root, then serves it.
   */
  async commit(rootBytes: Uint8Array): Promise<void> {
    const root = decodeRootNode(rootBytes);
    assert(root.cp > (this.#committed?.root.cp ?? 0), 'a mirror only moves forward');
    await this.flush();
    this.#doubtfulCps.add(root.cp);
    await this.#writeRoot(root, rootBytes);
    this.#doubtfulCps.clear();
    this.#committed = { root, bytes: rootBytes };
  }

  /**
   * Opens a view of the last root, of a snapshot, or of a CP that is a snapshot
   * or open in another view. Throws `snapshot-not-found`.
   */
  openView(at: RootViewAt): Promise<RootView> {
    return this.#holdServed((root) =>
      openRootView({
        name: this.name,
        context: this.#context,
        root: () => root,
        at,
        enter: (root) => this.#enterView(root),
        held: (cp) => this.#views.get(cp)?.root,
        isWhole: isWholeOnMirror,
      }),
    );
  }

  /** Snapshots in CP order, after a CP, at most `limit`. */
  async listSnapshots(options: { after?: number; limit?: number } = {}): Promise<SnapshotInfo[]> {
    if (this.#committed === undefined) return [];
    return this.#holdServed((root) => {
      const rows = new KeptRootReader(this.#context, root.files.snapshots);
      return listSnapshots((read) => this.cache.run(() => read(rows)), options);
    });
  }

  /** Verifies every tree, count and checksum of the committed root. Commits wait for nothing: the root is held meanwhile. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return this.#holdServed((root) => checkVolume({ context: this.#context, root, isMirror: true }, options));
  }

  /** Closes the devices. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#set.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #context(): BlockFileContext {
    return { geometry: this.geometry, cache: this.cache };
  }

  get #served(): RootNode {
    if (this.#committed !== undefined) return this.#committed.root;
    throw new MirrorpointError(
      'not-found',
      `The mirror ${this.name} has not received a whole CP yet, so there is nothing to show. Wait for its first one.`,
    );
  }

  /**
   * Reads with the served root held: a block that is read may be healed, and so
   * written, which is right only while nothing else can come to its place.
   */
  async #holdServed<T>(read: (root: RootNode) => Promise<T>): Promise<T> {
    const root = this.#served;
    const leave = this.#enterView({ ...root, inodes: root.files.inodes });
    try {
      return await read(root);
    } finally {
      leave();
    }
  }

  #enterView(root: ViewedRoot): () => void {
    const known = this.#views.get(root.cp);
    if (known === undefined && this.#views.size >= viewedCpsMax) {
      throw new MirrorpointError(
        'volume-in-use',
        `Views of ${viewedCpsMax} different CPs are open on the mirror ${this.name}, the most there can be. Close some of them.`,
      );
    }
    const held = known ?? { root, count: 0 };
    held.count++;
    this.#views.set(root.cp, held);
    this.#tellListeners();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      held.count--;
      if (held.count === 0) this.#views.delete(root.cp);
      this.#tellListeners();
    };
  }

  #tellListeners(): void {
    for (const listener of this.#viewListeners) listener();
  }

  /**
   * Writes both copies of a root. CPs of a mirror may be any number apart: when
   * the new root takes the place of the one now served, or is the first of all,
   * one copy follows the other, so that a crash leaves a whole one of either.
   */
  async #writeRoot(root: RootNode, bytes: Uint8Array): Promise<void> {
    const served = this.#committed?.root.cp;
    const ordered = served === undefined || (root.cp - served) % rootPlaces === 0;
    const groups = ordered ? this.#set.rootAreas.map((area) => [area]) : [this.#set.rootAreas];
    for (const areas of groups) {
      await new RootRing(areas, this.#set.volumeId).write(root.cp, bytes);
      await this.flush();
    }
  }
}
