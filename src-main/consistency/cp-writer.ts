import { present, type Turns } from '../base/index.ts';
import type { BlockCache, BlockStore } from '../blocks/index.ts';
import { runBlocksMax } from '../blocks/index.ts';
import { areNeighbours } from '../device/index.ts';
import type { Geometry } from '../format/index.ts';
import { type BlockName, type BlockPlacer, type FreedBlocks, TreeEdit, type TreeRoot } from '../tree/index.ts';
import { type Extent, FreedList } from './freed-list.ts';
import type { SpaceMap } from './space-map.ts';

/** Pieces of memory in one write call, and write calls that a CP keeps in flight. */
const swift = { runPiecesMax: 64, writesInFlightMax: 6 };

/** The same while it makes way: handing over many pieces keeps others waiting, and so do many calls on few processors. */
const gentle = { runPiecesMax: 16, writesInFlightMax: 1 };

/** A block with its content. */
export interface NamedBlock extends BlockName {
  readonly bytes: Uint8Array;
}

/** Takes a CP's blocks as they are written, to send them on. */
export interface BlockSink {
  /**
   * A block about to be written to the devices, and the one that it replaces in
   * its tree when that is in memory. A sink that needs their bytes later copies them.
   */
  block(vbn: number, bytes: Uint8Array, replaced: NamedBlock | undefined): void;
}

/** What one CP wrote. */
export interface CpVolume {
  dataBlocks: number;
  addressBlocks: number;
}

/**
 * Places and writes the blocks of one CP: allocates rising VBNs, gathers
 * neighbours into long runs for the devices, and hands each block to every sink at
 * the same time.
 */
export class CpWriter implements BlockPlacer {
  readonly cp: number;
  /** When the CP began: a label. */
  readonly wallMs: number;
  /** What user trees and the inode file no longer reference: kept snapshots may. */
  readonly filesFreed = new FreedList();
  /** What the volume's own maps no longer reference: only mirrors' bases may. */
  readonly mapsFreed = new FreedList();
  /** Blocks that nothing needs any more: their bits are cleared in this CP's free map. */
  readonly released: Extent[] = [];
  /** What the last CP's maps shed: free, or on a mirror's base, as of this CP. */
  readonly shedBefore: FreedList;
  readonly volume: CpVolume = { dataBlocks: 0, addressBlocks: 0 };
  readonly #geometry: Geometry;
  readonly #cache: BlockCache;
  readonly #store: BlockStore;
  readonly #space: SpaceMap;
  readonly #sinks: readonly BlockSink[];
  readonly #turns: Turns;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #written: Extent[] = [];
  #run: Uint8Array[] = [];
  #runVbn = 0;
  #runPieces = 0;
  #cacheData = false;
  #failure: { fault: unknown } | undefined;

  constructor(options: {
    cp: number;
    wallMs: number;
    geometry: Geometry;
    cache: BlockCache;
    space: SpaceMap;
    sinks: readonly BlockSink[];
    shedBefore: FreedList;
    turns: Turns;
  }) {
    this.cp = options.cp;
    this.wallMs = options.wallMs;
    this.#geometry = options.geometry;
    this.#cache = options.cache;
    this.#store = options.cache.store;
    this.#space = options.space;
    this.#sinks = options.sinks;
    this.shedBefore = options.shedBefore;
    this.#turns = options.turns;
  }

  /** An edit of a user file's tree or of the inode file. */
  editFiles(root: TreeRoot): TreeEdit {
    return this.#edit(root, (vbn, birthCp) => {
      this.filesFreed.add(vbn, birthCp);
    });
  }

  /** An edit of one of the volume's own maps. */
  editMaps(root: TreeRoot): TreeEdit {
    return this.#edit(root, (vbn, birthCp) => {
      this.mapsFreed.add(vbn, birthCp);
    });
  }

  /** Reserves the space that an edit needs and places it. Data blocks that will soon be read again go to the cache. */
  async place(edit: TreeEdit, options: { cacheData: boolean }): Promise<TreeRoot> {
    await this.#space.reserve(edit.newBlockCount);
    this.#cacheData = options.cacheData;
    return edit.place(this);
  }

  /** Places an edit on VBNs allocated beforehand. */
  placeAt(edit: TreeEdit, vbns: number[]): Promise<TreeRoot> {
    this.#cacheData = true;
    return edit.place({
      cp: this.cp,
      allocate: () => present(vbns.shift(), 'a VBN allocated beforehand'),
      write: (vbn, bytes, level, replaced) => {
        this.write(vbn, bytes, level, replaced);
      },
      pace: () => this.pace(),
    });
  }

  allocate(): number {
    return this.#space.allocate();
  }

  write(vbn: number, bytes: Uint8Array, level: number, replaced?: BlockName): void {
    // Before the cache may give up the block that is replaced to make room.
    this.#tellSinks(vbn, bytes, replaced);
    if (level === 0) this.volume.dataBlocks++;
    else this.volume.addressBlocks++;
    if (level > 0 || this.#cacheData) this.#cache.insert({ vbn, birthCp: this.cp }, bytes);
    if (this.#run.length > 0 && (vbn !== this.#runVbn + this.#run.length || this.#run.length >= runBlocksMax)) {
      this.#send();
    }
    const last = this.#run.at(-1);
    if (last === undefined) this.#runVbn = vbn;
    if (last === undefined || !areNeighbours(last, bytes)) this.#runPieces++;
    this.#run.push(bytes);
    if (this.#runPieces >= this.#pace.runPiecesMax) this.#send();
  }

  pace(): Promise<void> | undefined {
    return this.#inFlight.size >= this.#pace.writesInFlightMax || this.#failure !== undefined ? this.#waitForWrites() : this.#turns.pass();
  }

  /** The extents written in this CP so far, each in one run. */
  get written(): readonly Extent[] {
    return this.#written;
  }

  /** Resolves when every block given to `write` has been written; throws what any write threw. */
  async drain(): Promise<void> {
    this.#send();
    await Promise.all(this.#inFlight);
    this.#throwFailure();
  }

  /** Waits for the writes in flight whatever their outcome, so that their buffers are free. */
  async abandon(): Promise<void> {
    this.#run = [];
    this.#runPieces = 0;
    await Promise.all(this.#inFlight);
  }

  get #pace(): typeof swift {
    return this.#turns.isGentle ? gentle : swift;
  }

  async #waitForWrites(): Promise<void> {
    while (this.#inFlight.size >= this.#pace.writesInFlightMax) await Promise.race(this.#inFlight);
    this.#throwFailure();
  }

  #edit(root: TreeRoot, freed: FreedBlocks): TreeEdit {
    return new TreeEdit({ geometry: this.#geometry, cache: this.#cache, root, freed, turns: this.#turns });
  }

  #tellSinks(vbn: number, bytes: Uint8Array, name: BlockName | undefined): void {
    if (this.#sinks.length === 0) return;
    const old = name && this.#cache.peek(name);
    const replaced = name && old && { ...name, bytes: old };
    for (const sink of this.#sinks) sink.block(vbn, bytes, replaced);
  }

  #send(): void {
    if (this.#run.length === 0) return;
    const buffers = this.#run;
    const vbn = this.#runVbn;
    this.#run = [];
    this.#runPieces = 0;
    this.#written.push({ vbn, count: buffers.length });
    const writing = this.#store.writeRun(vbn, buffers).catch((fault: unknown) => {
      this.#failure ??= { fault };
    });
    this.#inFlight.add(writing);
    void writing.then(() => this.#inFlight.delete(writing));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.fault;
  }
}
