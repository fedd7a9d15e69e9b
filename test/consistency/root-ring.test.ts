import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom, setBigU64, setU32, checksumOf } from '../../src-main/base/index.ts';
import { RootRing, rootPlaces, rootStrideBytes, systemFile } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import {
  encodeRootNode,
  formatVersion,
  inodeSlots,
  pointerBytes,
  type RootNode,
  rootNodeBytes,
  type SystemFileName,
  systemFileNames,
} from '../../src-main/format/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

const volumeId = new Uint8Array(16).fill(5);

function rootOf(cp: number, id = volumeId): Uint8Array {
  const empty = systemFile({ slots: new Uint8Array(inodeSlots * pointerBytes), height: 0, blockCount: 0 });
  return encodeRootNode({
    volumeId: id,
    blockSizeBytes: 4096,
    cp,
    epoch: 1,
    wallMs: 1000 + cp,
    blockCount: 1000,
    usedBlockCount: 10,
    nextInode: 2,
    freeInodeHead: 0,
    inodeCount: 1,
    requestSequence: 0,
    journalKey: new Uint8Array(16),
    journalOffsetBytes: 0,
    journalBatch: 1,
    allocationCursor: 0,
    setId: new Uint8Array(16),
    files: Object.fromEntries(systemFileNames.map((name) => [name, empty])) as Record<
      SystemFileName,
      RootNode['files'][SystemFileName]
    >,
  });
}

function newRing(): { areas: FaultyDevice[]; ring: RootRing } {
  const areas = [0, 1].map(() => new FaultyDevice(new MemoryDevice({ sizeBytes: rootPlaces * rootStrideBytes })));
  return { areas, ring: new RootRing(areas, volumeId) };
}

const placeOf = (cp: number): number => (cp % rootPlaces) * rootStrideBytes;

/** Overwrites part of a place, as a torn write leaves it. */
async function tear(area: FaultyDevice, cp: number, from: number, length: number): Promise<void> {
  await area.write(placeOf(cp) + from, [new SeededRandom(cp + from).bytes(length)]);
}

describe('the ring of root nodes', () => {
  it('is empty before the first CP', async () => {
    expect(await newRing().ring.newest()).toBe(undefined);
  });

  it('gives the newest root after any number of CPs, from both areas', async () => {
    const { ring } = newRing();
    for (let cp = 1; cp <= 40; cp++) {
      await ring.write(cp, rootOf(cp));
      const found = (await ring.newest())!;
      expect([found.root.cp, found.root.wallMs, found.damagedCopies]).toEqual([cp, 1000 + cp, 0]);
      expect(found.bytes).toEqual(rootOf(cp));
    }
  });

  it('gives the newest root when one of its copies is torn at any sector, and says so', async () => {
    for (let sector = 0; sector < 8; sector++) {
      for (const torn of [0, 1]) {
        const { areas, ring } = newRing();
        for (let cp = 1; cp <= 3; cp++) await ring.write(cp, rootOf(cp));
        await tear(areas[torn]!, 3, sector * 512, 512);
        const found = (await ring.newest())!;
        expect([found.root.cp, found.damagedCopies]).toEqual([3, 1]);
      }
    }
  });

  it('gives the root before when both copies of the newest are torn', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 20; cp++) await ring.write(cp, rootOf(cp));
    for (const area of areas) await tear(area, 20, 1024, 3072);
    expect((await ring.newest())!.root.cp).toBe(19);
  });

  it('gives the newest root when one area cannot be read at all', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 5; cp++) await ring.write(cp, rootOf(cp));
    areas[0]!.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'for-ever' });
    const found = (await ring.newest())!;
    expect([found.root.cp, found.damagedCopies]).toEqual([5, 1]);
  });

  it('says that the volume is damaged when there were roots and none is whole', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 2; cp++) await ring.write(cp, rootOf(cp));
    for (const area of areas) for (const cp of [1, 2]) await tear(area, cp, 0, 512);
    await expect(ring.newest()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-damaged'));
    for (const area of areas) area.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'for-ever' });
    await expect(ring.newest()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'volume-damaged'));
  });

  it('passes over roots of another volume', async () => {
    const { ring } = newRing();
    await ring.write(7, rootOf(7, new Uint8Array(16).fill(6)));
    expect(await ring.newest()).toBe(undefined);
    await ring.write(2, rootOf(2));
    expect((await ring.newest())!.root.cp).toBe(2);
  });

  it('refuses a root of a newer format, naming both versions', async () => {
    const { ring } = newRing();
    await ring.write(1, rootOf(1));
    const newer = rootOf(2);
    setU32(newer, 8, formatVersion + 1);
    setBigU64(newer, rootNodeBytes - 8, checksumOf(newer.subarray(0, rootNodeBytes - 8)));
    await ring.write(2, newer);
    await expect(ring.newest()).rejects.toSatisfy(
      (fault: unknown) =>
        isFault(fault, 'format-too-new') &&
        fault.message.includes(String(formatVersion)) &&
        fault.message.includes(String(formatVersion + 1)),
    );
  });

  it('clears a copy that cannot be read and may hide a newer root, before anybody goes on from an older one', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 20; cp++) await ring.write(cp, rootOf(cp));
    // CP 21 was being written: its first copy stands, its second does not.
    await areas[0]!.write(placeOf(21), [rootOf(21)]);
    areas[0]!.plan({ operation: 'read', nth: (21 % rootPlaces) + 1, error: 'EIO', repeat: 'once' });
    expect((await ring.settle())!.root.cp).toBe(20);
    expect((await ring.newest())!.root.cp).toBe(20);
  });

  it('clears a copy that is torn, which another root of its CP, torn as well, could make whole', async () => {
    const lost = rootOf(21);
    const other = lost.slice();
    other[600]! ^= 1;
    setBigU64(other, rootNodeBytes - 8, checksumOf(other.subarray(0, rootNodeBytes - 8)));
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 20; cp++) await ring.write(cp, rootOf(cp));
    // Of the lost root, the first sector is missing in one copy, and everything in the other. Of the next, that sector is all there is.
    await areas[0]!.write(placeOf(21) + 512, [lost.subarray(512)]);
    expect((await ring.settle())!.root.cp).toBe(20);
    await areas[0]!.write(placeOf(21), [other.subarray(0, 512)]);
    expect((await ring.newest())!.root.cp).toBe(20);
    // Roots of older CPs are left where they are.
    expect((await ring.marks()).map(({ cp }) => cp)).toEqual(Array.from({ length: 16 }, (_, index) => index + 5));
  });

  it('leaves a readable ring as it is, and the good copy of the newest root beside one that cannot be read', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 20; cp++) await ring.write(cp, rootOf(cp));
    areas[1]!.plan({ operation: 'read', nth: (20 % rootPlaces) + 1, error: 'EIO', repeat: 'once' });
    const writes = areas.map(({ counts }) => counts.write);
    expect((await ring.settle())!.root.cp).toBe(20);
    expect((await ring.settle())!.damagedCopies).toBe(0);
    expect(areas.map(({ counts }) => counts.write)).toEqual(writes);
  });

  it('refuses to go on where neither copy in a place can be read', async () => {
    const { areas, ring } = newRing();
    for (let cp = 1; cp <= 20; cp++) await ring.write(cp, rootOf(cp));
    for (const area of areas) area.plan({ operation: 'read', nth: (20 % rootPlaces) + 1, error: 'EIO', repeat: 'once' });
    await expect(ring.settle()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
    expect((await ring.settle())!.root.cp).toBe(20);
  });
});
