import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { fuzzed as consistency } from '../consistency/fuzzed.ts';
import { fuzzed as contract } from '../contract/fuzzed.ts';
import { fuzzed as control } from '../control/fuzzed.ts';
import { fuzzed as device } from '../device/fuzzed.ts';
import { fuzzed as engine } from '../engine/fuzzed.ts';
import { fuzzed as explore } from '../explore/fuzzed.ts';
import { fuzzed as files } from '../files/fuzzed.ts';
import { fuzzed as following } from '../following/fuzzed.ts';
import { fuzzed as format } from '../format/fuzzed.ts';
import { fuzzed as pairing } from '../pairing/fuzzed.ts';
import { fuzzed as preservation } from '../preservation/fuzzed.ts';
import { fuzzed as serving } from '../serving/fuzzed.ts';
import { fuzzed as snapshots } from '../snapshots/fuzzed.ts';
import { fuzzed as transport } from '../transport/fuzzed.ts';
import { fuzzed as tree } from '../tree/fuzzed.ts';
import { fuzzed as wire } from '../wire/fuzzed.ts';
import { type FuzzedDecoder, mutated } from './decoder.ts';

/** Every decoder of something that others can spoil. Each room lists its own beside its tests. */
export const decoders: readonly FuzzedDecoder[] = [
  ...format,
  ...device,
  ...tree,
  ...consistency,
  ...files,
  ...snapshots,
  ...preservation,
  ...wire,
  ...transport,
  ...control,
  ...pairing,
  ...contract,
  ...explore,
  ...following,
  ...serving,
  ...engine,
];

const noiseBytesMax = 200;

export interface FuzzCounts {
  inputs: number;
  taken: number;
  refused: number;
  /** The longest that one input took. */
  slowestMs: number;
}

/**
 * Gives a decoder so many inputs, every other one noise, and the others valid
 * encodings with hostile edits. Throws at the first input that is neither taken
 * nor refused as it should be; the message has what to replay it by.
 */
export async function fuzz(decoder: FuzzedDecoder, options: { seed: number; inputs: number }): Promise<FuzzCounts> {
  const counts: FuzzCounts = { inputs: 0, taken: 0, refused: 0, slowestMs: 0 };
  const random = new SeededRandom(options.seed);
  while (counts.inputs < options.inputs) {
    const isNoise = counts.inputs % 2 === 0;
    const bytes = isNoise ? random.bytes(random.below((decoder.noiseBytesMax ?? noiseBytesMax) + 1)) : mutated(random, decoder.sample(random));
    const started = performance.now();
    try {
      const offer = offered(decoder, bytes, random);
      if (typeof offer === 'boolean' ? offer : await offer) counts.taken++;
      else counts.refused++;
    } catch (fault) {
      const where = `${decoder.what}, seed ${options.seed}, input ${counts.inputs}`;
      throw new Error(`${where} (${Buffer.from(bytes.subarray(0, 64)).toString('hex')}): ${String(fault)}`, { cause: fault });
    }
    counts.inputs++;
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - started);
  }
  return counts;
}

/** Whether a decoder takes the bytes; throws unless it takes or refuses them as it may. */
export function offered(decoder: FuzzedDecoder, bytes: Uint8Array, random: SeededRandom): boolean | Promise<boolean> {
  const refused = (fault: unknown): boolean => {
    if (isFault(fault) && decoder.codes.includes(fault.code)) return false;
    throw fault;
  };
  try {
    const taken = decoder.take(bytes, random);
    // Most decoders are synchronous, and an await for each of a million inputs is dear.
    return taken instanceof Promise ? taken.then((is) => is !== false, refused) : taken !== false;
  } catch (fault) {
    return refused(fault);
  }
}

/** How many of so many inputs each decoder gets. */
export function sharesOf(inputs: number): Map<FuzzedDecoder, number> {
  const sum = decoders.reduce((weights, { weight = 1 }) => weights + weight, 0);
  return new Map(decoders.map((decoder) => [decoder, Math.ceil((inputs * (decoder.weight ?? 1)) / sum)]));
}
