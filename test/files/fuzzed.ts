import fc from 'fast-check';
import { decodeEntry, encodeEntry, nameOfKey } from '../../src-main/files/directory.ts';
import { decodeOperation, encodeOperation } from '../../src-main/files/index.ts';
import { operations as anyOperation } from './any-operation.ts';
import { type FuzzedDecoder, mustBe, u48End } from '../fuzz/decoder.ts';

const directoryEntries: FuzzedDecoder = {
  what: 'entries of directories',
  by: ['decodeEntry', 'nameOfKey', 'decodeUtf8'],
  codes: ['volume-damaged'],
  sample: (random) => encodeEntry({ ino: 1 + random.below(2 ** 40), kind: random.pick(['file', 'directory', 'symlink'] as const) }),
  take: (bytes) => {
    const { ino } = decodeEntry(bytes.subarray(0, 7));
    mustBe(ino > 0 && ino < u48End, 'an inode number out of range');
    if (bytes.length > 7) mustBe(nameOfKey(bytes.subarray(7)).isWellFormed(), 'a name that is not UTF-8');
    return true;
  },
};

/** Records of operations, as a journal holds them. */
export const someRecords = fc.sample(anyOperation, { numRuns: 500, seed: 1 }).map((operation) => encodeOperation(operation, () => undefined));

const operations: FuzzedDecoder = {
  what: 'operations of the journal',
  by: ['decodeOperation'],
  codes: ['volume-damaged'],
  weight: 4,
  sample: (random) => random.pick(someRecords),
  take: (bytes) => {
    decodeOperation(bytes);
    return true;
  },
};

/** Entries of directories, and the records of changes. */
export const fuzzed: readonly FuzzedDecoder[] = [directoryEntries, operations];
