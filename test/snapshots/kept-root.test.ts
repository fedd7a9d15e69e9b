import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import {
  cpOfKey,
  decodeKeptRoot,
  encodeKeptRoot,
  holdLabelBytesMax,
  holdsMax,
  type KeptRoot,
  nameKey,
  namesMax,
  snapshotNameBytesMax,
  tableKey,
} from '../../src-main/snapshots/index.ts';
import { entryBytesMax, keyBytesMax } from '../../src-main/tree/index.ts';
import { randomInode } from '../format/random-inode.ts';

function randomRow(random: SeededRandom): KeptRoot {
  const text = (): string => Array.from({ length: random.below(20) }, () => random.pick(['a', '9', 'ß', '日', ' '])).join('');
  const u48 = (): number => Math.floor(random.next() * 2 ** 48);
  return {
    cp: u48(),
    wallMs: u48(),
    names: Array.from({ length: random.below(namesMax + 1) }, text),
    holds: Array.from({ length: random.below(holdsMax + 1) }, text),
    isBase: random.chance(0.5),
    deletedAtCp: u48(),
    inodeCount: u48(),
    usedBlockCount: u48(),
    inodes: randomInode(random),
  };
}

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

  it('of noise gives values in range or a coded fault (100,000 rounds)', () => {
    const random = new SeededRandom(3);
    const whole = encodeKeptRoot(randomRow(random));
    let refused = 0;
    for (let round = 0; round < 100_000; round++) {
      const bytes = random.chance(0.1) ? random.bytes(random.below(400)) : whole.slice(0, whole.length - random.below(5));
      for (let count = random.below(5); count > 0 && bytes.length > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        const row = decodeKeptRoot(bytes);
        if (row.names.length > 255 || row.holds.length > 255 || row.inodes.height > 7) expect.fail(`round ${round}`);
      } catch (fault) {
        if (!isFault(fault, 'volume-damaged')) throw fault;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
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
    }
  });
});
