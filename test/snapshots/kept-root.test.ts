import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import {
  cpOfKey,
  decodeKeptRoot,
  decodeNamed,
  encodeKeptRoot,
  encodeNamed,
  holdLabelBytesMax,
  holdsMax,
  nameKey,
  nameOfKey,
  namesMax,
  snapshotNameBytesMax,
  tableKey,
} from '../../src-main/snapshots/index.ts';
import { emptyInode, inodeSlots, pointerBytes, treeHeightMax } from '../../src-main/format/index.ts';
import { entryBytesMax, keyBytesMax } from '../../src-main/tree/index.ts';
import { randomRow } from './random-row.ts';

describe('a row of the snapshot table', () => {
  it('is read as it was written', () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 1000; round++) {
      const row = randomRow(random);
      expect(decodeKeptRoot(encodeKeptRoot(row))).toEqual(row);
    }
  });

  it('fits an entry of the smallest block with the longest names and holds there can be', () => {
    const row = randomRow(new SeededRandom(2));
    row.names = Array<string>(namesMax).fill('n'.repeat(snapshotNameBytesMax));
    row.holds = Array<string>(holdsMax).fill('h'.repeat(holdLabelBytesMax));
    const bytes = encodeKeptRoot(row);
    expect(bytes.length + tableKey('row', 1).length).toBeLessThanOrEqual(entryBytesMax(4096));
    expect(nameKey('n'.repeat(snapshotNameBytesMax)).length).toBeLessThanOrEqual(keyBytesMax);
    expect(decodeKeptRoot(bytes)).toEqual(row);
  });
});

describe("a name's entry in the snapshot table", () => {
  it('is read as it was written, with what a view shows of the row', () => {
    const random = new SeededRandom(3);
    for (let round = 0; round < 1000; round++) {
      const { cp, wallMs, inodeCount, inodes } = randomRow(random);
      const { height, sizeBytes, blockCount, slots } = inodes;
      const slotCount = random.below(inodeSlots + 1);
      slots.fill(0, slotCount * pointerBytes);
      const entry = encodeNamed({ cp, wallMs, inodeCount, inodes });
      expect(entry.length).toBeLessThanOrEqual(36 + slotCount * pointerBytes);
      expect(decodeNamed(entry)).toEqual({ cp, wallMs, inodeCount, inodes: { ...emptyInode('system'), height, sizeBytes, blockCount, slots } });
    }
  });

  it('is the CP alone where the first programs wrote it', () => {
    const entry = encodeNamed({ ...randomRow(new SeededRandom(4)), cp: 0x0605_0403_0201 });
    expect(decodeNamed(entry.subarray(0, 6))).toBe(0x0605_0403_0201);
  });

  it('is refused with another length than it says, and with values out of range', () => {
    const entry = encodeNamed(randomRow(new SeededRandom(5)));
    const refused = (bytes: Uint8Array): void => expect(() => decodeNamed(bytes)).toThrow(expect.objectContaining({ code: 'volume-damaged' }));
    for (let length = 0; length < entry.length; length++) if (length !== 6) refused(entry.subarray(0, length));
    refused(Uint8Array.of(...entry, 0));
    for (const [offset, value] of [
      [6, treeHeightMax + 1],
      [7, inodeSlots + 1],
      [34, 0x20],
    ] as const) refused(entry.with(offset, value));
  });
});

describe('keys of the snapshot table', () => {
  it('sort by kind, and by CP within a kind', () => {
    const random = new SeededRandom(4);
    const cps = Array.from({ length: 200 }, () => Math.floor(random.next() * 2 ** 48)).sort((a, b) => a - b);
    for (const kind of ['row', 'base', 'doomed'] as const) {
      const keys = cps.map((cp) => tableKey(kind, cp));
      expect(keys.map((key) => cpOfKey(key, kind))).toEqual(cps);
      expect([...keys].sort((a, b) => Buffer.compare(a, b))).toEqual(keys);
      for (const other of ['row', 'base', 'doomed'] as const) {
        if (other !== kind) expect(cpOfKey(keys[0]!, other)).toBe(undefined);
      }
    }
  });

  it('of names are not taken for CPs, whatever the name', () => {
    for (const name of ['c', 'abcdef', 'b12345', 'd23456']) {
      for (const kind of ['row', 'base', 'doomed'] as const) expect(cpOfKey(nameKey(name), kind)).toBe(undefined);
      expect(nameOfKey(nameKey(name))).toBe(name);
    }
    expect(nameOfKey(tableKey('row', 1))).toBe(undefined);
  });
});
