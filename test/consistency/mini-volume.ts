import { expect } from 'vitest';
import { getU32, getU48, present, SeededRandom, setU32, setU48, systemClock } from '../../src-main/base/index.ts';
import { BlockCache, BlockPool, BlockStore } from '../../src-main/blocks/index.ts';
import {
  ConsistencyPoints,
  type CpParticipant,
  type CpWriter,
  extentsOf,
  FreedList,
  Journal,
  type JournalPosition,
  ReadGate,
  readShed,
  RequestLog,
  requestsIn,
  RootRing,
  SpaceMap,
  systemFile,
  writeOverlay,
} from '../../src-main/consistency/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import {
  encodeRootNode,
  geometryOf,
  type RootNode,
  type SystemFileName,
  systemFileNames,
  inodeSlots,
  pointerBytes,
} from '../../src-main/format/index.ts';
import { BlockFile, type BlockFileContext, type Overlay, type TreeRoot, walkTree } from '../../src-main/tree/index.ts';

export const blockSizeBytes = 4096;

/** A request of the smallest volume there can be: block `index` becomes `version`, or a hole for version 0. */
export interface Put {
  index: number;
  version: number;
}

const volumeId = new Uint8Array(16).fill(0x77);

/** One file of blocks as a CP's participant. Unless somebody else sees to the dead, what dies is free at once. */
export class OneFile implements CpParticipant {
  readonly file: BlockFile;
  readonly #buries: boolean;
  #overlay: Overlay | undefined;
  #root: TreeRoot;

  constructor(file: BlockFile, buries: boolean) {
    this.file = file;
    this.#buries = buries;
    this.#root = file.root;
  }

  /** The file as the CP being written leaves it. */
  get written(): TreeRoot {
    return this.#root;
  }

  freeze(): void {
    this.#overlay = this.file.freeze();
  }

  async flush(writer: CpWriter): Promise<void> {
    this.#root = this.file.root;
    if (this.#overlay !== undefined) {
      const { root } = this.file;
      this.#root = await writeOverlay(writer, { root, overlay: this.#overlay, isMap: false, cacheData: false });
    }
    if (!this.#buries) return;
    const dead: number[] = [];
    for (const list of [writer.filesFreed, writer.shedBefore]) {
      for (let position = 0; position < list.count; position++) dead.push(list.vbn(position));
    }
    writer.released.push(...extentsOf(dead));
  }

  fill(node: RootNode): void {
    node.files.inodes = systemFile(this.#root);
  }

  settle(committed: boolean): void {
    this.file.settle(committed ? this.#root : undefined);
  }
}

export interface MiniVolumeOptions {
  cacheBytes?: number;
  discard?: (vbn: number, count: number) => void;
  /** Another participant, which sees to the dead blocks. */
  undertaker?: (parts: {
    context: Required<BlockFileContext>;
    root: RootNode;
    written: () => TreeRoot;
    lastRoot: () => RootNode;
  }) => CpParticipant;
}

/**
 * The smallest volume: one file of blocks, CPs, a journal and a root ring, and
 * nothing of inodes or snapshots. It shows what the consistency room promises
 * to whatever is built on it.
 */
export class MiniVolume {
  readonly set: DeviceSet;
  readonly cache: BlockCache;
  readonly pool: BlockPool;
  readonly gate = new ReadGate();
  readonly cps: ConsistencyPoints;
  readonly log: RequestLog<Put>;
  readonly journal: Journal;
  readonly space: SpaceMap;
  readonly file: BlockFile;
  readonly context: Required<BlockFileContext>;

  private constructor(
    set: DeviceSet,
    found: { root: RootNode; rootBytes: Uint8Array; shed: FreedList; position: JournalPosition },
    options: MiniVolumeOptions,
  ) {
    this.set = set;
    const geometry = geometryOf(blockSizeBytes);
    this.cache = cacheOn(set, options);
    this.pool = new BlockPool({ capacityBytes: 2 ** 28, blockSizeBytes });
    this.context = { geometry, cache: this.cache, pool: this.pool };
    const { root, position } = found;
    this.file = new BlockFile(this.context, root.files.inodes);
    this.journal = new Journal(set.journal, position);
    this.space = new SpaceMap({
      geometry,
      cache: this.cache,
      file: new BlockFile(this.context, root.files.freeMap),
      blockCount: root.blockCount,
      usedCount: root.usedBlockCount,
      cursor: root.allocationCursor,
    });
    this.log = new RequestLog<Put>({
      journal: this.journal,
      nextSequence: root.requestSequence,
      encode: encodePut,
      takeCp: (cause) => this.cps.take(cause),
      resident: (operation) => this.cache.run(operation),
    });
    const { discard, undertaker } = options;
    const oneFile = new OneFile(this.file, undertaker === undefined);
    const others = undertaker?.({
      context: this.context,
      root,
      written: () => oneFile.written,
      lastRoot: () => this.cps.root,
    });
    this.cps = new ConsistencyPoints({
      name: 'mini',
      geometry,
      cache: this.cache,
      space: this.space,
      ring: new RootRing(set.rootAreas, volumeId),
      journal: this.journal,
      gate: this.gate,
      clock: systemClock,
      participants: others === undefined ? [oneFile] : [oneFile, others],
      flushDevices: () => set.flush(),
      requestSequence: () => this.log.sequence,
      onDurable: (sequence) => {
        this.log.release(sequence);
      },
      ...(discard !== undefined && {
        discard: (extents) => {
          for (const { vbn, count } of extents) discard(vbn, count);
          return Promise.resolve();
        },
      }),
      root,
      rootBytes: found.rootBytes,
      shed: found.shed,
    });
  }

  static async create(devices: Device[], options: MiniVolumeOptions & { journalBytes?: number } = {}): Promise<MiniVolume> {
    const set = await DeviceSet.create(devices, {
      volumeId,
      setId: new Uint8Array(16).fill(1),
      blockSizeBytes,
      journalBytes: options.journalBytes ?? 65536,
      random: new SeededRandom(1),
    });
    const position = { key: new Uint8Array(16).fill(1), offsetBytes: 0, batch: 1 };
    const root = rootBefore(set, position.key);
    const found = { root, rootBytes: encodeRootNode(root), shed: new FreedList(), position };
    const volume = new MiniVolume(set, found, options);
    await volume.cps.take('create');
    return volume;
  }

  /** Opens at the newest root and replays the journal, or gives undefined when no CP was ever completed. */
  static async open(devices: Device[], options: MiniVolumeOptions = {}): Promise<MiniVolume | undefined> {
    const set = await DeviceSet.open(devices);
    const newest = await new RootRing(set.rootAreas, volumeId).newest();
    if (newest === undefined) return undefined;
    const { root, bytes } = newest;
    const context = { geometry: geometryOf(blockSizeBytes), cache: cacheOn(set, options) };
    const position = { key: root.journalKey, offsetBytes: root.journalOffsetBytes, batch: root.journalBatch };
    const shed = await readShed(context, root);
    const volume = new MiniVolume(set, { root, rootBytes: bytes, shed, position }, options);
    let replayed = 0;
    for await (const batch of volume.journal.recover()) {
      for (const { sequence, encoded } of requestsIn(batch)) {
        if (sequence < root.requestSequence) continue;
        volume.#apply(decodePut(encoded));
        replayed++;
      }
    }
    if (replayed > 0) {
      const key = root.journalKey.slice();
      key[0]!++;
      volume.journal.restart(key);
      await volume.cps.take('recovery');
    }
    return volume;
  }

  /** Applies a request in memory and logs it. */
  put(request: Put): void {
    this.#apply(request);
    this.log.append(request, 16);
  }

  /** The version of each block below a bound; 0 for a hole. */
  async versions(count: number): Promise<number[]> {
    const found: number[] = [];
    for (let index = 0; index < count; index++) {
      const version = await this.cache.run(() => {
        const bytes = this.file.read(index);
        if (bytes === null) return 0;
        expect(getU48(bytes, 4)).toBe(index);
        return getU32(bytes, 0);
      });
      found.push(version);
    }
    return found;
  }

  /**
   * Proves the last durable root: every block that is reachable, shed or said to
   * be used by `others` has its bit in the free map, and no other block has.
   */
  async expectWhole(others: ReadonlySet<number> = new Set()): Promise<void> {
    const { root } = this.cps;
    const used = new Set<number>();
    const use = (vbn: number): void => {
      if (used.has(vbn)) expect.fail(`block ${vbn} has two owners`);
      used.add(vbn);
    };
    for (const name of systemFileNames) {
      const blocks = await this.reachable(root.files[name]);
      blocks.forEach(use);
      expect(root.files[name].blockCount).toBe(blocks.length);
    }
    const shed = await readShed(this.context, root);
    for (let position = 0; position < shed.count; position++) {
      use(shed.vbn(position));
      expect(shed.birthCp(position)).toBeLessThan(root.cp);
    }
    for (const vbn of others) used.add(vbn);
    const marked = await this.#markedBlocks(root);
    expect(marked).toEqual([...used].sort((a, b) => a - b));
    expect(root.usedBlockCount).toBe(used.size);
  }

  /** Every block of a tree, each read and proven. */
  async reachable(tree: TreeRoot): Promise<number[]> {
    const vbns: number[] = [];
    await walkTree(this.context, tree, {
      afterCp: 0,
      visit: async (pointers, level) => {
        for (let position = 0; position < pointers.count; position++) vbns.push(pointers.vbn(position));
        // Data blocks are not read by the walk itself.
        if (level === 0) await this.cache.visit(pointers, () => undefined);
      },
    });
    return vbns;
  }

  async #markedBlocks(root: RootNode): Promise<number[]> {
    const map = new BlockFile(this.context, root.files.freeMap);
    const perPage = blockSizeBytes * 8;
    const marked: number[] = [];
    for (let page = 0; page * perPage < root.blockCount; page++) {
      const bits = await this.cache.run(() => map.read(page)?.slice());
      for (let bit = 0; bits !== undefined && bit < perPage; bit++) {
        if ((bits[bit >> 3]! & (1 << (bit & 7))) !== 0) marked.push(page * perPage + bit);
      }
    }
    return marked;
  }

  #apply({ index, version }: Put): void {
    if (version === 0) {
      this.file.punch(index, index + 1);
      return;
    }
    const bytes = this.file.overwrite(index).fill(version);
    setU32(bytes, 0, version);
    setU48(bytes, 4, index);
  }
}

function cacheOn(set: DeviceSet, options: MiniVolumeOptions): BlockCache {
  const store = new BlockStore(set.data, blockSizeBytes);
  return new BlockCache(store, { capacityBytes: options.cacheBytes ?? 1 << 20 });
}

function rootBefore(set: DeviceSet, journalKey: Uint8Array): RootNode {
  const empty = systemFile({ slots: new Uint8Array(inodeSlots * pointerBytes), height: 0, blockCount: 0 });
  const files = Object.fromEntries(systemFileNames.map((name) => [name, empty]));
  return {
    volumeId,
    blockSizeBytes,
    cp: 0,
    epoch: 1,
    wallMs: 0,
    blockCount: set.blockCount,
    usedBlockCount: 0,
    nextInode: 1,
    freeInodeHead: 0,
    inodeCount: 0,
    requestSequence: 0,
    journalKey,
    journalOffsetBytes: 0,
    journalBatch: 1,
    allocationCursor: 0,
    setId: new Uint8Array(16),
    files: files as Record<SystemFileName, RootNode['files'][SystemFileName]>,
  };
}

function encodePut({ index, version }: Put): Uint8Array {
  const bytes = new Uint8Array(10);
  setU48(bytes, 0, index);
  setU32(bytes, 6, version);
  return bytes;
}

function decodePut(bytes: Uint8Array): Put {
  return { index: getU48(bytes, 0), version: getU32(bytes, 6) };
}

/** The model of a mini volume after each request: `states[k]` is after the first k. */
export class PutHistory {
  readonly puts: Put[] = [];

  push(request: Put): void {
    this.puts.push(request);
  }

  /** The number of requests after which the model reads like this, at least `atLeast`, or undefined. */
  matching(versions: readonly number[], atLeast: number): number | undefined {
    const state = new Array<number>(versions.length).fill(0);
    for (let count = 0; ; count++) {
      if (count >= atLeast && versions.every((version, index) => version === state[index])) return count;
      if (count === this.puts.length) return undefined;
      const { index, version } = present(this.puts[count], 'request of the history');
      state[index] = version;
    }
  }
}
