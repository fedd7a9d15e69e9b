import { parseArgs } from 'node:util';
import { fuzz, sharesOf } from './fuzz-run.ts';
import { HeapWatch } from './heap-watch.ts';

/**
 * `node test/fuzz/fuzz.ts --inputs N [--from SEED]` gives N inputs to the
 * decoders, a part of them under each of as many seeds as that takes, and prints
 * one line of JSON. A failure prints the decoder, the seed and the input, which
 * replay it.
 */
const { values } = parseArgs({ options: { inputs: { type: 'string', default: '1000000' }, from: { type: 'string', default: '1' } } });

const inputsPerSeed = 1_000_000;
const from = Number(values.from);
const wanted = Number(values.inputs);
const started = performance.now();
const watch = new HeapWatch();
const sum = { inputs: 0, taken: 0, refused: 0, slowestMs: 0, growthMaxBytes: 0 };
const violations: string[] = [];

let seed = from;
for (; sum.inputs < wanted; seed++) {
  for (const [decoder, share] of sharesOf(Math.min(inputsPerSeed, wanted - sum.inputs))) {
    try {
      const counts = await fuzz(decoder, { seed, inputs: share });
      for (const part of ['inputs', 'taken', 'refused'] as const) sum[part] += counts[part];
      sum.slowestMs = Math.max(sum.slowestMs, Math.round(counts.slowestMs));
    } catch (fault) {
      violations.push(String(fault));
      process.stderr.write(`${String(fault)}\n`);
      sum.inputs += share;
    }
  }
  sum.growthMaxBytes = Math.max(sum.growthMaxBytes, watch.growthBytes());
}

const seconds = Math.round((performance.now() - started) / 100) / 10;
process.stdout.write(`${JSON.stringify({ from, next: seed, ...sum, violations, seconds })}\n`);
process.exitCode = violations.length > 0 ? 1 : 0;
