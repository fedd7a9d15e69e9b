import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { blockDataBytesMax, blocksIn, type PackedBlocksMessage, unpackBlocks, zstdPacking } from '../../src-main/wire/index.ts';
import { joined } from './messages.ts';

const blockSizeBytes = 4096;
const runs = [
  { vbn: 7, count: 1 },
  { vbn: 90, count: 255 },
];
const random = new SeededRandom(20_261_123);

function text(bytes: number): Uint8Array {
  const words = Array.from({ length: 100 }, () => random.bytes(1 + random.below(9)));
  const parts = Array.from({ length: bytes / 4 }, () => random.pick(words));
  return joined(parts).slice(0, bytes);
}

function messageOf(packed: Uint8Array): PackedBlocksMessage {
  return { type: 'packed-blocks', cp: 5, requestId: 0, runs, data: [packed] };
}

async function codeOf(packed: Uint8Array): Promise<string> {
  try {
    await unpackBlocks(messageOf(packed), { packing: zstdPacking, blockSizeBytes });
    return 'none';
  } catch (fault) {
    if (isFault(fault)) return fault.code;
    throw fault;
  }
}

describe('packed blocks', () => {
  const content = text(blocksIn(runs) * blockSizeBytes);

  it('come out as they went in, cut by their runs, and take less room on the way', async () => {
    const packed = await zstdPacking.pack(content);
    expect(packed.length).toBeLessThan(content.length / 2);
    const blocks = await unpackBlocks(messageOf(packed), { packing: zstdPacking, blockSizeBytes });
    expect(blocks.data.map((part) => part.length)).toEqual([blockSizeBytes, 255 * blockSizeBytes]);
    expect(joined(blocks.data)).toEqual(content);
  });

  it('of noise come out as well, though no smaller', async () => {
    const noise = random.bytes(blockDataBytesMax);
    const blocks = await unpackBlocks(messageOf(await zstdPacking.pack(noise)), { packing: zstdPacking, blockSizeBytes });
    expect(joined(blocks.data)).toEqual(noise);
  });

  it('that unpack to more or to fewer bytes than their runs say are refused, however many they are', async () => {
    expect(await codeOf(await zstdPacking.pack(content.subarray(4096)))).toBe('frame-invalid');
    expect(await codeOf(await zstdPacking.pack(joined([content, new Uint8Array(4096)])))).toBe('frame-invalid');
    // A gibibyte of zeros in a few kilobytes.
    const bomb = await zstdPacking.pack(new Uint8Array(1 << 30));
    expect(bomb.length).toBeLessThan(1 << 17);
    expect(await codeOf(bomb)).toBe('frame-invalid');
  });

  it('that were cut or changed on the way are refused, or come out as many bytes as they should be', async () => {
    const packed = await zstdPacking.pack(content);
    const seen = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const bytes = packed.slice();
      bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
      seen.add(await codeOf(random.chance(0.3) ? bytes.subarray(0, 1 + random.below(bytes.length - 1)) : bytes));
    }
    for (let round = 0; round < 100; round++) seen.add(await codeOf(random.bytes(1 + random.below(200))));
    expect([...seen].filter((code) => code !== 'none')).toEqual(['frame-invalid']);
  });
});
