import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { createDevice, ImageFile, openDevice, probePath } from '../../src-main/device/index.ts';
import { deviceContract } from '../suites/device-contract.ts';
import { holdInAnotherProcess } from './holder-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

const mebibyte = 1_048_576;
const folder = temporaryFolder();
const isLinux = process.platform === 'linux';
let fileCount = 0;

function freshPath(): string {
  return join(folder, `image-${fileCount++}`);
}

for (const discard of ['ignore', 'punch'] as const) {
  deviceContract(`image file, discards: ${discard}`, () => {
    const path = freshPath();
    return {
      open: () => ImageFile.create(path, { sizeBytes: 8 * mebibyte, discard }),
      reopen: () => ImageFile.open(path, { discard }),
      cleanUp: () => {
        rmSync(path);
        return Promise.resolve();
      },
    };
  });
}

function allocatedBytes(path: string): number {
  return statSync(path).blocks * 512;
}

describe('creating an image file', () => {
  it('is sparse unless the room is to be taken at once', async () => {
    const sparse = freshPath();
    const full = freshPath();
    await using _sparse = await ImageFile.create(sparse, { sizeBytes: 64 * mebibyte });
    await using _full = await ImageFile.create(full, { sizeBytes: 4 * mebibyte, preallocate: true });
    expect(statSync(sparse).size).toBe(64 * mebibyte);
    expect(allocatedBytes(sparse)).toBeLessThan(mebibyte);
    expect(allocatedBytes(full)).toBeGreaterThanOrEqual(4 * mebibyte);
  });

  it('refuses to overwrite an existing file, whose bytes stay, unless told', async () => {
    const path = freshPath();
    writeFileSync(path, 'precious');
    await expect(ImageFile.create(path, { sizeBytes: mebibyte })).rejects.toMatchObject({ code: 'exists' });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    await using device = await ImageFile.create(path, { sizeBytes: mebibyte, overwrite: true });
    const bytes = new Uint8Array(512);
    await device.read(0, [bytes]);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('an image that is open is not overwritten', async () => {
    const path = freshPath();
    await using device = await ImageFile.create(path, { sizeBytes: mebibyte });
    await device.write(0, [new Uint8Array(512).fill(7)]);
    const again = ImageFile.create(path, { sizeBytes: mebibyte, overwrite: true });
    await expect(again).rejects.toMatchObject({ code: 'device-in-use' });
    expect(readFileSync(path)[0]).toBe(7);
  });

  it('names the folder that is missing', async () => {
    const path = join(folder, 'nowhere', 'image');
    const creating = ImageFile.create(path, { sizeBytes: mebibyte });
    await expect(creating).rejects.toMatchObject({ code: 'device-not-found' });
    await expect(creating).rejects.toThrow(path);
  });

  it.runIf(isLinux)('leaves nothing behind when the disk is full', async () => {
    const path = freshPath();
    const { bavail, bsize } = statfsSync(folder);
    const creating = ImageFile.create(path, { sizeBytes: bavail * bsize + 2 ** 30, preallocate: true });
    await expect(creating).rejects.toMatchObject({ code: 'device-full' });
    expect(existsSync(path)).toBe(false);
  });
});

describe('opening an image file', () => {
  it('refuses what is missing, empty, a directory or a pipe, each by its own code', async () => {
    const empty = freshPath();
    writeFileSync(empty, '');
    const directory = freshPath();
    mkdirSync(directory);
    await expect(ImageFile.open(freshPath())).rejects.toMatchObject({ code: 'device-not-found' });
    await expect(ImageFile.open(empty)).rejects.toMatchObject({ code: 'device-too-small' });
    await expect(ImageFile.open(directory)).rejects.toMatchObject({ code: 'device-unsuitable' });
    if (!isLinux) return;
    const pipe = freshPath();
    execFileSync('mkfifo', [pipe]);
    await expect(ImageFile.open(pipe, { readOnly: true })).rejects.toMatchObject({ code: 'device-unsuitable' });
  });

  it('a second opening in this process is refused until the first is closed', async () => {
    const path = freshPath();
    const first = await ImageFile.create(path, { sizeBytes: mebibyte });
    await expect(ImageFile.open(path)).rejects.toMatchObject({ code: 'device-in-use' });
    if (isLinux) await expect(ImageFile.open(path)).rejects.toThrow('this process');
    await first.close();
    await (await ImageFile.open(path)).close();
  });

  it('a holder in another process is named, and gone with it after kill -9', async () => {
    const path = freshPath();
    await (await ImageFile.create(path, { sizeBytes: mebibyte })).close();
    const holder = await holdInAnotherProcess(path);
    try {
      expect(holder.answer).toBe('held');
      const opening = ImageFile.open(path);
      await expect(opening).rejects.toMatchObject({ code: 'device-in-use' });
      if (isLinux) await expect(opening).rejects.toThrow(`process ${holder.pid} `);
    } finally {
      await holder.kill();
    }
    await using device = await ImageFile.open(path);
    const other = await holdInAnotherProcess(path);
    await other.kill();
    expect(other.answer).toContain(`refused ${device.name} is in use`);
  });

  it.runIf(isLinux)('the same file under another name is the same device', async () => {
    const path = freshPath();
    await using _device = await ImageFile.create(path, { sizeBytes: mebibyte });
    const moved = freshPath();
    renameSync(path, moved);
    await expect(ImageFile.open(moved)).rejects.toMatchObject({ code: 'device-in-use' });
  });

  it.runIf(isLinux)('read-only needs no lock and takes no write', async () => {
    const path = freshPath();
    await using writer = await ImageFile.create(path, { sizeBytes: mebibyte });
    await using reader = await ImageFile.open(path, { readOnly: true });
    await writer.write(0, [new Uint8Array(512).fill(3)]);
    const bytes = new Uint8Array(512);
    await reader.read(0, [bytes]);
    expect(bytes[0]).toBe(3);
    await expect(reader.write(0, [bytes])).rejects.toMatchObject({ code: 'not-permitted' });
    await expect(reader.discard(0, 512)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  it('a file cut behind its back gives a coded fault, not short bytes', async () => {
    const path = freshPath();
    await using device = await ImageFile.create(path, { sizeBytes: mebibyte });
    truncateSync(path, 4096);
    const reading = device.read(0, [new Uint8Array(8192)]);
    await expect(reading).rejects.toMatchObject({ code: 'device-io' });
    await expect(reading).rejects.toThrow(/at byte 4096 .*ended early/);
  });
});

describe('growing an image file', () => {
  it('gives more room of zeros and keeps what was there', async () => {
    const path = freshPath();
    await using device = await ImageFile.create(path, { sizeBytes: mebibyte });
    await device.write(mebibyte - 512, [new Uint8Array(512).fill(4)]);
    await device.grow(3 * mebibyte, { preallocate: true });
    expect(device.sizeBytes).toBe(3 * mebibyte);
    const bytes = new Uint8Array(1024);
    await device.read(mebibyte - 512, [bytes]);
    expect([bytes[0], bytes[511], bytes[512], bytes[1023]]).toEqual([4, 4, 0, 0]);
    await device.write(3 * mebibyte - 512, [new Uint8Array(512)]);
    await device.grow(mebibyte);
    expect(statSync(path).size).toBe(3 * mebibyte);
  });
});

describe.runIf(isLinux)('punching holes', () => {
  it('gives the room of discarded ranges back, small neighbours together, and never a byte written since', async () => {
    const path = freshPath();
    const sizeBytes = 32 * mebibyte;
    const device = await ImageFile.create(path, { sizeBytes, discard: 'punch' });
    const bytes = new SeededRandom(3).bytes(mebibyte);
    for (let at = 0; at < sizeBytes; at += mebibyte) await device.write(at, [bytes]);
    await device.flush();
    expect(allocatedBytes(path)).toBeGreaterThanOrEqual(sizeBytes);
    const kept = 5 * mebibyte + 4096;
    const blocks = Array.from({ length: (24 * mebibyte) / 4096 }, (_, index) => index * 4096);
    const rewrite = new Uint8Array(4096).fill(9);
    for (const at of blocks) {
      await device.discard(at, 4096);
      if (at === kept) await device.write(kept, [rewrite]);
    }
    const late = 10 * mebibyte;
    await device.write(late, [rewrite]);
    await device.close();
    expect(allocatedBytes(path)).toBeLessThan(10 * mebibyte);
    const content = readFileSync(path);
    expect(content.subarray(kept, kept + 4096).every((byte) => byte === 9)).toBe(true);
    expect(content.subarray(late, late + 4096).every((byte) => byte === 9)).toBe(true);
    expect(Buffer.compare(content.subarray(24 * mebibyte, 25 * mebibyte), bytes)).toBe(0);
  });
});

describe('a path', () => {
  it('is told for what it is', () => {
    const file = freshPath();
    writeFileSync(file, 'x');
    expect(probePath(file)).toBe('file');
    expect(probePath(folder)).toBe('directory');
    expect(probePath(freshPath())).toBe('missing');
    expect(probePath(join(file, 'below'))).toBe('missing');
    if (isLinux) expect(probePath('/dev/null')).toBe('other');
  });

  it('leads to an image file by creating and opening, and to a coded fault where it cannot', async () => {
    const path = freshPath();
    await (await createDevice(path, { sizeBytes: mebibyte })).close();
    await using device = await openDevice(path);
    expect(device.sizeBytes).toBe(mebibyte);
    await expect(openDevice(folder)).rejects.toMatchObject({ code: 'device-unsuitable' });
    await expect(createDevice(folder, { sizeBytes: mebibyte })).rejects.toMatchObject({ code: 'device-unsuitable' });
    await expect(openDevice(freshPath())).rejects.toMatchObject({ code: 'device-not-found' });
    await expect(createDevice(freshPath())).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
