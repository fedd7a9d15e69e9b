import { SeededRandom } from '../../src-main/base/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { decodeRootNode, encodeRootNode } from '../../src-main/format/index.ts';
import { DisplacementLog } from '../../src-main/preservation/displacement-log.ts';
import { randomRoot } from '../format/random-root.ts';
import { type FuzzedDecoder, mustBe, padded, sealed, u48End } from '../fuzz/decoder.ts';

const blockBytes = 4096;
const regionBytes = 12 * 4096 * 2;
const preservedRoot = (() => {
  const rootBytes = encodeRootNode(randomRoot(new SeededRandom(3)));
  return { root: decodeRootNode(rootBytes), rootBytes };
})();

const samplePreserved = await (async () => {
  const region = new MemoryDevice({ sizeBytes: regionBytes });
  const log = await DisplacementLog.begin(region, { kind: 'set-aside', name: 'before', ...preservedRoot });
  const moved = Array.from({ length: 300 }, (_, index) => ({ vbn: 2 * index, place: 5000 + index, count: 1 }));
  await log.append(moved, () => moved);
  const bytes = new Uint8Array(regionBytes / 2);
  await region.read(0, [bytes]);
  return bytes;
})();

const preserved: FuzzedDecoder = {
  what: 'places of preserved blocks',
  by: ['DisplacementLog.find'],
  codes: ['format-too-new', 'volume-damaged'],
  weight: 0.1,
  noiseBytesMax: regionBytes / 2,
  sample: () => samplePreserved.slice(),
  take: async (bytes, random) => {
    const whole = padded(bytes, regionBytes / 2);
    if (random.chance(0.7)) for (let at = 0; at < whole.length; at += blockBytes) whole.set(sealed(whole.subarray(at, at + blockBytes), blockBytes, random), at);
    const region = new MemoryDevice({ sizeBytes: regionBytes });
    await region.write(0, [whole]);
    const found = await DisplacementLog.find(region, 'set-aside');
    for (const { vbn, place, count } of found?.displacements ?? []) {
      for (const number of [vbn, place, count]) mustBe(Number.isInteger(number) && number >= 0 && number < u48End, 'a place out of range');
    }
    return found !== undefined;
  },
};

/** Where the blocks of preserved roots stand. */
export const fuzzed: readonly FuzzedDecoder[] = [preserved];
