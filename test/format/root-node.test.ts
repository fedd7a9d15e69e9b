import { describe, expect, it } from 'vitest';
import { checksumOf, isFault, SeededRandom, setBigU64, setU32 } from '../../src-main/base/index.ts';
import {
  decodeRootNode,
  encodeRootNode,
  formatVersion,
  isWholeRoot,
  rootChecksumOf,
  rootNodeBytes,
} from '../../src-main/format/index.ts';
import { randomRoot } from './random-root.ts';

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

  it('has one checksum for each content', () => {
    const root = randomRoot(new SeededRandom(5));
    const first = rootChecksumOf(encodeRootNode(root));
    expect(rootChecksumOf(encodeRootNode(root))).toBe(first);
    expect(rootChecksumOf(encodeRootNode({ ...root, cp: root.cp - 1 || 2 }))).not.toBe(first);
  });
});
