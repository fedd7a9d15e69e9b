import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { AttachedDrive, type Device, DeviceSet, ImageFile, MemoryDevice } from '../../src-main/device/index.ts';
import { DescriptorDevice } from '../../src-main/device/descriptor-device.ts';
import { MirrorVolume } from '../../src-main/volume/index.ts';
import { testSeed } from '../seed.ts';
import { deviceContract } from '../suites/device-contract.ts';
import { attachLoopDevice, hasProgram, whyNoLoopDevices } from './loop-device.ts';
import { temporaryFolder } from './temporary-folder.ts';

const mebibyte = 1 << 20;
const pageBytes = 4096;
const folder = temporaryFolder();
const isLinux = process.platform === 'linux';
const noLoops = whyNoLoopDevices();
const mayMount = isLinux && process.getuid?.() === 0;
let fileCount = 0;

function freshPath(): string {
  return join(folder, `direct-${fileCount++}`);
}

async function makeImage(path: string, sizeBytes: number): Promise<ImageFile> {
  const image = await ImageFile.create(path, { sizeBytes });
  image.expectFewReads();
  return image;
}

/** Bytes of a file that the system holds in memory. */
function heldBytes(path: string): number {
  return Number(execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', path], { encoding: 'utf8' }));
}

deviceContract('image file that is seldom read', () => {
  const path = freshPath();
  return {
    open: () => makeImage(path, 8 * mebibyte),
    async reopen() {
      const image = await ImageFile.open(path);
      image.expectFewReads();
      return image;
    },
    async cleanUp() {
      rmSync(path);
    },
  };
});

/** Writes of all lengths, many at a time and none over another that is under way, with reads and flushes in between. */
async function writeAtRandom(device: Device, rounds: number): Promise<void> {
  const random = new SeededRandom(testSeed);
  const content = new Uint8Array(device.sizeBytes);
  for (let round = 0; round < rounds; round++) {
    const writes: Promise<void>[] = [];
    for (let at = 0; at < device.sizeBytes; ) {
      const isLong = random.chance(0.3);
      const unit = random.chance(0.1) ? 512 : pageBytes;
      const pieces = Array.from({ length: 1 + random.below(isLong ? 300 : 8) }, () => random.bytes(unit));
      const lengthBytes = pieces.length * unit;
      if (at + lengthBytes > device.sizeBytes) break;
      if (random.chance(0.7)) {
        pieces.forEach((piece, index) => {
          content.set(piece, at + index * unit);
        });
        writes.push(device.write(at, pieces));
      }
      at = Math.ceil((at + lengthBytes) / unit) * unit;
    }
    if (random.chance(0.5)) writes.push(device.flush());
    await Promise.all(writes);
    const found = new Uint8Array(device.sizeBytes);
    await device.read(0, [found]);
    expect(Buffer.compare(found, content), `seed ${testSeed}, round ${round}`).toBe(0);
  }
  await device.flush();
}

describe('a device that is seldom read', () => {
  it.runIf(isLinux && hasProgram('fincore'))('takes long writes past the memory of the system, and short ones through it', async () => {
    const path = freshPath();
    await using image = await makeImage(path, 16 * mebibyte);
    await image.write(pageBytes, Array.from({ length: 256 }, (_, index) => new Uint8Array(pageBytes).fill(index)));
    await image.write(4 * mebibyte, [new Uint8Array(3 * mebibyte).fill(9)]);
    expect(heldBytes(path)).toBe(0);
    await image.write(8 * mebibyte, [new Uint8Array(pageBytes).fill(1)]);
    await image.write(9 * mebibyte + 512, [new Uint8Array(128 << 10).fill(2)]);
    expect(heldBytes(path)).toBeGreaterThanOrEqual(33 * pageBytes);
    const bytes = readFileSync(path);
    expect([0, 1, 255].map((index) => bytes[(index + 1) * pageBytes])).toEqual([0, 1, 255]);
    expect([4, 7].map((at) => bytes[at * mebibyte])).toEqual([9, 0]);
    expect([bytes[8 * mebibyte], bytes[9 * mebibyte + 511], bytes[9 * mebibyte + 512]]).toEqual([1, 0, 2]);
  });

  it('holds what was written, however long and short writes mix', async () => {
    await using image = await makeImage(freshPath(), 24 * mebibyte);
    await writeAtRandom(image, 12);
  });

  it.skipIf(noLoops !== undefined)('so does a drive', async () => {
    const loop = attachLoopDevice(freshPath(), 24 * mebibyte);
    try {
      await using drive = await AttachedDrive.open(loop.path, { erase: true });
      drive.expectFewReads();
      await writeAtRandom(drive, 6);
    } finally {
      loop.detach();
    }
  });

  it.skipIf(noLoops !== undefined)('so does a drive of larger sectors, which refuses what is no whole sector', async (context) => {
    const loop = attachLoopDevice(freshPath(), 24 * mebibyte);
    try {
      try {
        execFileSync('losetup', ['--sector-size', '16384', loop.path], { stdio: 'pipe' });
      } catch {
        return context.skip('this system has no such sectors');
      }
      await using drive = await AttachedDrive.open(loop.path, { erase: true });
      drive.expectFewReads();
      await writeAtRandom(drive, 3);
    } finally {
      loop.detach();
    }
  });

  it.runIf(isLinux)('is written as ever where nothing can be written past memory', async () => {
    const device = new DescriptorDevice({ name: 'null', fd: openSync('/dev/null', 'r+'), sizeBytes: mebibyte, readOnly: false });
    device.expectFewReads();
    await device.write(0, [new Uint8Array(mebibyte)]);
    await device.close();
  });

  it.runIf(mayMount)('says when there is no room for a long write', async () => {
    const place = freshPath();
    mkdirSync(place);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place]);
    try {
      await using image = await makeImage(join(place, 'image'), 8 * mebibyte);
      await image.write(0, [new Uint8Array(mebibyte)]);
      const writing = image.write(mebibyte, [new Uint8Array(4 * mebibyte).fill(1)]);
      await expect(writing).rejects.toMatchObject({ code: 'device-full' });
      await expect(writing).rejects.toThrow(join(place, 'image'));
    } finally {
      execFileSync('umount', [place]);
    }
  });
});

describe('a set that is seldom read', () => {
  it('is that of a mirror, with all devices that come into it', async () => {
    const random = new SeededRandom(1);
    const told: string[] = [];
    const device = (name: string): MemoryDevice => {
      const memory = new MemoryDevice({ name, sizeBytes: 8 * mebibyte });
      return Object.assign(memory, { expectFewReads: () => told.push(name) });
    };
    const options = { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes: pageBytes, journalBytes: 1 << 16, random };
    const set = await DeviceSet.create([device('first'), device('second')], options);
    expect(told).toEqual([]);
    await using mirror = await MirrorVolume.create(set, { name: 'mirror' });
    expect(told).toEqual(['first', 'second']);
    await mirror.grow(device('third'));
    await set.replaceDevice({ index: 0, device: device('fourth'), commit: async () => undefined });
    expect(told).toEqual(['first', 'second', 'third', 'fourth']);
  });
});
