import { checkNode, childAt, initNode, insertEntry, keyAt, nextFreeNode, searchNode, slotCount, valueAt } from '../../src-main/tree/keyed-node.ts';
import { type FuzzedDecoder, mustBe, padded, u48End } from '../fuzz/decoder.ts';

const blockBytes = 4096;

const keyedNodes: FuzzedDecoder = {
  what: 'nodes of directories and tables',
  by: ['checkNode', 'nextFreeNode'],
  codes: ['volume-damaged'],
  weight: 2,
  noiseBytesMax: blockBytes,
  sample: (random) => {
    const bytes = new Uint8Array(blockBytes);
    const level = random.below(2);
    initNode(bytes, level);
    for (let slot = 0; slot < 12; slot++) insertEntry(bytes, slot, Uint8Array.of(slot, ...random.bytes(random.below(20))), random.bytes(level === 0 ? random.below(40) : 6));
    return bytes;
  },
  take: (bytes, random) => {
    const whole = padded(bytes, blockBytes);
    const level = whole[1] === 1 ? 1 : 0;
    checkNode(whole, level);
    const count = slotCount(whole);
    mustBe(count <= blockBytes / 2, 'more slots than there is room for');
    for (let slot = 0; slot < count; slot++) {
      mustBe(keyAt(whole, slot).length + valueAt(whole, slot).length <= blockBytes, 'an entry beyond its node');
      if (level > 0) mustBe(childAt(whole, slot) < u48End, 'a child out of range');
    }
    searchNode(whole, random.bytes(8));
    return true;
  },
};

const freeNodes: FuzzedDecoder = {
  what: 'lists of free nodes',
  by: ['nextFreeNode'],
  codes: ['volume-damaged'],
  sample: () => padded(Uint8Array.of(3), 64),
  take: (bytes) => {
    mustBe(nextFreeNode(padded(bytes, 64)) < u48End, 'a node out of range');
    return true;
  },
};

/** Nodes of directories and tables. */
export const fuzzed: readonly FuzzedDecoder[] = [keyedNodes, freeNodes];
