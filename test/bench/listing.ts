import { join } from 'node:path';
import { type BenchRun, forget, quietly } from './bench-run.ts';
import { Child } from './child.ts';
import { type Figures, noPeer } from './figures.ts';
import type { PrimaryService } from './primary-child.ts';
import { makeServerFolder } from './server-folder.ts';

const entryCount = 100_000;
const folderInVolume = '/crowded';
const snapshot = 'kept';

/** The first page of a crowded folder of a snapshot, with what it says of each entry, by a server that has just been started. */
export async function measureListing(bench: BenchRun): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const folder = makeServerFolder(stack, bench, 'listing');
  const image = join(folder, 'listing.img');
  {
    await using primary = new Child<PrimaryService>('primary-child.ts', bench);
    await primary.call('open', { folder, image, sizeBytes: 2 ** 30 });
    await primary.call('makeEntries', folderInVolume, entryCount);
    await primary.call('snapshot', snapshot);
    await primary.call('close');
  }
  const ours: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    await forget(image);
    await using primary = new Child<PrimaryService>('primary-child.ts', bench);
    await primary.call('reopen', folder);
    const { entries, ms } = await quietly(bench, () => primary.call('list', snapshot, folderInVolume));
    if (entries < 100) throw new Error(`The first page of ${folderInVolume} has only ${entries} entries.`);
    ours.push(ms);
    bench.say(`  first page, ${entries} entries: ${ms.toFixed(1)} ms`);
    await primary.call('close');
  }
  return { list_100k_ms: { ours, peer: noPeer } };
}
