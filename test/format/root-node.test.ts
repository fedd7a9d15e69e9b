import { describe, expect, it } from 'vitest';
import { checksumOf, isFault, SeededRandom, setBigU64, setU32, u48Max } from '../../src-main/base/index.ts';
import {
  decodeRootNode,
  encodeRootNode,
  formatVersion,
  isWholeRoot,
  type RootNode,
  rootChecksumOf,
  rootNodeBytes,
  type SystemFileName,
  systemFileNames,
} from '../../src-main/format/index.ts';
import { randomInode } from './random-inode.ts';

function randomRoot(random: SeededRandom): RootNode {
  const u48 = (): number => Math.floor(random.next() * u48Max);
  return {
    volumeId: random.bytes(16),
    blockSizeBytes: 4096 << random.below(5),
    cp: 1 + u48(),
    epoch: u48(),
    wallMs: u48(),
    blockCount: u48(),
    usedBlockCount: u48(),
    nextInode: u48(),
    freeInodeHead: u48(),
    inodeCount: u48(),
    requestSequence: u48(),
    journalKey: random.bytes(16),
    journalOffsetBytes: u48(),
    journalBatch: u48(),
    allocationCursor: u48(),
    setId: random.bytes(16),
    files: Object.fromEntries(systemFileNames.map((name) => [name, randomInode(random)])) as Record<
      SystemFileName,
      RootNode['files'][SystemFileName]
    >,
  };
}

function seal(bytes: Uint8Array): Uint8Array {
  setBigU64(bytes, rootNodeBytes - 8, checksumOf(bytes.subarray(0, rootNodeBytes - 8)));
  return bytes;
}

const isDamaged = (fault: unknown): boolean => isFault(fault, 'volume-damaged');

describe('the root node', () => {
  it('is read as it was written', () => {
    const random = new SeededRandom(1);
    for (let round = 0; round < 500; round++) {
      const root = randomRoot(random);
      const bytes = encodeRootNode(root);
      expect(bytes.length).toBe(rootNodeBytes);
      expect(isWholeRoot(bytes)).toBe(true);
      expect(decodeRootNode(bytes)).toEqual(root);
      expect(encodeRootNode(decodeRootNode(bytes))).toEqual(bytes);
    }
  });

  it('is refused when any one bit of it is wrong', () => {
    const bytes = encodeRootNode(randomRoot(new SeededRandom(2)));
    for (let bit = 0; bit < rootNodeBytes * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(isWholeRoot(bytes), `bit ${bit}`).toBe(false);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(() => decodeRootNode(new Uint8Array(rootNodeBytes))).toThrow(expect.toSatisfy(isDamaged));
    expect(() => decodeRootNode(bytes.subarray(0, 4000))).toThrow(expect.toSatisfy(isDamaged));
    expect(() => decodeRootNode(bytes)).not.toThrow();
  });

  it('of a newer format is refused, naming both versions', () => {
    const bytes = encodeRootNode(randomRoot(new SeededRandom(3)));
    setU32(bytes, 8, formatVersion + 7);
    seal(bytes);
    const tooNew = (fault: unknown): boolean =>
      isFault(fault, 'format-too-new') && fault.message.includes(`${formatVersion + 7}`) && fault.message.includes(`${formatVersion}`);
    expect(() => decodeRootNode(bytes)).toThrow(expect.toSatisfy(tooNew));
  });

  it('under a right checksum still gives values in range or a coded fault (120,000 rounds of noise)', () => {
    const random = new SeededRandom(4);
    const whole = encodeRootNode(randomRoot(random));
    let refused = 0;
    for (let round = 0; round < 120_000; round++) {
      const bytes = whole.slice();
      for (let count = 1 + random.below(4); count > 0; count--) bytes[8 + random.below(2048)] = random.below(256);
      seal(bytes);
      try {
        const root = decodeRootNode(bytes);
        expect(root.cp > 0 && root.blockSizeBytes >= 4096 && root.blockSizeBytes <= 65536).toBe(true);
        expect(Number.isInteger(Math.log2(root.blockSizeBytes))).toBe(true);
        for (const name of systemFileNames) {
          const { height, sizeBytes } = root.files[name];
          if (height > 7 || sizeBytes > Number.MAX_SAFE_INTEGER) expect.fail(`round ${round}`);
        }
      } catch (fault) {
        if (!isFault(fault, 'volume-damaged') && !isFault(fault, 'format-too-new')) throw fault;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('has one checksum for each content', () => {
    const root = randomRoot(new SeededRandom(5));
    const first = rootChecksumOf(encodeRootNode(root));
    expect(rootChecksumOf(encodeRootNode(root))).toBe(first);
    expect(rootChecksumOf(encodeRootNode({ ...root, cp: root.cp - 1 || 2 }))).not.toBe(first);
  });
});
