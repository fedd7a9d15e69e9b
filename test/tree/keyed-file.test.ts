import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom, setU48BigEndian } from '../../src-main/base/index.ts';
import { BlockCache, BlockPool, BlockStore } from '../../src-main/blocks/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { emptyInode, geometryOf } from '../../src-main/format/index.ts';
import { BlockFile, KeyedFile, entryBytesMax, keyBytesMax } from '../../src-main/tree/index.ts';

/** A file of blocks over nothing: every change waits in memory. */
function memoryFile(blockSizeBytes = 4096): { file: BlockFile; pool: BlockPool } {
  const store = new BlockStore(new MemoryDevice({ sizeBytes: 1 << 20 }), blockSizeBytes);
  const pool = new BlockPool({ capacityBytes: 2 ** 40, blockSizeBytes });
  const context = { geometry: geometryOf(blockSizeBytes), cache: new BlockCache(store, { capacityBytes: 1 << 20 }), pool };
  return { file: new BlockFile(context, emptyInode('system')), pool };
}

/** The same file, with a note of every block that is asked for. */
function watch(file: BlockFile): { watched: BlockFile; calls: { method: string; index: number }[] } {
  const calls: { method: string; index: number }[] = [];
  const watched = new Proxy(file, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (index: number, ...rest: unknown[]): unknown => {
        calls.push({ method: String(name), index });
        return (value as (...parameters: unknown[]) => unknown).call(target, index, ...rest);
      };
    },
  });
  return { watched, calls };
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const textOf = (array: Uint8Array): string => Buffer.from(array).toString('latin1');

function contentOf(keyed: KeyedFile): [string, string][] {
  const found: [string, string][] = [];
  keyed.scan(undefined, (key, value) => found.push([textOf(key), textOf(value)]));
  return found;
}

/** Counts part by part. */
function countIn(keyed: KeyedFile, range: { from: string; before: string; leavesMax: number }): number {
  let total = 0;
  for (let from: Uint8Array | undefined = bytes(range.from); from !== undefined; ) {
    const { count, next } = keyed.count(from, bytes(range.before), range.leavesMax);
    total += count;
    from = next;
  }
  return total;
}

/** The plain model: a sorted array of strings. */
class SortedModel {
  readonly entries = new Map<string, string>();
  sorted(): [string, string][] {
    return [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

function expectSame(keyed: KeyedFile, model: SortedModel): void {
  expect(keyed.size).toBe(model.entries.size);
  expect(contentOf(keyed)).toEqual(model.sorted());
}

describe('a keyed file', () => {
  it('is empty over an empty file of blocks, and takes no block for it', () => {
    const { file, pool } = memoryFile();
    const keyed = new KeyedFile(file);
    expect([keyed.size, keyed.get(bytes('a')), keyed.delete(bytes('a')), keyed.first(), keyed.last()]).toEqual([
      0,
      undefined,
      false,
      undefined,
      undefined,
    ]);
    expect(pool.takenCount).toBe(0);
  });

  it.each([4096, 65536])('does what a sorted array does, with blocks of %i bytes', (blockSizeBytes) => {
    const limit = entryBytesMax(blockSizeBytes);
    const key = fc.oneof(
      fc.string({ minLength: 0, maxLength: 6, unit: fc.constantFrom('a', 'b', '\0', '\xff') }),
      fc.string({ minLength: keyBytesMax - 40, maxLength: keyBytesMax, unit: fc.constantFrom('x', 'y') }),
    );
    const step = fc.record({
      action: fc.constantFrom('set', 'set', 'set', 'delete', 'first', 'last', 'count'),
      key,
      valueBytes: fc.oneof(fc.nat(20), fc.nat(limit - keyBytesMax)),
      fill: fc.constantFrom('v', 'w'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const keyed = new KeyedFile(memoryFile(blockSizeBytes).file);
        const model = new SortedModel();
        for (const { action, key, valueBytes, fill } of steps) {
          if (action === 'set') {
            keyed.set(bytes(key), bytes(fill.repeat(valueBytes)));
            model.entries.set(key, fill.repeat(valueBytes));
          } else if (action === 'delete') {
            const near = model.sorted().find(([candidate]) => candidate >= key)?.[0] ?? key;
            expect(keyed.delete(bytes(near))).toBe(model.entries.delete(near));
          } else if (action === 'first') {
            const wanted = model.sorted().find(([candidate]) => candidate >= key)?.[0];
            const found = keyed.first(bytes(key));
            expect(found && textOf(found.key)).toBe(wanted);
            const after = keyed.first(bytes(key), true);
            expect(after && textOf(after.key)).toBe(model.sorted().find(([candidate]) => candidate > key)?.[0]);
          } else if (action === 'count') {
            const before = model.sorted()[valueBytes]?.[0] ?? '\xff'.repeat(keyBytesMax);
            expect(countIn(keyed, { from: key, before, leavesMax: 1 + (valueBytes % 3) })).toBe(
              model.sorted().filter(([candidate]) => candidate >= key && candidate < before).length,
            );
          } else {
            const found = keyed.last(bytes(key));
            expect(found && textOf(found.key)).toBe(model.sorted().findLast(([candidate]) => candidate < key)?.[0]);
          }
        }
        expectSame(keyed, model);
        const last = keyed.last();
        expect(last && textOf(last.key)).toBe(model.sorted().at(-1)?.[0]);
      }),
      { numRuns: 150 },
    );
  });

  it('gives every block back when the last entry goes, whatever the order of the deletions', () => {
    const random = new SeededRandom(7);
    for (const order of ['rising', 'falling', 'random'] as const) {
      const { file, pool } = memoryFile();
      const keyed = new KeyedFile(file);
      const keys = Array.from({ length: 5000 }, (_, index) => `name-${String(index).padStart(7, '0')}`);
      for (const key of keys) keyed.set(bytes(key), bytes(key));
      const doomed = order === 'rising' ? keys : order === 'falling' ? [...keys].reverse() : keys.toSorted(() => random.next() - 0.5);
      for (const [index, key] of doomed.entries()) {
        expect(keyed.delete(bytes(key))).toBe(true);
        if (index % 977 === 0) expect(contentOf(keyed).length).toBe(keys.length - index - 1);
      }
      expect(pool.takenCount).toBe(0);
      keyed.set(bytes('again'), bytes('here'));
      expect(contentOf(keyed)).toEqual([['again', 'here']]);
    }
  });

  it('uses freed nodes again before it grows', () => {
    const { file, pool } = memoryFile();
    const keyed = new KeyedFile(file);
    const fill = (prefix: string): void => {
      for (let index = 0; index < 3000; index++) keyed.set(bytes(`${prefix}${String(index).padStart(6, '0')}`), bytes('0123456789'));
    };
    keyed.set(bytes('zz'), bytes('stays'));
    fill('a');
    const taken = pool.takenCount;
    for (let round = 0; round < 5; round++) {
      const last = round === 0 ? 'a' : String(round - 1);
      for (let index = 0; index < 3000; index++) keyed.delete(bytes(`${last}${String(index).padStart(6, '0')}`));
      expect(keyed.size).toBe(1);
      fill(String(round));
    }
    expect(pool.takenCount).toBeLessThanOrEqual(taken + 3);
  });

  it('holds sets in order in nodes that are nine tenths full', () => {
    const { file, pool } = memoryFile();
    const keyed = new KeyedFile(file);
    let recordBytes = 0;
    for (let index = 0; index < 50_000; index++) {
      const key = bytes(`file-${String(index).padStart(8, '0')}.txt`);
      keyed.set(key, new Uint8Array(7));
      recordBytes += key.length + 7 + 6;
    }
    expect(recordBytes / (pool.takenCount * 4096)).toBeGreaterThan(0.9);
  });

  it('reads nothing new after prepare, when sets and then deletes follow', () => {
    const random = new SeededRandom(11);
    const { file } = memoryFile();
    const { watched, calls } = watch(file);
    const keyed = new KeyedFile(watched);
    const keyOf = (number: number): Uint8Array => bytes(`k${number}`.padEnd(40 + (number % 200), '.'));
    const present = new Set<number>();
    for (let round = 0; round < 10_000; round++) {
      const added = [random.below(4000), random.below(4000)];
      const pool = [...present];
      const removed = Array.from({ length: random.below(4) }, () => random.pick([...pool, 0]));
      const doomed = [...new Set(removed)].filter((number) => present.has(number) && !added.includes(number));
      calls.length = 0;
      keyed.prepare([...added, ...doomed].map(keyOf), added.length);
      const known = new Set(calls.map((call) => call.index));
      const isEmpty = present.size === 0;
      calls.length = 0;
      for (const number of added) {
        keyed.set(keyOf(number), bytes('x'.repeat(random.below(60))));
        present.add(number);
      }
      for (const number of doomed) {
        expect(keyed.delete(keyOf(number))).toBe(true);
        present.delete(number);
      }
      for (const { method, index } of calls) {
        if (method === 'overwrite' || isEmpty) known.add(index);
        expect(known.has(index), `round ${round}: ${method} of block ${index}`).toBe(true);
      }
    }
    expect(keyed.size).toBe(present.size);
  });

  it('reads all that one change needs before it changes anything, without prepare', () => {
    const seed = 23;
    const random = new SeededRandom(seed);
    const { file } = memoryFile();
    const { watched, calls } = watch(file);
    const keyed = new KeyedFile(watched);
    const present: string[] = [];
    for (let round = 0; round < 20_000; round++) {
      const isGrowing = Math.floor(round / 2000) % 2 === 0;
      calls.length = 0;
      if (present.length === 0 || random.chance(isGrowing ? 0.8 : 0.2)) {
        const key = `${random.below(1000)}-${round}-${'k'.repeat(random.below(200))}`;
        keyed.set(bytes(key), bytes('value'));
        present.push(key);
      } else {
        const index = random.below(present.length);
        keyed.delete(bytes(present[index]!));
        present[index] = present.at(-1)!;
        present.pop();
      }
      const known = new Set<number>();
      let hasChanged = false;
      for (const { method, index } of calls) {
        if (hasChanged && method !== 'overwrite') expect(known.has(index), `seed ${seed}, round ${round}: ${method} ${index}`).toBe(true);
        known.add(index);
        hasChanged ||= method !== 'read';
      }
    }
    expect(keyed.size).toBe(present.length);
  });

  it('becomes lower again when its entries go', () => {
    const { file } = memoryFile();
    const keyed = new KeyedFile(file);
    const heightOf = (): number => file.read(0)![4]!;
    const keyOf = (index: number): Uint8Array => bytes(`${String(index).padStart(6, '0')}${'-'.repeat(100)}`);
    for (let index = 0; index < 20_000; index++) keyed.set(keyOf(index), bytes('value'));
    const highest = heightOf();
    expect(highest).toBeGreaterThan(2);
    for (let index = 0; index < 19_999; index++) keyed.delete(keyOf(index));
    expect(heightOf()).toBeLessThan(highest);
    expect(contentOf(keyed)).toHaveLength(1);
  });

  it('takes a million entries, and touches a handful of blocks for each change', () => {
    const { file } = memoryFile();
    const { watched, calls } = watch(file);
    const keyed = new KeyedFile(file);
    const count = 1_000_000;
    const key = new Uint8Array(6);
    const value = new Uint8Array(7);
    for (let index = 0; index < count; index++) {
      setU48BigEndian(key, 0, (index * 7_368_787) % 0x1_0000_0000);
      keyed.set(key, value);
    }
    expect(keyed.size).toBe(count);
    const keyedWatched = new KeyedFile(watched);
    for (let index = 0; index < 2000; index++) {
      calls.length = 0;
      setU48BigEndian(key, 0, index * 7919 + 3);
      keyedWatched.set(key, value);
      keyedWatched.delete(key);
      expect(new Set(calls.map((call) => call.index)).size).toBeLessThanOrEqual(12);
    }
    let visited = 0;
    keyed.scan(undefined, () => visited++ < count);
    expect(visited).toBe(keyed.size);
  });

  it('refuses damaged nodes with a code instead of hanging or running wild', () => {
    const seed = 20261123;
    const random = new SeededRandom(seed);
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const { file } = memoryFile();
      const keyed = new KeyedFile(file);
      for (let index = 0; index < 400; index++) keyed.set(bytes(`key-${(index * 37) % 400}-${'k'.repeat(index % 50)}`), bytes('value'));
      const node = file.write(random.below(8));
      for (let flips = 1 + random.below(4); flips > 0; flips--) node[random.chance(0.5) ? random.below(40) : random.below(4096)] = random.below(256);
      for (const use of [
        () => keyed.scan(undefined, () => true),
        () => keyed.get(bytes(`key-${random.below(400)}-`)),
        () => keyed.last(),
        () => keyed.set(bytes(`new-${round}`), bytes('value')),
        () => keyed.delete(bytes('key-0-')),
      ]) {
        try {
          use();
        } catch (thrown) {
          expect(isFault(thrown, 'volume-damaged'), `seed ${seed}, round ${round}: ${String(thrown)}`).toBe(true);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
