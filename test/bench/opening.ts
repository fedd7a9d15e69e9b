import { join } from 'node:path';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type BenchRun, quietly, recall } from './bench-run.ts';
import { Child } from './child.ts';
import type { Figures } from './figures.ts';
import type { OpeningService } from './opening-child.ts';
import { makeServerFolder } from './server-folder.ts';

const snapshotCount = 10_000;
/** A look takes a few milliseconds, so there are many of them. */
const looksPerRound = 80;
/** Until the program is compiled. */
const looksBefore = 10;

/**
 * Opens one of many snapshots and the only one of another volume in turn, each
 * time with a volume that was just opened. Both volumes are in the system's memory.
 */
export async function measureOpening(bench: BenchRun): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'opening');
  const server = stack.use(new Child<OpeningService>('opening-child.ts', bench));
  await server.call('open', folder);
  const image = (name: string): string => join(folder, `${name}.img`);
  bench.say(`  making ${snapshotCount} snapshots`);
  for (const [name, count] of [['one', 1], ['many', snapshotCount]] as const) await quietly(bench, () => server.call('make', name, image(name), count));
  for (const name of ['one', 'many']) await recall(image(name));
  const random = new SeededRandom(1);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let count = -looksBefore; count < looksPerRound * bench.rounds; count++) {
    const looks = [
      { name: 'many', snapshot: String(random.below(snapshotCount)), found: ours },
      { name: 'one', snapshot: '0', found: theirs },
    ];
    // Who comes first finds the processor colder.
    for (const { name, snapshot, found } of count % 2 === 0 ? looks : looks.toReversed()) {
      const ms = await server.call('look', name, image(name), snapshot);
      if (count >= 0) found.push(ms);
    }
  }
  await server.call('close');
  return { snapshots_10k: { ours, peer: theirs } };
}
