import { bucketOfKey, decodeExtents, encodeExtents, recordKey, sequenceOfKey } from '../../src-main/snapshots/dead-record.ts';
import { decodeHold, decodeKeptRoot, decodeNamed, encodeHold, encodeKeptRoot, encodeNamed, nameKey, nameOfKey } from '../../src-main/snapshots/index.ts';
import { fileSizeMaxBytes, treeHeightMax } from '../../src-main/format/index.ts';
import { randomRow } from './random-row.ts';
import { bytesOf, type FuzzedDecoder, mustBe, textOf, u48End } from '../fuzz/decoder.ts';

const keptRoots: FuzzedDecoder = {
  what: 'rows of kept roots',
  by: ['decodeKeptRoot', 'decodeHold'],
  codes: ['volume-damaged'],
  weight: 2,
  noiseBytesMax: 400,
  sample: (random) => encodeKeptRoot(randomRow(random)),
  take: (bytes) => {
    const row = decodeKeptRoot(bytes);
    mustBe(row.names.length <= 255 && row.holds.length <= 255 && row.inodes.height <= treeHeightMax, 'a row out of range');
    for (const hold of row.holds) decodeHold(hold);
    return true;
  },
};

const names: FuzzedDecoder = {
  what: 'entries of snapshot names',
  by: ['decodeNamed', 'nameOfKey'],
  codes: ['volume-damaged'],
  sample: (random) => encodeNamed(randomRow(random)),
  take: (bytes) => {
    const found = decodeNamed(bytes);
    if (typeof found === 'number') mustBe(found < u48End, 'a CP out of range');
    else mustBe(found.cp < u48End && found.inodes.height <= treeHeightMax && found.inodes.sizeBytes <= fileSizeMaxBytes, 'an entry out of range');
    nameOfKey(nameKey(textOf(bytes)));
    return true;
  },
};

const holds: FuzzedDecoder = {
  what: 'holds',
  by: ['decodeHold'],
  codes: [],
  sample: () => bytesOf(encodeHold({ label: 'audit', reason: 'until: spring' })),
  take: (bytes) => {
    const text = textOf(bytes);
    mustBe(encodeHold(decodeHold(text)) === text, 'another hold than was written');
    return true;
  },
};

const deadRecords: FuzzedDecoder = {
  what: 'records of dead blocks',
  by: ['decodeExtents', 'bucketOfKey', 'sequenceOfKey'],
  codes: ['volume-damaged'],
  sample: (random) => {
    const extents = Array.from({ length: 1 + random.below(8) }, () => ({ vbn: random.below(2 ** 40), count: 1 + random.below(100) }));
    return new Uint8Array(Buffer.concat([recordKey({ chain: 'files', holderCp: random.below(1000), eraCp: random.below(1000) }, random.below(9)), encodeExtents(extents)]));
  },
  take: (bytes) => {
    const { holderCp, eraCp } = bucketOfKey(bytes.subarray(0, 17));
    const sequence = sequenceOfKey(bytes.subarray(0, 17));
    for (const number of [holderCp, eraCp, sequence]) mustBe(Number.isInteger(number) && number >= 0 && number < u48End, 'a key out of range');
    for (const { vbn, count } of decodeExtents(bytes.subarray(17))) mustBe(vbn < u48End && count < 65_536, 'blocks out of range');
    return true;
  },
};

/** The tables of kept roots and of dead blocks. */
export const fuzzed: readonly FuzzedDecoder[] = [keptRoots, names, holds, deadRecords];
