import { describe, expect, test } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks, rootDirectoryInode as top, writeBytesMax } from '../../src-main/files/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { MemoryFiles, plain } from './memory-files.ts';

const blockSizeBytes = 4096;

describe('file content', () => {
  test('of up to 144 bytes takes no block, and moves out when it grows', () => {
    const memory = new MemoryFiles();
    const { files, context } = memory;
    const ino = files.createFile(top, 'small', plain);
    const before = context.pool.takenCount;
    files.write(ino, 0, new Uint8Array(144).fill(1));
    files.truncate(ino, 5_000_000);
    expect(context.pool.takenCount).toBe(before);
    expect(files.stat(ino).allocatedBytes).toBe(0);
    files.write(ino, 144, new Uint8Array(1).fill(2));
    expect(context.pool.takenCount).toBe(before + 1);
    expect(files.stat(ino).allocatedBytes).toBe(blockSizeBytes);
    files.truncate(ino, 0);
    expect(context.pool.takenCount).toBe(before);
    files.write(ino, 10, new Uint8Array(1).fill(2));
    expect(context.pool.takenCount).toBe(before);
  });

  test('that never was written reads as zeros and takes no room, also in a file of a tebibyte', async () => {
    const { files, context } = new MemoryFiles();
    const ino = files.createFile(top, 'sparse', plain);
    const before = context.pool.takenCount;
    files.write(ino, 2 ** 40, new Uint8Array([1, 2, 3]));
    expect(context.pool.takenCount - before).toBe(1);
    const target = new Uint8Array(10).fill(9);
    expect(await files.readInto(ino, 2 ** 39, target)).toBe(10);
    expect(target).toEqual(new Uint8Array(10));
    expect(await files.readInto(ino, 2 ** 40 + 1, target)).toBe(2);
    expect(await files.readInto(ino, 2 ** 41, target)).toBe(0);
    expect(await files.seekData(ino, 0)).toBe(2 ** 40);
    expect(await files.seekHole(ino, 0)).toBe(0);
    expect(await files.seekHole(ino, 2 ** 40)).toBe(2 ** 40 + 3);
    expect(await files.seekData(ino, 2 ** 40 + 3)).toBeUndefined();
    expect(await files.seekHole(ino, 2 ** 40 + 3)).toBeUndefined();
  });

  test('keeps nothing behind the end: bytes cut off are zeros when the file grows again', async () => {
    const { files } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    files.write(ino, 0, new Uint8Array(10_000).fill(7));
    files.truncate(ino, 5000);
    files.truncate(ino, 10_000);
    const bytes = new Uint8Array(10_000);
    await files.readInto(ino, 0, bytes);
    expect(bytes.subarray(0, 5000).every((byte) => byte === 7)).toBe(true);
    expect(bytes.subarray(5000).every((byte) => byte === 0)).toBe(true);
  });

  test('in an inode is replaced, never changed, so that a CP under way keeps what it took', () => {
    const { files, table } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    files.write(ino, 0, new Uint8Array(100).fill(1));
    const taken = table.get(ino).fields.inlineContent!;
    files.punchHole(ino, 0, 10);
    files.write(ino, 5, new Uint8Array(10).fill(2));
    files.truncate(ino, 20);
    files.write(ino, 10, new Uint8Array(1000));
    expect(taken).toEqual(new Uint8Array(100).fill(1));
  });

  test('allocation sets the size, unless told to keep it', () => {
    const { files } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    files.allocate(ino, { offsetBytes: 100, lengthBytes: 900, keepSize: true });
    expect(files.stat(ino).sizeBytes).toBe(0);
    files.allocate(ino, { offsetBytes: 100, lengthBytes: 900 });
    expect(files.stat(ino).sizeBytes).toBe(1000);
    files.allocate(ino, { offsetBytes: 0, lengthBytes: 10 });
    expect(files.stat(ino).sizeBytes).toBe(1000);
  });

  test('beyond the largest file size is refused, and changes nothing', () => {
    const { files } = new MemoryFiles();
    const ino = files.createFile(top, 'f', plain);
    for (const change of [
      () => files.write(ino, Number.MAX_SAFE_INTEGER - 100, new Uint8Array(50)),
      () => files.truncate(ino, Number.MAX_SAFE_INTEGER),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: 'file-too-large' }));
    }
    expect(files.stat(ino).sizeBytes).toBe(0);
    expect(() => files.write(top, 0, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'is-a-directory' }));
  });
});

describe('file content on devices', () => {
  test('is read whole and in parts, through the cache and past it', async () => {
    const home = new MemoryHome({ volume: { cacheBytes: 1 } });
    await using volume = await home.create();
    const content = home.random.bytes(3 << 20);
    const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, 'f', plain));
    for (let offset = 0; offset < content.length; offset += writeBytesMax) {
      const part = content.subarray(offset, offset + writeBytesMax);
      await volume.change(changeBlocks.write(part.length, blockSizeBytes), (files) => files.write(ino, offset, part));
    }
    await volume.takeCp();
    await volume.change(changeBlocks.punchHole, (files) => files.punchHole(ino, 1_000_000, 300_000));
    content.fill(0, 1_000_000, 1_300_000);
    await volume.takeCp();
    await volume.change(changeBlocks.write(5000, blockSizeBytes), (files) => files.write(ino, 2_000_000, new Uint8Array(5000).fill(1)));
    content.fill(1, 2_000_000, 2_005_000);
    const random = new SeededRandom(5);
    for (let round = 0; round < 300; round++) {
      const offset = random.below(content.length);
      const target = new Uint8Array(random.chance(0.5) ? random.below(20_000) : random.below(content.length)).fill(255);
      const count = await volume.readInto(ino, offset, target);
      expect(count).toBe(Math.min(target.length, content.length - offset));
      expect(Buffer.compare(target.subarray(0, count), content.subarray(offset, offset + count)), `round ${round}`).toBe(0);
      expect(target.subarray(count).every((byte) => byte === 255)).toBe(true);
    }
    const firstHole = 245 * blockSizeBytes;
    const { files } = await volume.query((live) => ({ files: live }));
    expect(await files.seekHole(ino, 0)).toBe(firstHole);
    expect(await files.seekData(ino, firstHole)).toBe(317 * blockSizeBytes);
    expect(await files.seekHole(ino, 317 * blockSizeBytes)).toBe(content.length);
  });

  test('that has rotted is refused with a code, in short reads and long ones', async () => {
    const home = new MemoryHome({ volume: { cacheBytes: 1 } });
    const volume = await home.create();
    const content = new Uint8Array(writeBytesMax).fill(0xa7);
    const ino = await volume.change(changeBlocks.create, (files) => files.createFile(top, 'f', plain));
    await volume.change(changeBlocks.write(content.length, blockSizeBytes), (files) => files.write(ino, 0, content));
    await volume.close();
    await using again = await home.open();
    const device = home.devices[0]!;
    const sector = new Uint8Array(512);
    let hit = 0;
    for (let offset = 0; offset < device.sizeBytes && hit === 0; offset += blockSizeBytes) {
      await device.read(offset, [sector]);
      if (!sector.every((byte) => byte === 0xa7)) continue;
      await device.write(offset, [sector.fill(0xa6)]);
      hit = offset;
    }
    expect(hit).toBeGreaterThan(0);
    for (const read of [() => again.readInto(ino, 0, new Uint8Array(100)), () => again.readInto(ino, 0, new Uint8Array(content.length))]) {
      await expect(read()).rejects.toSatisfy((thrown) => isFault(thrown, 'checksum-mismatch'));
    }
    expect(await again.readInto(ino, 900_000, new Uint8Array(100))).toBe(100);
  });
});
