import { describe, expect, it } from 'vitest';
import { type ExistingEntry, planImport } from '../../src-main/engine/import-plan.ts';
import type { LocalStat } from '../../src-main/engine/index.ts';
import { partsOfData } from '../../src-main/engine/sparse.ts';

const local: LocalStat = {
  kind: 'file',
  mode: 0o644,
  uid: 1,
  gid: 2,
  sizeBytes: 10,
  modifiedNs: 5n,
  linkCount: 1,
  identity: '1:1',
  bornNs: 1n,
};
const existing: ExistingEntry = { ino: 9, kind: 'file', mode: 0o644, uid: 1, gid: 2, sizeBytes: 10, modifiedNs: 5n };

describe('the plan for a local entry', () => {
  it.each([
    ['a name that is free', local, undefined, 'create'],
    ['the same file', local, existing, 'skip'],
    ['another mode', { ...local, mode: 0o600 }, existing, 'update'],
    ['another owner', { ...local, uid: 7 }, existing, 'update'],
    ['another size', { ...local, sizeBytes: 11 }, existing, 'replace'],
    ['another time, by a nanosecond', { ...local, modifiedNs: 6n }, existing, 'replace'],
    ['a link in the place of a file', { ...local, kind: 'symlink' }, existing, 'replace'],
    ['a folder that is there', { ...local, kind: 'directory' }, { ...existing, kind: 'directory' }, 'enter'],
    ['a folder in the place of a file', { ...local, kind: 'directory' }, existing, 'refuse'],
    ['a file in the place of a folder', local, { ...existing, kind: 'directory' }, 'refuse'],
    ['a pipe', { ...local, kind: 'other' }, undefined, 'refuse'],
  ] as const)('%s', (_what, stat, there, step) => {
    expect(planImport(stat, there).do).toBe(step);
  });
});

describe('the data in a buffer', () => {
  it('is what is not zero, in whole grains, with neighbours joined', () => {
    const bytes = new Uint8Array(50);
    expect(partsOfData(bytes, 10)).toEqual([]);
    bytes[0] = 1;
    bytes[15] = 1;
    bytes[49] = 1;
    expect(partsOfData(bytes, 10)).toEqual([
      { start: 0, end: 20 },
      { start: 40, end: 50 },
    ]);
    expect(partsOfData(bytes.subarray(0, 16), 10)).toEqual([{ start: 0, end: 16 }]);
  });
});
