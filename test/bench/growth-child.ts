/**
 * Opens a large volume in a whole server, changes a fixed part of it, and prints
 * what that took: `node growth-child.ts IMAGE CONFIG_FOLDER SHARE`; one line of JSON.
 */
import { SeededRandom, systemClock } from '../../src-main/base/index.ts';
import { DeviceSet, ImageFile } from '../../src-main/device/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { BenchServer } from './bench-server.ts';
import { median, secondsOf } from './stopwatch.ts';

const cps = 5;
/** Each CP takes 10 MiB of changes. */
const changesPerCp = 2560;
/** The changes of a CP fall into the first GiB, which both volumes have, so that they are as near to each other in either. */
const windowBytes = 2 ** 30;
const blockBytes = 4096;
const name = 'large';

const [path = '', configFolder = '', share = '1'] = process.argv.slice(2);
const random = new SeededRandom(7);

/** Opens the volume by itself, as a server does it, and counts what is read for that. */
async function measureOpening(): Promise<{ openMs: number; openBlocksRead: number }> {
  const set = await DeviceSet.open([await ImageFile.open(path)]);
  let openBlocksRead = 0;
  const read = set.data.read.bind(set.data);
  set.data.read = (offset, buffers) => {
    openBlocksRead += buffers.length;
    return read(offset, buffers);
  };
  let volume!: Volume;
  const openSeconds = await secondsOf(async () => {
    volume = await Volume.open(set, { name, clock: systemClock, random, cpIntervalMs: 0 });
  });
  const blocks = openBlocksRead;
  await volume.close();
  return { openMs: openSeconds * 1000, openBlocksRead: blocks };
}

/** Random changes, and the CP that takes them. */
async function measureCp(volume: Volume, ino: number): Promise<{ blocks: number; ms: number }> {
  const block = random.bytes(blockBytes);
  for (let change = 0; change < changesPerCp / Number(share); change++) {
    const offset = random.below(windowBytes / Number(share) / blockBytes) * blockBytes;
    await volume.change(changeBlocks.write(block.length, blockBytes), (files) => {
      files.write(ino, offset, block);
    });
  }
  const record = await volume.takeCp();
  return { blocks: record.dataBlocks + record.addressBlocks, ms: record.durationMs };
}

const server = await BenchServer.open(configFolder);
const opening = await measureOpening();
await server.client.volumes.attach({ name, devices: [path], cpIntervalMs: 0 });
const { volume } = await server.engine.shelf.primary(name);
const ino = await volume.query((files) => files.resolvePath('/huge'));
const taken: { blocks: number; ms: number }[] = [];
for (let count = 0; count < cps; count++) taken.push(await measureCp(volume, ino));
const usedBytes = volume.status().usedBlockCount * blockBytes;
await server.client.volumes.detach({ volume: name });
const { memoryPeakBytes } = server.usage;
await server.close();
console.log(
  JSON.stringify({
    usedBytes,
    ...opening,
    cpBlocksWritten: median(taken.map(({ blocks }) => blocks)),
    cpMs: median(taken.map(({ ms }) => ms)),
    memoryPeakBytes,
  }),
);
