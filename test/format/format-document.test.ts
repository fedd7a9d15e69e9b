import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import {
  emptyInode,
  encodeInode,
  encodeRootNode,
  type InodeFields,
  inodeBytes,
  inodeSlots,
  pointerBytes,
  type RootNode,
  rootNodeBytes,
  setPointer,
  type SystemFileName,
  systemFileNames,
} from '../../src-main/format/index.ts';
import { encodeKeptRoot, encodeNamed, type KeptRoot } from '../../src-main/snapshots/index.ts';

interface Field {
  name: string;
  offset: number;
  size: number;
}

const document = readFileSync(new URL('../../src-main/format/FORMAT.md', import.meta.url), 'utf8');

/** The fields with a name in the first table with such fields below a heading. */
function fieldsOf(heading: string): Field[] {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  const rows = [...section!.matchAll(/^\| ([\d,]+) \| ([\d,]*) \| ([^|]*) \|/gm)];
  const number = (text: string): number => Number(text.replaceAll(',', ''));
  return rows
    .map(([, offset, size, field]) => ({ name: field!.trim().replaceAll('`', ''), offset: number(offset!), size: number(size!) }))
    .filter(({ name }) => name !== '');
}

/** Where two encodings differ, as the smallest range that holds all differences. */
function changedRange(left: Uint8Array, right: Uint8Array): { from: number; to: number } {
  const changed = [...left.keys()].filter((index) => left[index] !== right[index]);
  return { from: changed[0] ?? -1, to: (changed.at(-1) ?? -1) + 1 };
}

/** Proves that each documented field moves exactly its own bytes, to their first and last. */
function expectPlaces<T>(fields: readonly Field[], base: T, filled: T, encode: (value: T) => Uint8Array): void {
  const whole = encode(base);
  expect(fields.length).toBeGreaterThan(2);
  for (const { name, offset, size } of fields) {
    expect(Object.keys(base as object), `field ${name} of the document`).toContain(name);
    const changed = changedRange(whole, encode({ ...base, [name]: filled[name as keyof T] }));
    expect({ name, from: changed.from, to: changed.to }).toEqual({ name, from: offset, to: offset + size });
  }
  const documented = new Set(fields.map(({ name }) => name));
  expect(Object.keys(base as object).filter((name) => !documented.has(name))).toEqual([]);
}

/** The numbers of a root node that have six bytes each. */
const rootNumbers = [
  'cp',
  'epoch',
  'wallMs',
  'blockCount',
  'usedBlockCount',
  'nextInode',
  'freeInodeHead',
  'inodeCount',
  'requestSequence',
  'journalOffsetBytes',
  'journalBatch',
  'allocationCursor',
] as const;

const u48Max = 2 ** 48 - 1;
const fullSlots = new Uint8Array(inodeSlots * pointerBytes).fill(0xff);

function filesOf(inode: InodeFields): Record<SystemFileName, InodeFields> {
  return Object.fromEntries(systemFileNames.map((name) => [name, inode])) as Record<SystemFileName, InodeFields>;
}

const emptyRoot = {
  volumeId: new Uint8Array(16),
  blockSizeBytes: 0,
  journalKey: new Uint8Array(16),
  setId: new Uint8Array(16),
  ...(Object.fromEntries(rootNumbers.map((name) => [name, 0])) as Record<(typeof rootNumbers)[number], number>),
  files: filesOf(emptyInode('free')),
};

describe('the format document', () => {
  it('gives every field of the root node its place', () => {
    const { files, ...numbers } = emptyRoot;
    const blank = { ...numbers, ...files };
    const filled = {
      volumeId: new Uint8Array(16).fill(0xff),
      blockSizeBytes: 0xffff_ffff,
      journalKey: new Uint8Array(16).fill(0xff),
      setId: new Uint8Array(16).fill(0xff),
      ...(Object.fromEntries(rootNumbers.map((name) => [name, u48Max])) as Record<(typeof rootNumbers)[number], number>),
      ...filesOf({ ...emptyInode('system'), slots: fullSlots }),
    };
    const encode = (flat: typeof blank): Uint8Array => {
      const own = Object.fromEntries(systemFileNames.map((name) => [name, flat[name]])) as RootNode['files'];
      return encodeRootNode({ ...flat, files: own }).subarray(0, rootNodeBytes - 8);
    };
    expectPlaces(fieldsOf('Root node'), blank, filled, encode);
  });

  it('gives every field of an inode its place', () => {
    const { inlineContent: _, ...base } = emptyInode('free');
    const filled = {
      kind: 'system' as const,
      height: 7,
      mode: 0xffff,
      linkCount: 0xffff_ffff,
      uid: 0xffff_ffff,
      gid: 0xffff_ffff,
      // More than a file may have, so that the field's last byte is reached.
      sizeBytes: 2 ** 56 + 2 ** 4,
      blockCount: u48Max,
      modifiedNs: -1n,
      changedNs: -1n,
      accessedNs: -1n,
      createdNs: -1n,
      attributesInode: u48Max,
      parentInode: u48Max,
      generation: u48Max,
      nextFreeInode: u48Max,
      slots: fullSlots,
    };
    const encode = (fields: Omit<InodeFields, 'inlineContent'>): Uint8Array => {
      const bytes = new Uint8Array(inodeBytes);
      encodeInode({ ...fields, inlineContent: null }, bytes, 0);
      return bytes;
    };
    expectPlaces(fieldsOf('Inode'), base, filled, encode);
  });

  it('gives every field of a pointer its place', () => {
    const encode = (target: { vbn: number; birthCp: number; checksum: bigint }): Uint8Array => {
      const bytes = new Uint8Array(pointerBytes);
      setPointer(bytes, 0, target);
      return bytes;
    };
    const blank = { vbn: 0, birthCp: 0, checksum: 0n };
    expectPlaces(fieldsOf('Block pointer'), blank, { vbn: u48Max, birthCp: u48Max, checksum: 2n ** 64n - 1n }, encode);
  });

  it('gives every field of a row of the snapshot table its place', () => {
    const blank: Omit<KeptRoot, 'names' | 'holds'> = {
      cp: 0,
      wallMs: 0,
      isBase: false,
      deletedAtCp: 0,
      inodeCount: 0,
      usedBlockCount: 0,
      inodes: emptyInode('free'),
    };
    const filled = {
      cp: u48Max,
      wallMs: u48Max,
      isBase: true,
      deletedAtCp: u48Max,
      inodeCount: u48Max,
      usedBlockCount: u48Max,
      inodes: { ...emptyInode('system'), slots: fullSlots },
    };
    const fields = fieldsOf('Snapshot table').filter(({ name }) => !name.includes('names'));
    // The flag is the lowest bit of its two bytes.
    const places = fields.map((field) => (field.name === 'isBase' ? { ...field, size: 1 } : field));
    expectPlaces(places, blank, filled, (row) => encodeKeptRoot({ ...row, names: [], holds: [] }));
    expect(encodeKeptRoot({ ...blank, names: [], holds: [] }).length).toBe(304);
  });

  it("gives every field of a snapshot name's entry its place", () => {
    const blank = { cp: 0, height: 0, wallMs: 0, inodeCount: 0, blockCount: 0, sizeBytes: 0, slots: fullSlots };
    const filled = { ...blank, cp: u48Max, height: 7, wallMs: u48Max, inodeCount: u48Max, blockCount: u48Max, sizeBytes: 2 ** 56 + 2 ** 4 };
    const encode = ({ cp, wallMs, inodeCount, ...file }: typeof blank): Uint8Array =>
      encodeNamed({ cp, wallMs, inodeCount, inodes: { ...emptyInode('system'), ...file } });
    const { slots, ...numbers } = blank;
    expectPlaces(fieldsOf('Entries of snapshot names'), numbers, filled, (value) => encode({ ...value, slots }));
    const entry = encode(filled);
    expect(entry[7]).toBe(inodeSlots);
    expect(entry.subarray(36)).toEqual(slots);
    expect(encode({ ...filled, slots: new Uint8Array(slots.length) }).length).toBe(36);
  });

  it('gives every field of a batch of the journal its place', async () => {
    const encode = async (batch: { key: Uint8Array; batch: number; firstSequence: number; requestCount: number }): Promise<Uint8Array> => {
      const region = new MemoryDevice({ sizeBytes: 65536 });
      const journal = new Journal(region, { key: batch.key, offsetBytes: 0, batch: batch.batch });
      await journal.append({ ...batch, payload: [] });
      const bytes = new Uint8Array(4096);
      await region.read(0, [bytes]);
      return bytes.subarray(0, 48);
    };
    const blank = { key: new Uint8Array(16), batch: 0, firstSequence: 0, requestCount: 0 };
    const filled = { key: new Uint8Array(16).fill(0xff), batch: u48Max, firstSequence: u48Max, requestCount: 2 ** 32 - 1 };
    const encoded = new Map<object, Uint8Array>();
    const fields = fieldsOf('Journal');
    for (const { name } of fields) {
      const value = { ...blank, [name]: filled[name as keyof typeof filled] };
      encoded.set(value, await encode(value));
    }
    const whole = await encode(blank);
    const places = [...encoded.values()].map((bytes) => changedRange(whole, bytes));
    expect(places).toEqual(fields.map(({ offset, size }) => ({ from: offset, to: offset + size })));
    expect(fields).toHaveLength(4);
  });

  it('names the marks that are written', async () => {
    const root = encodeRootNode({ ...emptyRoot, blockSizeBytes: 4096, cp: 1 });
    expect(Buffer.from(root.subarray(0, 8)).toString('latin1')).toBe('MPROOT\r\n');
    expect(document).toContain('mark: `MPROOT`, 13, 10');
    const region = new MemoryDevice({ sizeBytes: 65536 });
    const journal = new Journal(region, { key: new Uint8Array(16), offsetBytes: 0, batch: 1 });
    await journal.append({ firstSequence: 0, requestCount: 0, payload: [] });
    const batch = new Uint8Array(512);
    await region.read(0, [batch]);
    expect(Buffer.from(batch.subarray(0, 4)).toString('latin1')).toBe('MPBJ');
    expect(document).toContain('mark: `MPBJ`');
  });
});
