import { checksumOf, SeededRandom, systemClock } from '../../src-main/base/index.ts';
import { type BlockStore, cutBlocks } from '../../src-main/blocks/index.ts';
import { DeviceSet, ImageFile } from '../../src-main/device/index.ts';
import { rootDirectoryInode } from '../../src-main/files/index.ts';
import { inodeSlots, pointerBytes, setPointer, treeCapacity } from '../../src-main/format/index.ts';
import type { TreeRoot } from '../../src-main/tree/index.ts';
import { Volume, type VolumeOptions } from '../../src-main/volume/index.ts';
import { VolumeCore } from '../../src-main/volume/volume-core.ts';
import { lastStart } from '../../src-main/volume/volume-start.ts';

const addressBlocksPerWrite = 256;

/**
 * Makes a volume with one file of `fileBlocks` blocks whose tree, free map and
 * counts are all real, while its data blocks are never written: they are blocks
 * of zeros on a sparse device, and their pointers say so. So a volume with
 * hundreds of GiB in use takes seconds and little disk.
 */
async function makeHugeVolume(
  set: DeviceSet,
  file: { name: string; fileBlocks: number; reopen: () => Promise<DeviceSet> },
): Promise<void> {
  const options = { name: 'huge', clock: systemClock, random: new SeededRandom(1), cpIntervalMs: 0 };
  const volume = await Volume.create(set, options);
  const ino = await volume.change(16, (files) =>
    files.createFile(rootDirectoryInode, file.name, { mode: 0o644, uid: 0, gid: 0 }),
  );
  await volume.close();

  await using again = await file.reopen();
  const core = await openCore(again, options);
  const root = await placeTree(core, file.fileBlocks);
  const inode = await core.context.cache.run(() => core.table.get(ino));
  inode.content.settle(root);
  Object.assign(inode.fields, root, { sizeBytes: file.fileBlocks * again.blockSizeBytes });
  core.table.changed(inode);
  await core.cps.take('request');
}

/** The same in a new image file, with so many bytes in use and so many more to spare. */
export async function makeHugeImage(path: string, { usedBytes, spareBytes }: { usedBytes: number; spareBytes: number }): Promise<void> {
  const random = new SeededRandom(1);
  const image = await ImageFile.create(path, { sizeBytes: usedBytes + spareBytes });
  const set = await DeviceSet.create([image], {
    volumeId: random.bytes(16),
    setId: random.bytes(16),
    blockSizeBytes: 4096,
    journalBytes: 32 << 20,
    random,
  });
  await makeHugeVolume(set, {
    name: 'huge',
    fileBlocks: usedBytes / set.blockSizeBytes,
    reopen: async () => DeviceSet.open([await ImageFile.open(path)]),
  });
}

async function openCore(set: DeviceSet, options: VolumeOptions): Promise<VolumeCore> {
  const core: VolumeCore = new VolumeCore(await lastStart(set, options), (cause) => core.cps.take(cause));
  await core.ledger.load();
  return core;
}

/** Allocates every block of the tree, writes its address blocks level by level, and returns its root. */
async function placeTree(core: VolumeCore, dataBlocks: number): Promise<TreeRoot> {
  const { geometry, cache } = core.context;
  const birthCp = core.cps.root.cp + 1;
  let height = 0;
  while (treeCapacity(geometry, height) < dataBlocks) height++;
  let blockCount = dataBlocks;
  for (let level = 1, count = dataBlocks; level <= height; level++) blockCount += count = Math.ceil(count / geometry.fanOut);
  await core.space.reserve(blockCount);

  const toZeros = { vbn: 0, birthCp, checksum: checksumOf(new Uint8Array(geometry.blockSizeBytes)) };
  let below = {
    count: dataBlocks,
    pointer: (bytes: Uint8Array, offset: number) => {
      toZeros.vbn = core.space.allocate();
      setPointer(bytes, offset, toZeros);
    },
  };
  for (let level = 1; level <= height; level++) {
    const count = Math.ceil(below.count / geometry.fanOut);
    const pointers = new Uint8Array(count * pointerBytes);
    let left = below.count;
    for (let start = 0; start < count; start += addressBlocksPerWrite) {
      const blocks = cutBlocks(new Uint8Array(Math.min(addressBlocksPerWrite, count - start) * geometry.blockSizeBytes), geometry.blockSizeBytes);
      for (const block of blocks) {
        for (let slot = 0; slot < geometry.fanOut && left > 0; slot++, left--) below.pointer(block, slot * pointerBytes);
      }
      const vbns = blocks.map(() => core.space.allocate());
      for (const [index, block] of blocks.entries()) {
        setPointer(pointers, (start + index) * pointerBytes, { vbn: vbns[index]!, birthCp, checksum: checksumOf(block) });
      }
      await writeRuns(cache.store, vbns, blocks);
    }
    let next = 0;
    below = {
      count,
      pointer: (bytes, offset) => {
        bytes.set(pointers.subarray(next * pointerBytes, (next + 1) * pointerBytes), offset);
        next++;
      },
    };
  }
  const slots = new Uint8Array(inodeSlots * pointerBytes);
  for (let slot = 0; slot < below.count; slot++) below.pointer(slots, slot * pointerBytes);
  return { slots, height, blockCount };
}

/** Writes each block to its VBN, neighbours in one call. */
async function writeRuns(store: BlockStore, vbns: readonly number[], blocks: readonly Uint8Array[]): Promise<void> {
  for (let start = 0, end = 1; start < vbns.length; start = end++) {
    while (end < vbns.length && vbns[end] === vbns[start]! + end - start) end++;
    await store.writeRun(vbns[start]!, blocks.slice(start, end));
  }
}
