import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import type { StateChoice } from '../../src-main/explore/states.ts';
import { testSeed } from '../seed.ts';
import { LazyClock } from './lazy-clock.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { allDifferences, differenceLine, expectAsModel, Hand } from './explore-lab.ts';
import { listAll, type Listing, RandomHistory } from './random-history.ts';

describe('the differences of two states', () => {
  it.each([testSeed, 1, 2, 3, 4, 5])('are those of two full listings, in steps of any size (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    await using volume = await new MemoryHome({ seed, volume: { clock: new LazyClock(random) } }).create();
    const history = new RandomHistory(volume, random);
    const listings: { at: StateChoice; listing: Listing }[] = [];
    for (let round = 0; round < 5; round++) {
      await history.change(12);
      await volume.createSnapshot(`s${round}`);
      listings.push({ at: { snapshot: `s${round}` }, listing: await listAll(volume) });
    }
    await history.change(8);
    listings.push({ at: 'live', listing: await listAll(volume) });
    for (const before of listings) {
      for (const after of listings) {
        const step = random.below(3) === 0 ? { limit: 500 } : { limit: 1 + random.below(4), workMax: 1 + random.below(60) };
        const found = await allDifferences(volume, { older: before.at, newer: after.at }, step);
        expectAsModel(found, before.listing, after.listing);
      }
    }
  });

  it('are changes of a path where something took the place of what was there, as when an editor saves', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/text', '/gone']) await hand.file(path);
    await volume.createSnapshot('one');
    await hand.file('/text.new', 'more');
    await hand.move('/text.new', '/text');
    await hand.remove('/gone');
    await hand.folder('/gone');
    const lines = (await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' })).map(differenceLine);
    // A folder where a file was is another thing.
    expect(lines.sort()).toEqual(['added /gone', 'changed /text', 'removed /gone']);
  });

  it('compare a folder that was removed and made again with the former one', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/build', '/build/deep']) await hand.folder(path);
    for (const path of ['/build/a', '/build/b', '/build/deep/c']) await hand.file(path);
    await volume.createSnapshot('one');
    await hand.remove('/build');
    await hand.folder('/other');
    for (const path of ['/build', '/build/deep']) await hand.folder(path);
    for (const path of ['/build/a', '/build/deep/c', '/build/deep/d']) await hand.file(path, `new ${path}`);
    const lines = (await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' })).map(differenceLine);
    expect(lines.sort()).toEqual(['added /build/deep/d', 'added /other', 'changed /build/a', 'changed /build/deep/c', 'removed /build/b']);
  });

  it('do not tell of a folder that moved what is in it, and tell where it was', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/old', '/old/deep', '/new']) await hand.folder(path);
    for (const path of ['/old/a', '/old/deep/b', '/old/deep/c', '/old/deep/d']) await hand.file(path);
    await volume.createSnapshot('one');
    await hand.move('/old/deep', '/new/shallow');
    await hand.move('/new/shallow/b', '/new/shallow/renamed');
    await hand.write('/new/shallow/c', 'more than there was');
    await hand.remove('/new/shallow/d');
    const found = await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' });
    expect(found.map(differenceLine).sort()).toEqual([
      'changed /new/shallow/c',
      'removed /old/deep/d',
      'renamed /old/deep to /new/shallow',
      'renamed /old/deep/b to /new/shallow/renamed',
    ]);
    const changed = found.find(({ what }) => what === 'changed');
    expect([changed?.before?.attributes.sizeBytes, changed?.after?.attributes.sizeBytes]).toEqual(['/old/deep/c'.length, 'more than there was'.length]);
  });

  it('leave a file at its path alone that came back there with another folder', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/here', '/there']) await hand.folder(path);
    await hand.file('/here/file');
    await volume.createSnapshot('one');
    await hand.move('/here/file', '/there/file');
    await hand.remove('/here');
    await hand.move('/there', '/here');
    expect((await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' })).map(differenceLine)).toEqual(['renamed /there to /here', 'removed /here']);
  });

  it('tell of the names of a file with several that they come and go, and of its content once at least', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/one', '/two']) await hand.folder(path);
    await hand.file('/one/a');
    await hand.link('/one/a', '/two/b');
    await volume.createSnapshot('one');
    // The last folder that got a name of it is the first that is looked in; here it has none that stayed.
    await hand.link('/one/a', '/c');
    await hand.remove('/two/b');
    await hand.write('/one/a', 'changed');
    expect((await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' })).map(differenceLine).sort()).toEqual(['added /c', 'changed /one/a', 'removed /two/b']);
  });

  it('tell of a folder itself only its mode and owner, of the root too', async () => {
    await using volume = await new MemoryHome().create();
    const hand = new Hand(volume);
    for (const path of ['/one', '/two']) await hand.folder(path);
    await volume.createSnapshot('one');
    await hand.file('/one/a');
    await hand.mode('/two', 0o700);
    await hand.mode('/', 0o700);
    expect((await allDifferences(volume, { older: { snapshot: 'one' }, newer: 'live' })).map(differenceLine).sort()).toEqual(['added /one/a', 'changed /', 'changed /two']);
  });

  it('come part by part where many thousand files have changed, each once', { timeout: 120_000 }, async () => {
    await using volume = await new MemoryHome({ sizeBytes: 256 << 20 }).create();
    const hand = new Hand(volume);
    const folders = Array.from({ length: 30 }, (_, index) => `/folder ${index}`);
    for (const folder of folders) {
      await hand.folder(folder);
      for (let index = 0; index < 300; index++) await hand.file(`${folder}/${index}`);
    }
    await volume.createSnapshot('one');
    const expected: string[] = [];
    for (const folder of folders) {
      await hand.move(folder, `${folder} moved`);
      expected.push(`renamed ${folder} to ${folder} moved`);
      for (let index = 0; index < 300; index++) {
        const path = `${folder} moved/${index}`;
        if (index % 3 === 0) await hand.write(path, 'changed');
        if (index % 3 === 0) expected.push(`changed ${path}`);
        if (index % 3 === 1) await hand.move(path, `${path}.old`);
        if (index % 3 === 1) expected.push(`renamed ${folder}/${index} to ${path}.old`);
        if (index % 3 === 2) await hand.remove(path);
        if (index % 3 === 2) expected.push(`removed ${folder}/${index}`);
      }
    }
    await volume.createSnapshot('two');
    const found = await allDifferences(volume, { older: { snapshot: 'one' }, newer: { snapshot: 'two' } });
    expect(found.map(differenceLine).sort()).toEqual(expected.sort());
  });
});
