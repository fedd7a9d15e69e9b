import {
  decodeInode,
  decodeRootNode,
  emptyInode,
  encodeInode,
  encodeRootNode,
  fileSizeMaxBytes,
  inlineBytesMax,
  inodeBytes,
  inodeTreeAt,
  isNullPointer,
  isWholeRoot,
  pointerBirth,
  pointerBytes,
  pointerVbn,
  rootNodeBytes,
  setPointer,
  systemFileNames,
  treeHeightMax,
} from '../../src-main/format/index.ts';
import { randomInode } from './random-inode.ts';
import { randomRoot } from './random-root.ts';
import { type FuzzedDecoder, mustBe, padded, sealed, u48End } from '../fuzz/decoder.ts';

const rootNodes: FuzzedDecoder = {
  what: 'root nodes',
  by: ['decodeRootNode'],
  codes: ['volume-damaged', 'format-too-new'],
  weight: 2,
  noiseBytesMax: rootNodeBytes,
  sample: (random) => encodeRootNode(randomRoot(random)),
  take: (bytes, random) => {
    const whole = sealed(bytes, rootNodeBytes, random);
    const root = decodeRootNode(whole);
    mustBe(isWholeRoot(whole), 'a root whose checksum is wrong');
    mustBe(root.cp > 0 && root.blockSizeBytes >= 4096 && root.blockSizeBytes <= 65536, 'a CP or a block size out of range');
    mustBe(Number.isInteger(Math.log2(root.blockSizeBytes)), 'a block size that is no power of two');
    for (const name of systemFileNames) mustBe(root.files[name].height <= treeHeightMax && Number.isSafeInteger(root.files[name].sizeBytes), 'a tree out of range');
    return true;
  },
};

const inodes: FuzzedDecoder = {
  what: 'inodes',
  by: ['decodeInode', 'inodeTreeAt'],
  codes: ['volume-damaged'],
  weight: 4,
  noiseBytesMax: inodeBytes,
  sample: (random) => {
    const bytes = new Uint8Array(inodeBytes);
    encodeInode(random.chance(0.5) ? emptyInode('file') : randomInode(random), bytes, 0);
    return bytes;
  },
  take: (bytes) => {
    const whole = padded(bytes, inodeBytes);
    const inode = decodeInode(whole, 0);
    mustBe(inode.height <= treeHeightMax && inode.sizeBytes <= fileSizeMaxBytes, 'a tree out of range');
    mustBe((inode.inlineContent?.length ?? 0) <= inlineBytesMax, 'content that is longer than its inode');
    // What decodes can be walked.
    inodeTreeAt(whole, 0);
    return true;
  },
};

/** Any bytes are pointers: whoever follows one holds it against the volume's end and its checksum. */
const pointers: FuzzedDecoder = {
  what: 'pointers of address blocks',
  by: ['pointerVbn', 'pointerBirth', 'isNullPointer'],
  codes: [],
  sample: (random) => {
    const bytes = new Uint8Array(pointerBytes);
    setPointer(bytes, 0, { vbn: random.below(2 ** 40), birthCp: random.below(2 ** 40), checksum: 7n });
    return bytes;
  },
  take: (bytes) => {
    const whole = padded(bytes, pointerBytes);
    for (const number of [pointerVbn(whole, 0), pointerBirth(whole, 0)]) mustBe(Number.isInteger(number) && number >= 0 && number < u48End, 'a number out of range');
    return isNullPointer(whole, 0) ? undefined : true;
  },
};

/** What lies in blocks. */
export const fuzzed: readonly FuzzedDecoder[] = [rootNodes, inodes, pointers];
