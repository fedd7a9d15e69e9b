/**
 * Opens a huge volume in a process of its own, changes 10 MiB of it at random
 * places over three CPs, and prints what that took: one line of JSON.
 */
import { SeededRandom, systemClock } from '../../src-main/base/index.ts';
import { DeviceSet, ImageFile } from '../../src-main/device/index.ts';
import { rootDirectoryInode } from '../../src-main/files/index.ts';
import { Volume } from '../../src-main/volume/index.ts';

const blocksPerCp = 2560;
const random = new SeededRandom(5);

const set = await DeviceSet.open([await ImageFile.open(process.argv[2]!)]);
let readsToOpen = 0;
const read = set.data.read.bind(set.data);
set.data.read = (offset, buffers) => {
  readsToOpen += buffers.length;
  return read(offset, buffers);
};
const volume = await Volume.open(set, { name: 'huge', clock: systemClock, random, cpIntervalMs: 0 });
const blocksReadToOpen = readsToOpen;
const { ino, sizeBytes } = await volume.query((files) => {
  const found = files.lookup(rootDirectoryInode, 'huge').ino;
  return { ino: found, sizeBytes: files.stat(found).sizeBytes };
});
const block = random.bytes(4096);
const fileBlocks = sizeBytes / block.length;
let last = 0;
for (let round = 0; round < 3; round++) {
  for (let index = 0; index < blocksPerCp; index++) {
    last = random.below(fileBlocks) * block.length;
    await volume.change(3, (files) => {
      files.write(ino, last, block);
    });
  }
  await volume.takeCp();
}
const back = new Uint8Array(block.length);
await volume.readInto(ino, last, back);
const { usedBlockCount, cp } = volume.status();
await volume.close();
console.log(
  JSON.stringify({
    cp,
    usedBytes: usedBlockCount * 4096,
    blocksReadToOpen,
    blocksWrittenInCp: volume.cpHistory.map((record) => record.dataBlocks + record.addressBlocks),
    readBack: Buffer.compare(block, back) === 0,
    memoryPeakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
