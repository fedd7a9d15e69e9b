import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { decodeOperation, encodeOperation, type Operation, operationBytes } from '../../src-main/files/index.ts';

const ino = fc.integer({ min: 1, max: 2 ** 48 - 1 });
const name = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .filter((text) => text !== '.' && text !== '..' && !/[/\0]/.test(text) && Buffer.byteLength(text) <= 255 && text.isWellFormed());
const u32 = fc.nat(0xffff_ffff);
const mode = fc.nat(0o7777);
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const made = { parent: ino, name, mode, uid: u32, gid: u32, ino, nowNs: time };

const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('createFile', 'makeDirectory'), ...made }),
  fc.record({ kind: fc.constant('symlink'), target: name, ...made }),
  fc.record({ kind: fc.constant('link'), ino, parent: ino, name, nowNs: time }),
  fc.record({ kind: fc.constantFrom('unlink', 'removeDirectory'), parent: ino, name, released: fc.boolean(), nowNs: time }),
  fc.record({
    kind: fc.constant('rename'),
    parent: ino,
    name,
    toParent: ino,
    toName: name,
    exchange: fc.boolean(),
    released: fc.boolean(),
    nowNs: time,
  }),
  fc
    .record({ kind: fc.constant('write'), ino, offsetBytes: bytes, data: fc.uint8Array({ maxLength: 300 }), nowNs: time })
    .map((write) => ({ ...write, lengthBytes: write.data.length })),
  fc.record({ kind: fc.constant('truncate'), ino, sizeBytes: bytes, nowNs: time }),
  fc.record({ kind: fc.constant('punchHole'), ino, offsetBytes: bytes, lengthBytes: bytes, nowNs: time }),
  fc.record({
    kind: fc.constant('setAttributes'),
    ino,
    changes: fc.record({ mode, uid: u32, gid: u32, modifiedNs: time, accessedNs: time, createdNs: time }, { requiredKeys: [] }),
    nowNs: time,
  }),
  fc.record({
    kind: fc.constant('setExtendedAttribute'),
    ino,
    name,
    value: fc.uint8Array({ maxLength: 300 }),
    attributesInode: ino,
    nowNs: time,
  }),
  fc.record({ kind: fc.constant('removeExtendedAttribute'), ino, name, nowNs: time }),
  fc.record({ kind: fc.constant('shrinkOrphan'), ino, sizeBytes: bytes }),
  fc.record({ kind: fc.constant('release'), ino }),
);

const never = (): never => {
  throw new Error('nothing is read for an operation that carries its data');
};

describe('the record of a change', () => {
  test('comes back from its bytes as it was, and is as long as was said', () => {
    fc.assert(
      fc.property(operations, (operation) => {
        const record = encodeOperation(operation, never);
        expect(record.length).toBe(operationBytes(operation));
        expect(decodeOperation(record)).toEqual(operation);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes the content of a write from the file at the moment of its encoding', () => {
    const write: Operation = { kind: 'write', ino: 7, offsetBytes: 5, lengthBytes: 3, nowNs: 1n };
    const asked: unknown[] = [];
    const record = encodeOperation(write, (file, offsetBytes, target) => {
      asked.push([file, offsetBytes, target.length]);
      target.set([1, 2, 3]);
    });
    expect(asked).toEqual([[7, 5, 3]]);
    expect(decodeOperation(record)).toEqual({ ...write, data: new Uint8Array([1, 2, 3]) });
  });

  test('refuses noise, cut and changed records with a code', () => {
    const seed = 4711;
    const random = new SeededRandom(seed);
    const samples = fc.sample(operations, { numRuns: 500, seed }).map((operation) => encodeOperation(operation, never));
    let refused = 0;
    for (let round = 0; round < 200_000; round++) {
      let input: Uint8Array;
      if (round % 4 === 0) input = random.bytes(random.below(60));
      else {
        const sample = random.pick(samples);
        input = round % 4 === 1 ? sample.slice(0, random.below(sample.length)) : sample.slice();
        if (round % 4 > 1) for (let flips = 1 + random.below(3); flips > 0; flips--) input[random.below(input.length)] = random.below(256);
      }
      try {
        decodeOperation(input);
      } catch (thrown) {
        expect(isFault(thrown, 'volume-damaged'), `seed ${seed}, round ${round}: ${String(thrown)}`).toBe(true);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100_000);
  });

  test('is refused when a name in it cannot be one', () => {
    for (const bad of ['..', 'a/b', '', 'x\0']) {
      const record = encodeOperation({ kind: 'unlink', parent: 1, name: bad, released: true, nowNs: 0n }, never);
      expect(() => decodeOperation(record)).toThrow(expect.objectContaining({ code: 'volume-damaged' }));
    }
  });
});
