/** Opens a large volume, changes a fixed part of it, and prints what that took: one line of JSON. */
import { SeededRandom, systemClock } from '../../src-main/base/index.ts';
import { DeviceSet, ImageFile } from '../../src-main/device/index.ts';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { median, secondsOf } from './stopwatch.ts';

const rounds = 5;
const changesPerCp = 1000;
/** Changes fall into so many blocks, so that they are as near to each other in every volume. */
const windowBlocks = 16384;

const path = process.argv[2]!;
const random = new SeededRandom(7);
const set = await DeviceSet.open([await ImageFile.open(path)]);
let blocksRead = 0;
const read = set.data.read.bind(set.data);
set.data.read = (offset, buffers) => {
  blocksRead += buffers.length;
  return read(offset, buffers);
};
let volume!: Volume;
const openSeconds = await secondsOf(async () => {
  volume = await Volume.open(set, { name: 'large', clock: systemClock, random, cpIntervalMs: 0 });
});
const openBlocksRead = blocksRead;
const ino = await volume.query((files) => files.lookup(rootDirectoryInode, 'huge').ino);
const block = random.bytes(4096);
const blocksWritten: number[] = [];
const cpMs: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (let change = 0; change < changesPerCp; change++) {
    const offset = random.below(windowBlocks) * block.length;
    await volume.change(changeBlocks.write(block.length, 4096), (files) => {
      files.write(ino, offset, block);
    });
  }
  const record = await volume.takeCp();
  blocksWritten.push(record.dataBlocks + record.addressBlocks);
  cpMs.push(record.durationMs);
}
const usedBytes = volume.status().usedBlockCount * 4096;
await volume.close();
console.log(
  JSON.stringify({
    usedBytes,
    openBlocksRead,
    openMs: openSeconds * 1000,
    cpBlocksWritten: median(blocksWritten),
    cpMs: median(cpMs),
    memoryPeakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
