import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../src-main/base/index.ts';
import { type Device, readLabel } from '../../src-main/device/index.ts';
import { reportDamage, walkBlocks } from '../../src-main/volume/index.ts';
import { MirrorLab } from '../replication/mirror-lab.ts';
import { testSeed } from '../seed.ts';
import { dataOffset, flip, scrub, usedBlocks } from './scrubbing.ts';

const size = 4096;

/** A primary and an identical mirror with folders, a large file, snapshots, and removed files that only these have. */
async function richPair(seed = 1): Promise<MirrorLab> {
  const lab = new MirrorLab({ primaryBytes: 24 << 20, seed });
  await lab.start();
  for (let round = 0; round < 4; round++) await changeRound(lab, round);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  return lab;
}

async function changeRound(lab: MirrorLab, round: number): Promise<void> {
  for (let file = 0; file < 6; file++) await lab.put(`file-${round}-${file}`, lab.random.bytes(file * 5000));
  await lab.put(`large-${round}`, lab.random.bytes(900_000));
  await lab.primary.createSnapshot(`snap-${round}`);
  await lab.remove(`large-${round}`);
  await lab.remove(`file-${round}-3`);
  await lab.overwrite(`file-${round}-5`, lab.random.bytes(25_000));
}

async function imageOf(device: Device): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.sizeBytes);
  await device.read(0, [bytes]);
  return bytes;
}

describe('a scrub', () => {
  it('proves every block in use of the last CP and of every snapshot, and finds nothing in a whole volume, on either side', async () => {
    const lab = await richPair();
    for (const volume of [lab.primary, lab.mirror]) {
      const used = await usedBlocks(volume.scrubbing);
      const state = await scrub(volume);
      expect(state.verifiedBlocks).toBe(used.length);
      expect([state.healedBlocks, state.servedBlocks, state.lostBlocks, state.mendedCopies]).toEqual([0, 0, 0, 0]);
    }
    await lab.close();
  });

  it('detects every bit of every metadata block that is flipped', async () => {
    const lab = await richPair();
    const device = lab.primaryDevice;
    const start = await dataOffset(device);
    let bits = 0;
    let missed = 0;
    for (const { vbn, checksum, isMetadata } of await usedBlocks(lab.primary.scrubbing)) {
      if (!isMetadata) continue;
      const bytes = new Uint8Array(size);
      await device.read(start + vbn * size, [bytes]);
      for (let bit = 0; bit < size * 8; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        if (checksumOf(bytes) === checksum) missed++;
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        bits++;
      }
    }
    expect(bits).toBeGreaterThan(1_000_000);
    expect(missed).toBe(0);
    await lab.close();
  });

  it.each(['primary', 'mirror'] as const)('of the %s heals every block in use from the other side, whichever bit of it is flipped', async (side) => {
    const seed = testSeed;
    const lab = await richPair(seed);
    const volume = lab[side];
    const used = await usedBlocks(volume.scrubbing);
    const device = side === 'primary' ? lab.primaryDevice : lab.mirrorDevice;
    const start = await dataOffset(device);
    for (const { vbn } of used) await flip(device, start + vbn * size, lab.random.below(size * 8));
    const state = await scrub(volume);
    expect(state, `seed ${seed}`).toMatchObject({ healedBlocks: used.length, servedBlocks: 0, lostBlocks: 0 });
    lab.cut();
    expect((await volume.check()).problems).toEqual([]);
    expect((await scrub(volume)).verifiedBlocks).toBe(used.length);
    await lab.close();
  });

  it('heals nothing from a bad copy: what is bad on both sides stays as it is, and is counted as lost', async () => {
    const lab = await richPair(3);
    const used = (await usedBlocks(lab.mirror.scrubbing)).filter(({ isMetadata }) => !isMetadata);
    const start = await dataOffset(lab.primaryDevice);
    const both = used.filter((_, index) => index % 3 === 0);
    for (const { vbn } of used) await flip(lab.primaryDevice, start + vbn * size, 99);
    for (const { vbn } of both) await flip(lab.mirrorDevice, start + vbn * size, 99);
    const state = await scrub(lab.primary);
    expect(state).toMatchObject({ healedBlocks: used.length - both.length, servedBlocks: 0, lostBlocks: both.length });
    const bytes = new Uint8Array(size);
    for (const { vbn, checksum } of both) {
      await lab.primaryDevice.read(start + vbn * size, [bytes]);
      expect(checksumOf(bytes)).not.toBe(checksum);
    }
    await lab.close();
  });

  it.each(['primary', 'mirror'] as const)('of the %s detects and heals every block in use that was written elsewhere, never, or only long ago', async (side) => {
    const lab = await richPair(4);
    const device = side === 'primary' ? lab.primaryDevice : lab.mirrorDevice;
    const start = await dataOffset(device);
    const earlier = await imageOf(device);
    // The places of some blocks hold others by now.
    for (let round = 4; round < 8; round++) await changeRound(lab, round);
    await lab.primary.takeCp();
    await lab.untilIdentical();
    const now = await imageOf(device);
    const used = await usedBlocks(lab[side].scrubbing);
    const at = (image: Uint8Array, vbn: number): Uint8Array => image.subarray(start + vbn * size, start + (vbn + 1) * size);
    const damages = {
      misdirected: (index: number) => at(now, used[(index + 1) % used.length]!.vbn),
      lost: () => new Uint8Array(size),
      stale: (index: number) => at(earlier, used[index]!.vbn),
    };
    for (const damage of Object.values(damages)) {
      const changed = used.filter(({ checksum }, index) => checksum !== checksumOf(damage(index)));
      expect(changed.length).toBeGreaterThan(10);
      for (const [index, { vbn }] of used.entries()) await device.write(start + vbn * size, [damage(index)]);
      expect(await scrub(lab[side])).toMatchObject({ healedBlocks: changed.length, servedBlocks: 0, lostBlocks: 0 });
    }
    lab.cut();
    expect((await lab[side].check()).problems).toEqual([]);
    await lab.close();
  });

  it.each(['primary', 'mirror'] as const)('of the %s writes bad copies of the root node and of the labels anew', async (side) => {
    const lab = await richPair(5);
    const volume = lab[side];
    const device = side === 'primary' ? lab.primaryDevice : lab.mirrorDevice;
    const { set } = (await readLabel(device)).label;
    const [, areaB] = set.rootAreaOffsetsBytes;
    await flip(device, areaB + (volume.scrubbing.root.cp % 16) * 65_536, 333);
    await flip(device, 17 * 65_536, 80);
    expect((await scrub(volume)).mendedCopies).toBe(2);
    expect((await scrub(volume)).mendedCopies).toBe(0);
    expect((await readLabel(device)).staleCopies).toEqual([]);
    await lab.close();
  });

  it('goes on where it was, in stretches of any length, while the volume changes and roots go, and misses nothing that stays', async () => {
    const lab = await richPair(6);
    const before = new Map((await usedBlocks(lab.primary.scrubbing)).map((one) => [one.vbn, one]));
    const start = await dataOffset(lab.primaryDevice);
    let round = 0;
    const state = await scrub(lab.primary, {
      stretch: 40,
      between: async () => {
        round++;
        if (round === 6) await lab.primary.deleteSnapshot('snap-1');
        if (round % 4 === 0) {
          await lab.overwrite('file-2-5', lab.random.bytes(25_000));
          await lab.primary.takeCp();
        }
        if (round === 3) {
          // What is flipped now is met later in this pass, or is not in use any more at its end.
          await lab.untilIdentical();
          for (const { vbn } of before.values()) await flip(lab.primaryDevice, start + vbn * size, 5);
        }
      },
    });
    expect(round).toBeGreaterThan(8);
    expect(state.healedBlocks).toBeGreaterThan(before.size / 2);
    await lab.untilIdentical();
    lab.cut();
    const left = (await lab.primary.check()).problems.filter(({ code }) => code === 'unreadable');
    // Only what the three stretches before had proven can still be bad.
    expect(left.length).toBeLessThanOrEqual(3 * 60);
    await lab.close();
  });
});

describe('damage that nobody can heal', () => {
  it('is told by the files, folders and snapshots that it hits', async () => {
    const lab = new MirrorLab({ primaryBytes: 16 << 20 });
    await lab.start();
    const kept = lab.random.bytes(40_000);
    await lab.put('kept', kept);
    const replaced = lab.random.bytes(40_000);
    await lab.put('replaced', replaced);
    await lab.put('sound', lab.random.bytes(40_000));
    await lab.primary.createSnapshot('monday');
    await lab.overwrite('replaced', lab.random.bytes(40_000));
    await lab.primary.createSnapshot('tuesday');
    await lab.remove('sound');
    await lab.primary.takeCp();
    await lab.untilIdentical();
    const start = await dataOffset(lab.primaryDevice);
    const used = await usedBlocks(lab.primary.scrubbing);
    const holding = (content: Uint8Array): number => used.find(({ checksum }) => checksum === checksumOf(content.subarray(0, size)))!.vbn;
    for (const content of [kept, replaced]) {
      await flip(lab.primaryDevice, start + holding(content) * size, 1);
      await flip(lab.mirrorDevice, start + holding(content) * size, 1);
    }
    for (const [volume, label] of [[lab.primary, 'live'], [lab.mirror, 'last']] as const) {
      const state = await scrub(volume);
      expect(state.lostBlocks).toBe(2);
      const report = await reportDamage(volume.scrubbing, state.damage, label);
      expect(report.maps).toEqual([]);
      expect(new Map(report.files.map(({ path, states }) => [path, states]))).toEqual(
        new Map([
          ['/kept', ['@monday', '@tuesday', label]],
          ['/replaced', ['@monday']],
        ]),
      );
    }
    await lab.close();
  });

  it('in a block of inodes hits every file of that block, and in a map the map', async () => {
    const lab = new MirrorLab({ primaryBytes: 16 << 20 });
    await lab.start();
    for (let file = 0; file < 40; file++) await lab.put(`file-${file}`, new Uint8Array(100).fill(file));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    const { root } = lab.primary;
    const start = await dataOffset(lab.primaryDevice);
    const firstOf = async (name: 'inodes' | 'freeMap', index: number): Promise<number> => {
      let vbn = -1;
      await walkBlocks(lab.primary.geometry, root.files[name], {
        afterCp: 0,
        read: ({ pointers, firstIndices, level }) => {
          if (level === 0) vbn = pointers.vbn(firstIndices.indexOf(index));
          return Promise.resolve('stop');
        },
      });
      return vbn;
    };
    for (const vbn of [await firstOf('inodes', 1), await firstOf('freeMap', 0)]) {
      await flip(lab.primaryDevice, start + vbn * size, 1);
      await flip(lab.mirrorDevice, start + vbn * size, 1);
    }
    const state = await scrub(lab.mirror);
    const report = await reportDamage(lab.mirror.scrubbing, state.damage, 'last');
    expect(report.maps).toEqual(['freeMap']);
    // The root directory is inode 1, so inodes 16 to 31 are these.
    expect(report.files.map(({ path }) => path).sort()).toEqual(Array.from({ length: 16 }, (_, index) => `/file-${14 + index}`).sort());
    await lab.close();
  });
});
