import { toHex } from '../../src-main/base/index.ts';
import { BlockCache, BlockStore } from '../../src-main/blocks/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { decodeRootNode, geometryOf } from '../../src-main/format/index.ts';
import { KeptRootReader } from '../../src-main/snapshots/index.ts';
import type { BlockFileContext } from '../../src-main/tree/index.ts';
import { checkVolume, RootView } from '../../src-main/volume/index.ts';
import { type Found, openLeft, proveRoot, startOf } from './crash-check.ts';
import type { CrashState } from './crash-states.ts';
import { type FoundSnapshot, textOf, Violation } from './history.ts';
import { ProvenReads } from './proven-reads.ts';
import type { SummedDevice } from './summed-device.ts';

const pageRows = 256;

/**
 * Proofs of the crash states of one workload. A state is opened unless one that
 * was opened differs from it only where the recovery and the look at its result
 * do not read. Of those that are opened, trees that were read before, block for
 * block, are not read again: each part of the look is a proof of its own.
 */
export class CrashProofs {
  readonly #states = new ProvenReads<Found>();
  readonly #parts = new Map<string, ProvenReads<unknown>>();
  readonly #seed: number;
  readonly #roots: ReadonlyMap<number, Uint8Array>;

  /** `roots` are those of all CPs that the workload has ever made durable. */
  constructor(options: { seed: number; roots: ReadonlyMap<number, Uint8Array> }) {
    this.#seed = options.seed;
    this.#roots = options.roots;
  }

  /** States that were opened. */
  get opened(): number {
    return this.#states.proofs;
  }

  /** Everything that the recovered volume shows. Throws a violation where it is not whole. */
  of(state: CrashState): Promise<Found> {
    const devices = state.summedDevices();
    return this.#states.of(devices, () => this.#look(devices));
  }

  async #look(devices: readonly SummedDevice[]): Promise<Found> {
    const set = await DeviceSet.open([...devices]);
    const volume = await openLeft(set, this.#seed);
    const { rootBytes } = volume;
    const text = await textOf(volume);
    const listed = await volume.listSnapshots();
    await this.#part(devices, `check ${toHex(rootBytes)}`, () => proveWholeAt(set, rootBytes));
    const snapshots = await this.#snapshots(devices, set, rootBytes);
    if (listed.map(({ name }) => name).join() !== snapshots.map(({ name }) => name).join()) throw new Violation('the volume lists other snapshots than its root has');
    const bases = new Set<number>();
    for (const cp of volume.bases) {
      const root = this.#roots.get(cp);
      if (root === undefined) continue;
      await this.#part(devices, `base ${cp}`, () => proveRoot(set, root, `CP ${cp}, which a mirror has,`));
      bases.add(cp);
    }
    const found = { ...startOf(volume), text, snapshots, bases };
    await volume.close();
    return found;
  }

  async #snapshots(devices: readonly SummedDevice[], set: DeviceSet, rootBytes: Uint8Array): Promise<FoundSnapshot[]> {
    const context = contextOf(set);
    const rows = await context.cache.run(() => new KeptRootReader(context, decodeRootNode(rootBytes).files.snapshots).list(0, pageRows));
    const found: FoundSnapshot[] = [];
    for (const row of rows) {
      if (row.names.length === 0) continue;
      const { cp } = row;
      const text = await this.#part(devices, `view ${cp} ${toHex(row.inodes.slots)}`, () => textOf(new RootView({ root: row, context: contextOf(set), leave: () => undefined })));
      for (const name of row.names) found.push({ name, cp, text });
    }
    return found;
  }

  #part<T>(devices: readonly SummedDevice[], what: string, prove: () => Promise<T>): Promise<T> {
    const known = (this.#parts.get(what) ?? new ProvenReads<T>()) as ProvenReads<T>;
    this.#parts.set(what, known);
    return known.of(devices, prove);
  }
}

/** Blocks as the devices have them, through a cache of their own. */
function contextOf(set: DeviceSet): BlockFileContext {
  const cache = new BlockCache(new BlockStore(set.data, set.blockSizeBytes), { capacityBytes: 256 << 10 });
  return { geometry: geometryOf(set.blockSizeBytes), cache };
}

async function proveWholeAt(set: DeviceSet, rootBytes: Uint8Array): Promise<void> {
  const { problems } = await checkVolume({ context: contextOf(set), root: decodeRootNode(rootBytes) });
  if (problems.length === 0) return;
  const texts = problems.slice(0, 5).map(({ message }) => message);
  throw new Violation(`the check after the recovery found ${problems.length} problems: ${texts.join(' | ')}`);
}
