import { assert, MirrorpointError, Mutex, present, toHex } from '../base/index.ts';
import type { BlockCache, BlockStore } from '../blocks/index.ts';
import { RootRing } from '../consistency/index.ts';
import { type DeviceSet, totalBytes } from '../device/index.ts';
import { decodeRootNode, type Geometry, type RootNode } from '../format/index.ts';
import { type BlockSpace, forgetPreserved, PreservedRoots } from '../preservation/index.ts';
import { KeptRootReader, type ViewedRoot } from '../snapshots/index.ts';
import { BlockHealer } from './block-healer.ts';
import { type CheckOptions, type CheckReport, checkVolume } from './check.ts';
import { type Cloneable, type CloneGround, healFrom } from './clone-ground.ts';
import { withMirrorStates } from './held-states.ts';
import { type Line, lineOf } from './mirror-line.ts';
import { hasSteppedDown, isOwnRoot, isRootOf, newestMirrorRoot, writeMirrorRoot } from './mirror-root.ts';
import { MirrorViews } from './mirror-views.ts';
import { isWholeOnMirror, openRootView, type RootView, type RootViewAt } from './root-view.ts';
import { holdOldest, mendCopies, type ScrubSubject } from './scrub-subject.ts';
import { countSnapshots, listSnapshots, type RowsRead, type SnapshotInfo } from './volume-snapshots.ts';
import { type RootSpace, type SpacePage, spaceOfRoot } from './volume-space.ts';
import type { StatesInView, StatesWanted } from './volume-states.ts';

const cacheBytesDefault = 32 * 1024 * 1024;

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

/** A state that a mirror keeps although its primary's history does not have it. */
export interface SetAside {
  readonly name: string;
  readonly cp: number;
  readonly wallMs: number;
  /** Blocks of it that had to make way for others. */
  readonly displacedBlocks: number;
}

/**
 * A mirror's copy of a volume. It serves the last committed root, read-only,
 * while blocks of later CPs are written beside it; `commit` moves to a new root
 * all at once. What is written where is the replication's business: while the
 * primary keeps the mirror's root, it sends nothing to an address that this root
 * or an open view uses. When it does not keep it any more, `beginComparison`
 * preserves the root here until another one is whole.
 *
 * An empty mirror belongs to no volume yet; `adopt` gives it to one.
 */
export class MirrorVolume implements AsyncDisposable, Cloneable {
  readonly name: string;
  readonly healer: BlockHealer;
  readonly #set: DeviceSet;
  readonly #preserved: PreservedRoots;
  readonly #views: MirrorViews;
  readonly #lossListeners = new Set<(lost: { name: string; cp: number }) => void>();
  /** The line of the root that is served, and of those that are received. They differ during a comparison. */
  #served: Line;
  #received: Line;
  #setAside: Line | undefined;
  /** Roots are written, and their copies mended, one after another. */
  readonly #rootWrites = new Mutex();
  /** Each holds many roots, of which only so many may be held. */
  readonly #stateReads = new Mutex();
  #committed: Committed | undefined;
  /** Roots that may stand on the devices although their commit failed: what they reference must be kept. */
  readonly #doubtfulCps = new Set<number>();
  #closing: Promise<void> | undefined;

  private constructor(set: DeviceSet, options: MirrorVolumeOptions, committed: Committed | undefined) {
    this.name = options.name;
    this.#set = set;
    set.expectFewReads();
    this.#committed = committed;
    this.#views = new MirrorViews(options.name, () => {
      this.#releaseServed().catch(() => undefined);
    });
    this.#preserved = new PreservedRoots({
      data: set.data,
      region: set.journal,
      flush: () => set.flush(),
      blockSizeBytes: set.blockSizeBytes,
      blockCount: () => set.blockCount,
      cacheBytes: options.cacheBytes ?? cacheBytesDefault,
      onGivenUp: ({ name, root }) => {
        this.#setAside = undefined;
        for (const listener of this.#lossListeners) listener({ name, cp: root.cp });
      },
    });
    this.healer = new BlockHealer({ flush: () => set.flush() });
    this.#received = this.#newLine();
    this.#served = this.#received;
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
    if (committed !== undefined && isOwnRoot(set, committed.root) && !(await hasSteppedDown(set, committed.bytes))) {
      throw new MirrorpointError(
        'volume-is-primary',
        `${set.name} holds volume ${toHex(set.volumeId)} as its primary left it, at CP ${committed.root.cp}. ` +
          `Open it as a primary, or choose other devices for the mirror ${options.name}.`,
      );
    }
    const mirror = new MirrorVolume(set, options, committed);
    await mirror.#load();
    return mirror;
  }

  /**
   * Makes a mirror of a primary's devices, whose volume was closed in order. Its
   * last state is served until the first CP of the new primary is whole, and
   * stays readable under the name beyond that unless the new primary has it too.
   * Durable when it resolves. Throws `not-a-volume`, and what `open` throws.
   */
  static async stepDown(set: DeviceSet, options: MirrorVolumeOptions & { setAsideName: string }): Promise<MirrorVolume> {
    const last = await newestMirrorRoot(set);
    if (last === undefined) {
      throw new MirrorpointError('not-a-volume', `${set.name} holds no CP that could step down. Create a mirror on it instead.`);
    }
    if (isOwnRoot(set, last.root) && !(await hasSteppedDown(set, last.bytes))) {
      const mirror = new MirrorVolume(set, options, last);
      await mirror.#setAsideServed(options.setAsideName);
    }
    return MirrorVolume.open(set, options);
  }

  /** The volume's id, or zeros while the mirror is empty. */
  get id(): Uint8Array {
    return this.#committed === undefined ? new Uint8Array(16) : this.#set.volumeId;
  }

  get setId(): Uint8Array {
    return this.#set.setId;
  }

  get geometry(): Geometry {
    return this.#received.space.geometry;
  }

  /** The blocks as the roots that are received have them. */
  get store(): BlockStore {
    return this.#received.space.store;
  }

  get cache(): BlockCache {
    return this.#received.space.cache;
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
    const needed = new Set([...this.#received.views.keys(), ...this.#doubtfulCps]);
    needed.delete(this.#committed?.root.cp ?? 0);
    return [...needed].sort((a, b) => a - b);
  }

  /** Calls the listener when `neededCps` may have changed; the result ends that. */
  onViewsChanged(listener: () => void): () => void {
    return this.#views.onChanged(listener);
  }

  /** Gives an empty mirror to a volume. */
  async adopt(volumeId: Uint8Array): Promise<void> {
    assert(this.#committed === undefined, 'only an empty mirror is given to a volume');
    await this.#set.adopt(volumeId);
  }

  /**
   * Makes the mirror an empty one, free for any volume. Nobody reads or writes
   * it. Its blocks stay as they are, and are found again by their checksums when
   * the same volume comes. Durable when it resolves.
   */
  async reset(): Promise<void> {
    await forgetPreserved(this.#set.journal);
    await new RootRing(this.#set.rootAreas, this.#set.volumeId).erase(this.#committed?.root.cp ?? 0);
    this.#committed = undefined;
    this.#setAside = undefined;
    await this.#preserved.remove('set-aside');
    await this.#preserved.remove('served');
    this.#received = this.#newLine();
    this.#served = this.#received;
  }

  /** Takes in a device, or the room that the devices gained. A mirror grows before its primary. */
  grow(...device: Parameters<DeviceSet['grow']>): Promise<void> {
    return this.#set.grow(...device);
  }

  /** The state that was set aside, if there is one besides the one that is served. */
  get setAside(): SetAside | undefined {
    const kept = this.#preserved.get('set-aside');
    if (kept === undefined || this.#isSetAside) return undefined;
    const { name, root } = kept.mark;
    return { name, cp: root.cp, wallMs: root.wallMs, displacedBlocks: kept.places.size };
  }

  /** Calls the listener when a state that was set aside had to go for lack of room; the result ends that. */
  onSetAsideLost(listener: (lost: { name: string; cp: number }) => void): () => void {
    this.#lossListeners.add(listener);
    return () => {
      this.#lossListeners.delete(listener);
    };
  }

  /** Gives up what was set aside. Views of it end with `checksum-mismatch`. */
  async dropSetAside(): Promise<void> {
    this.#setAside = undefined;
    await this.#preserved.remove('set-aside');
  }

  /**
   * Preserves the served root, which the primary does not keep any more: from now
   * on whatever is received may be written over it, and it is served all the
   * same, also after a restart. With a name, it stays readable as a state set
   * aside. The context is that of the served root.
   */
  async beginComparison(setAsideName?: string): Promise<{ root: RootNode; space: BlockSpace }> {
    const { root, bytes } = present(this.#committed, 'the root to compare with');
    if (setAsideName !== undefined) await this.#setAsideServed(setAsideName);
    if (this.#served === this.#received) {
      // Views of a root that was preserved before that one cannot be kept as well.
      await this.#preserved.remove('served');
      await this.#preserved.add({ kind: 'served', name: '', root, rootBytes: bytes }, this.#served.space);
      this.#received = this.#newLine();
      // What is written in its place from now on may be another block.
      await this.healer.idle();
    }
    return { root, space: this.#served.space };
  }

  /** Notes that a block of a root being received stands in its place already. */
  occupy(vbn: number): void {
    this.#preserved.occupy(vbn);
  }

  /** Writes blocks to consecutive VBNs. The buffers, whole blocks each, must not change until it resolves. */
  async writeBlocks(vbn: number, buffers: readonly Uint8Array[]): Promise<void> {
    if (!this.#preserved.isEmpty) await this.#preserved.makeWay(vbn, totalBytes(buffers) / this.blockSizeBytes);
    await this.store.writeRun(vbn, buffers);
  }

  /** Makes everything written so far durable. */
  flush(): Promise<void> {
    return this.#set.flush();
  }

  /**
   * Moves to a root whose blocks have all been proven to be on the devices:
   * makes them durable, then the root, then serves it. `basisCp` is the CP up to
   * which its history is the mirror's own.
   */
  async commit(rootBytes: Uint8Array, basisCp = this.#committed?.root.cp ?? 0): Promise<void> {
    const root = decodeRootNode(rootBytes);
    assert(root.cp > (this.#committed?.root.cp ?? 0), 'a mirror only moves forward');
    await this.flush();
    this.#doubtfulCps.add(root.cp);
    const wasSetAside = this.#isSetAside;
    await this.#rootWrites.run(async () => {
      await writeMirrorRoot(this.#set, { cp: root.cp, bytes: rootBytes, servedCp: this.#committed?.root.cp });
      this.#committed = { root, bytes: rootBytes };
    });
    this.#doubtfulCps.clear();
    this.#served = this.#received;
    this.#preserved.committed(root, this.#received.space);
    await this.#releaseServed();
    if (wasSetAside && this.setAside!.cp <= basisCp) await this.dropSetAside();
  }

  /**
   * Opens a view of the last root, of a snapshot, of the state set aside, or of a
   * CP that is a snapshot or open in another view. Throws `snapshot-not-found`.
   */
  async openView(at: RootViewAt): Promise<RootView> {
    const kept = this.#preserved.get('set-aside');
    if (kept !== undefined && typeof at === 'object' && 'snapshot' in at && at.snapshot === kept.mark.name) {
      this.#setAside ??= lineOf(kept.space);
      return this.#openView(this.#setAside, kept.mark.root, 'last');
    }
    return this.#holdServed((root, line) => this.#openView(line, root, at));
  }

  /** Holds states of the mirror, one set aside among them, while `use` looks at them beside each other; one caller at a time. */
  withStates<T>(wanted: StatesWanted, use: (states: StatesInView) => Promise<T>): Promise<T> {
    const ground = {
      name: this.name,
      views: this.#views,
      served: () => ({ root: this.#servedRoot, line: this.#served }),
      setAside: () => {
        const kept = this.#preserved.get('set-aside');
        if (kept === undefined) return undefined;
        this.#setAside ??= lineOf(kept.space);
        const { name, root } = kept.mark;
        return { name, root: { ...root, inodes: root.files.inodes }, isServed: this.#isSetAside, line: this.#setAside };
      },
    };
    return this.#stateReads.run(() => withMirrorStates(ground, wanted, use));
  }

  /** Holds the served root, and the one that `at` names, for a clone. */
  async holdForClone(at: RootViewAt): Promise<CloneGround> {
    const line = this.#served;
    const root = this.#servedRoot;
    const leaveRoot = this.#enterView(line, { ...root, inodes: root.files.inodes });
    try {
      const view = await this.#openView(line, root, at);
      const leave = async (): Promise<void> => {
        await view.close();
        leaveRoot();
      };
      return { root, at: { cp: view.cp }, data: line.space.device, heal: healFrom(line.space.store, root), leave };
    } catch (fault) {
      leaveRoot();
      throw fault;
    }
  }

  /** Snapshots in CP order, after a CP, at most `limit`. */
  async listSnapshots(options: { after?: number; limit?: number } = {}): Promise<SnapshotInfo[]> {
    return this.#committed === undefined ? [] : this.#holdServed((root, line) => listSnapshots(rowsOf(root, line), options));
  }

  async countSnapshots(): Promise<number> {
    return this.#committed === undefined ? 0 : this.#holdServed((root, line) => countSnapshots(rowsOf(root, line)));
  }

  /** Verifies every tree, count and checksum of the committed root. Commits wait for nothing: the root is held meanwhile. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return this.#holdServed((root, { space }) => checkVolume({ context: space.context, root, isMirror: true }, options));
  }

  /** What a scrub works on. Throws `not-found` while the mirror is empty. */
  get scrubbing(): ScrubSubject {
    const hold = (line: Line, root: ViewedRoot | RootNode): (() => void) =>
      this.#enterView(line, 'files' in root ? { ...root, inodes: root.files.inodes } : root);
    return {
      geometry: this.geometry,
      healer: this.healer,
      root: this.#servedRoot,
      holdMaps: () => {
        const root = this.#servedRoot;
        return Promise.resolve({ root, context: this.#served.space.context, leave: hold(this.#served, root) });
      },
      holdOldest: (fromCp) =>
        this.#holdServed((last, line) =>
          holdOldest({ context: line.space.context, last, fromCp, isWhole: isWholeOnMirror, hold: (root) => hold(line, root) }),
        ),
      mendCopies: () =>
        this.#rootWrites.run(() => mendCopies(this.#set, { cp: this.#servedRoot.cp, bytes: present(this.#committed, 'the root').bytes })),
      openView: (at) => this.openView(at),
    };
  }

  /** Where the room of the volume is, as of the committed root. What mirrors and readers hold is the primary's to say. */
  async space(page: SpacePage = {}): Promise<RootSpace> {
    return this.#holdServed((root, { space }) => spaceOfRoot(space.context, root, page));
  }

  /** Closes the devices. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#set.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether it is the committed root that was set aside. */
  get #isSetAside(): boolean {
    const kept = this.#preserved.get('set-aside');
    return kept !== undefined && this.#committed !== undefined && isRootOf(kept.mark, this.#committed.bytes);
  }

  get #servedRoot(): RootNode {
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
  async #holdServed<T>(read: (root: RootNode, line: Line) => Promise<T>): Promise<T> {
    const root = this.#servedRoot;
    const line = this.#served;
    const leave = this.#enterView(line, { ...root, inodes: root.files.inodes });
    try {
      return await read(root, line);
    } finally {
      leave();
    }
  }

  /** A line of its own for roots that are received. Its blocks are healed in place while no other line may have them there. */
  #newLine(): Line {
    const line = lineOf(this.#preserved.newSpace());
    this.healer.heal(line.space.store, () => this.#served === line && this.#received === line);
    return line;
  }

  /** Takes up what the devices preserve: a comparison that was not finished, and what was set aside. */
  async #load(): Promise<void> {
    if (this.#committed === undefined) return;
    const { root, bytes } = this.#committed;
    await this.#preserved.load((mark) => mark.kind === 'set-aside' || isRootOf(mark, bytes));
    const served = this.#preserved.get('served');
    if (served !== undefined) this.#served = lineOf(served.space);
    this.#preserved.committed(root, this.#served.space);
  }

  async #setAsideServed(name: string): Promise<void> {
    const { root, bytes } = present(this.#committed, 'the root to set aside');
    const before = this.#preserved.get('set-aside')?.mark;
    if (before !== undefined) {
      if (isRootOf(before, bytes)) return;
      throw new MirrorpointError(
        'snapshot-exists',
        `The mirror ${this.name} has set CP ${before.root.cp} aside as "${before.name}" already. Copy what you need out of it, delete it, and try again.`,
      );
    }
    await this.#preserved.add({ kind: 'set-aside', name, root, rootBytes: bytes }, this.#preserved.newSpace());
  }

  /** Ends preserving a root that is not served any more, when nobody reads it. */
  async #releaseServed(): Promise<void> {
    const kept = this.#preserved.get('served');
    if (kept === undefined || this.#served.space === kept.space || this.#views.isRead(kept.space)) return;
    await this.#preserved.remove('served');
  }

  #openView(line: Line, root: RootNode, at: RootViewAt): Promise<RootView> {
    return openRootView({
      name: this.name,
      context: line.space.context,
      root: () => root,
      at,
      enter: (found) => this.#enterView(line, found),
      held: (cp) => line.views.get(cp)?.root,
      isWhole: isWholeOnMirror,
    });
  }

  #enterView(line: Line, root: ViewedRoot): () => void {
    return this.#views.enter([{ line, root }]);
  }
}

/** Reads the snapshot table of a root. */
function rowsOf(root: RootNode, { space }: Line): RowsRead {
  const rows = new KeptRootReader(space.context, root.files.snapshots);
  return (read) => space.cache.run(() => read(rows));
}
