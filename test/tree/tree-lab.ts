import { expect } from 'vitest';
import { systemClock, Turns } from '../../src-main/base/index.ts';
import { BlockCache, BlockPool, BlockStore } from '../../src-main/blocks/index.ts';
import { emptyInode, geometryOf, pointerBirth, pointerBytes } from '../../src-main/format/index.ts';
import type { Geometry } from '../../src-main/format/index.ts';
import { BlockFile, TreeEdit, walkTree } from '../../src-main/tree/index.ts';
import type { BlockPlacer, Overlay, TreeRoot } from '../../src-main/tree/index.ts';
import { CountingDevice } from '../device/counting-device.ts';

export const blockSizeBytes = 4096;

/** A block's content in tests: it says which write it was, and where it belongs. */
export function fillBlock(bytes: Uint8Array, index: number, version: number): void {
  bytes.fill(version);
  new DataView(bytes.buffer, bytes.byteOffset).setFloat64(0, index);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, version);
}

/** The version of a block written by `fillBlock`, proven to be whole and the one of its index. */
export function versionOf(bytes: Uint8Array, index: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = view.getUint32(8);
  expect(view.getFloat64(0)).toBe(index);
  expect(bytes.subarray(12).every((byte) => byte === (version & 0xff))).toBe(true);
  return version;
}

/**
 * What a tree needs around it, in the simplest form: memory for a device, a
 * small cache, and an allocator that knows every block by number and counts
 * what is handed out and given back.
 */
export class TreeLab implements BlockPlacer {
  readonly geometry: Geometry = geometryOf(blockSizeBytes);
  readonly device = new CountingDevice({ sizeBytes: 2 ** 40 });
  readonly store = new BlockStore(this.device, blockSizeBytes);
  readonly cache = new BlockCache(this.store, { capacityBytes: 64 * blockSizeBytes });
  readonly pool = new BlockPool({ capacityBytes: 2 ** 28, blockSizeBytes });
  readonly context = { geometry: this.geometry, cache: this.cache, pool: this.pool };
  cp = 0;
  /** Blocks of the trees of the last CP. */
  readonly live = new Map<number, number>();
  allocated: number[] = [];
  freed: { vbn: number; birthCp: number }[] = [];
  writtenLevels: number[] = [];
  #nextVbn = 1;
  #writes: Promise<void>[] = [];

  newFile(onDirty?: () => void): BlockFile {
    return new BlockFile(this.context, emptyInode('file'), onDirty);
  }

  /** The same tree for reading only, as a snapshot has it. */
  readerOf(root: TreeRoot): BlockFile {
    return new BlockFile({ geometry: this.geometry, cache: this.cache }, root);
  }

  allocate(): number {
    const vbn = this.#nextVbn++;
    this.allocated.push(vbn);
    return vbn;
  }

  write(vbn: number, bytes: Uint8Array, level: number): void {
    this.writtenLevels.push(level);
    this.#writes.push(this.store.writeRun(vbn, [bytes.slice()]));
  }

  async pace(): Promise<void> {
    await Promise.resolve();
  }

  /** Begins a CP: blocks placed from now on are born in it. */
  begin(): void {
    this.cp++;
    this.allocated = [];
    this.freed = [];
    this.writtenLevels = [];
  }

  edit(root: TreeRoot): TreeEdit {
    const freed = (vbn: number, birthCp: number): void => {
      this.freed.push({ vbn, birthCp });
    };
    return new TreeEdit({ geometry: this.geometry, cache: this.cache, root, freed, turns: new Turns(systemClock) });
  }

  /** Builds the version of a tree that an overlay makes of it, and proves the promise of `newBlockCount`. */
  async build(root: TreeRoot, overlay: Overlay): Promise<TreeRoot> {
    const edit = this.edit(root);
    await edit.punch(overlay.holes);
    await edit.stage(overlay.blocks);
    const promised = edit.newBlockCount;
    const before = this.allocated.length;
    const built = await edit.place(this);
    expect(this.allocated.length - before).toBeLessThanOrEqual(promised);
    await Promise.all(this.#writes);
    this.#writes = [];
    return built;
  }

  /** The CP is durable: what it allocated lives, what it freed does not; each block is freed once, and was alive. */
  commit(): void {
    for (const { vbn, birthCp } of this.freed) {
      expect(this.live.get(vbn), `block ${vbn} is freed once, with its birth`).toBe(birthCp);
      this.live.delete(vbn);
    }
    for (const vbn of this.allocated) this.live.set(vbn, this.cp);
  }

  /** Every block that a walk of the tree meets, with its birth; proves that none is met twice. */
  async reachable(root: TreeRoot, afterCp = 0): Promise<Map<number, number>> {
    const found = new Map<number, number>();
    await walkTree(this.context, root, {
      afterCp,
      visit: (pointers) => {
        for (let position = 0; position < pointers.count; position++) {
          const vbn = pointers.vbn(position);
          expect(found.has(vbn)).toBe(false);
          found.set(vbn, pointerBirth(pointers.bytes, position * pointerBytes));
        }
      },
    });
    return found;
  }
}
