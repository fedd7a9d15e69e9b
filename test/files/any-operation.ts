import fc from 'fast-check';
import type { Operation } from '../../src-main/files/index.ts';

const ino = fc.integer({ min: 1, max: 2 ** 48 - 1 });
const name = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .filter((text) => text !== '.' && text !== '..' && !/[/\0]/.test(text) && Buffer.byteLength(text) <= 255 && text.isWellFormed());
const u32 = fc.nat(0xffff_ffff);
const mode = fc.nat(0o7777);
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const made = { parent: ino, name, mode, uid: u32, gid: u32, ino, nowNs: time };

/** Any operation that a journal can hold. */
export const operations: fc.Arbitrary<Operation> = fc.oneof(
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
