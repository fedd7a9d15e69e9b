import { expect, test } from 'vitest';
import { totalBytes as bytesOf } from '../../src-main/device/index.ts';
import { FrameReader, decodeMessage } from '../../src-main/wire/index.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

const blockBytes = 4096;

/** A file whose tree has address blocks, mirrored, and the blocks of the CP in which a few of its blocks change. */
async function changedFile(lab: MirrorLab): Promise<{ content: Uint8Array; change: () => Promise<void> }> {
  await lab.start();
  const content = lab.random.bytes(8 << 20);
  await lab.put('large', content);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const change = async (): Promise<void> => {
    const ino = await lab.primary.query((files) => files.resolvePath('/large'));
    for (let index = 0; index < 20; index++) {
      const offset = index * 100 * blockBytes;
      const bytes = lab.random.bytes(blockBytes);
      content.set(bytes, offset);
      await lab.primary.change(1, (files) => {
        files.write(ino, offset, bytes);
      });
    }
    await lab.primary.takeCp();
  };
  return { content, change };
}

test('address blocks and inode blocks that change by a few pointers travel as what changed in them', async () => {
  await using lab = new MirrorLab();
  const { content, change } = await changedFile(lab);
  const before = { sent: lab.bytesFromPrimary, ...lab.relationship.status() };
  await change();
  await lab.untilIdentical();
  const after = lab.relationship.status();
  const record = lab.primary.cpHistory.at(-1)!;
  expect(record.addressBlocks).toBeGreaterThan(10);
  // Twenty blocks of new content and the root, and for all the rest together less than one block for each.
  expect(lab.bytesFromPrimary - before.sent).toBeLessThan((20 + 1 + record.addressBlocks / 2) * blockBytes);
  expect(after.blocksPushed - before.blocksPushed).toBe(record.bytes / blockBytes);
  expect(after.blocksPulled).toBe(before.blocksPulled);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'large'), content);
});

test('a mirror that has not the block of which another is made asks for it whole', async () => {
  await using lab = new MirrorLab();
  const { content, change } = await changedFile(lab);
  const { blocksPulled } = lab.relationship.status();
  // Every block that a change names is damaged on the mirror's device just before the change comes.
  let damaged = 0;
  lab.garble = (buffers) => {
    for (const frame of new FrameReader().push(Buffer.concat(buffers))) {
      const message = decodeMessage(frame);
      if (message.type !== 'changes') continue;
      lab.mirror.cache.clear();
      for (const { replacedVbn, replacedBirthCp } of message.changes) {
        if (replacedBirthCp === 0) continue;
        damaged++;
        void lab.mirror.store.writeRun(replacedVbn, [new Uint8Array(blockBytes).fill(0xee)]);
      }
    }
  };
  await change();
  await lab.until(() => lab.relationship.status().identical, 'an identical mirror');
  lab.garble = undefined;
  expect(damaged).toBeGreaterThan(10);
  expect(lab.relationship.status().blocksPulled - blocksPulled).toBe(damaged);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'large'), content);
});

test('what came as a change is entered without being read from the devices, in CP after CP', async () => {
  let blocksRead = 0;
  await using lab = new MirrorLab({
    wrapMirror: (device) => {
      const read = device.read.bind(device);
      return Object.assign(device, {
        read: (offsetBytes: number, buffers: readonly Uint8Array[]) => {
          blocksRead += bytesOf(buffers) / blockBytes;
          return read(offsetBytes, buffers);
        },
      });
    },
  });
  const { content, change } = await changedFile(lab);
  for (let round = 0; round < 5; round++) {
    const before = blocksRead;
    await change();
    await lab.untilIdentical();
    const { addressBlocks } = lab.primary.cpHistory.at(-1)!;
    expect(addressBlocks).toBeGreaterThan(10);
    expect(blocksRead - before).toBeLessThan(addressBlocks / 2);
  }
  lab.mirror.cache.clear();
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'large'), content);
});

test('blocks of inodes travel as changes also when long files fill the cache before they are written', async () => {
  await using lab = new MirrorLab({ cacheBytes: 80 * blockBytes });
  await lab.start();
  const [longFiles, smallFiles, changedBlocks] = [6, 480, 64];
  for (let index = 0; index < smallFiles; index++) await lab.put(`small ${index}`, lab.random.bytes(50));
  for (let index = 0; index < longFiles; index++) await lab.put(`long ${index}`, lab.random.bytes(4 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const before = lab.bytesFromPrimary;
  // One inode in each block of them, and most address blocks of the long files.
  for (let index = 0; index < smallFiles; index += 16) await lab.overwrite(`small ${index}`, lab.random.bytes(50));
  for (let index = 0; index < longFiles; index++) {
    const ino = await lab.primary.query((files) => files.resolvePath(`/long ${index}`));
    for (let block = 0; block < changedBlocks; block++) {
      await lab.primary.change(1, (files) => {
        files.write(ino, block * 16 * blockBytes, lab.random.bytes(blockBytes));
      });
    }
  }
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const record = lab.primary.cpHistory.at(-1)!;
  const newBlocks = longFiles * changedBlocks;
  expect(record.bytes / blockBytes - newBlocks).toBeGreaterThan(longFiles * 5 + smallFiles / 16);
  expect(lab.bytesFromPrimary - before).toBeLessThan((newBlocks + smallFiles / 32) * blockBytes);
});

test('blocks of 64 KiB travel as changes too', async () => {
  await using lab = new MirrorLab({ blockSizeBytes: 65_536, primaryBytes: 256 << 20 });
  await lab.start();
  await lab.put('file', lab.random.bytes(4 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const before = lab.bytesFromPrimary;
  await lab.overwrite('file', new Uint8Array(100).fill(7));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const record = lab.primary.cpHistory.at(-1)!;
  // The root is a block of its own; everything else together is less than another one.
  expect(lab.bytesFromPrimary - before).toBeLessThan(2 * 65_536);
  expect(record.bytes).toBeGreaterThan(4 * 65_536);
});
