import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

async function json<T>(place: Place, ...words: readonly string[]): Promise<T> {
  return JSON.parse(await succeed(place, ...words, '--json')) as T;
}

async function snapshotNames(place: Place, volume: string): Promise<string[]> {
  return (await json<{ name: string }[]>(place, 'snapshot', 'list', volume)).map(({ name }) => name);
}

describe('the schedule command', () => {
  it('keeps each CP of a served volume on both sides, shows what would go, prunes, and ends', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    mkdirSync(join(folder, 'source'));
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://keeper');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`, '--interval', 'off');
    await using _mirror = await ServerProcess.start(b);
    await using _primary = await ServerProcess.start(a);
    await succeed(a, 'link', 'work', 'ipc://keeper');
    const set = await succeed(a, 'schedule', 'set', 'work', '--every', 'cp', '--keep-all', '1d', '--daily', '7', '--yearly', '3');
    expect(set).toContain('with every CP that changes files, when something has changed. Of those are kept: all for 1d, 7 daily, 3 yearly.');
    for (const name of ['one', 'two', 'three']) {
      writeFileSync(join(folder, 'source', name), name);
      await succeed(a, 'put', join(folder, 'source', name), 'work:/');
      await succeed(a, 'cp', 'now', 'work');
    }
    await succeed(a, 'snapshot', 'create', 'work@by hand');
    const names = await snapshotNames(a, 'work');
    expect(names.filter((name) => /^auto-\d{4}-\d\d-\d\dT\d\d\.\d\dZ-cp\d+$/.test(name)).length).toBe(names.length - 1);
    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(await eventually(() => snapshotNames(b, 'copy'), (found) => found.includes('by hand'))).toEqual(names);
    expect(await succeed(b, 'cat', `copy@${names.at(-2)}:/three`)).toBe('three');
    expect((await runCommand(b, 'cat', `copy@${names[0]}:/three`)).exitCode).toBe(1);

    const refused = await runCommand(a, '--json', 'snapshot', 'delete', 'work@by hand');
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'snapshot-needed']);
    expect(await succeed(a, 'snapshot', 'prune', 'work', '--dry-run')).toContain(`${names.length} stay, 0 go, which frees 0 B.`);
    const preview = await succeed(a, 'schedule', 'preview', 'work', '--last', '1');
    expect(preview).toMatch(new RegExp(`${names[0]!} .* no, it goes\n`));
    expect(preview).toMatch(/by hand .* by-hand, last-common, last-good\n/);
    expect(preview).toContain(`2 stay, ${names.length - 2} go, which frees`);
    expect(await snapshotNames(a, 'work')).toEqual(names);
    await succeed(a, 'schedule', 'set', 'work', '--every', '1d', '--last', '1');
    await succeed(a, 'snapshot', 'prune', 'work');
    const left = await snapshotNames(a, 'work');
    expect(left).toEqual(names.slice(-2));
    expect(await eventually(() => snapshotNames(b, 'copy'), (found) => found.length === 2)).toEqual(left);
    const shown = await json<{ isActive: boolean; nextRunWallMs: number }>(a, 'schedule', 'show', 'work');
    expect(shown.isActive).toBe(true);
    expect([shown.nextRunWallMs % 86_400_000, shown.nextRunWallMs > Date.now()]).toEqual([0, true]);
    await succeed(a, 'schedule', 'off', 'work');
    expect(await succeed(a, 'schedule', 'show', 'work')).toBe('Volume work has no snapshot schedule.\n');
    expect(await succeed(a, 'volume', 'check', 'work')).toContain('whole');
    expect(await succeed(b, 'schedule', 'set', 'copy', '--every', '1h', '--hourly', '24')).toContain('It waits');
  });

  it('refuses a schedule that cannot have been meant, and says what to write', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
    const tries: [string[], RegExp][] = [
      [['--every', '1h'], /keeps nothing/],
      [['--every', '1h', '--hourly', '0', '--daily', '0'], /'0' is no count/],
      [['--every', '1h', '--daily', '-3'], /'-3' is no count/],
      [['--every', '0', '--daily', '3'], /'0' is no time for a schedule\. Write it like 15m/],
      [['--every', 'never', '--daily', '3'], /'never' is no time for a schedule/],
      [['--every', '2y', '--daily', '3'], /every minute to every 366 days/],
      [['--every', '1d', '--keep-all', '1h'], /less time than passes until the next/],
      [['--daily', '3'], /required option '--every/],
    ];
    for (const [words, text] of tries) {
      const result = await runCommand(place, 'schedule', 'set', 'work', ...words);
      expect([words, result.exitCode, result.stderr]).toEqual([words, 2, expect.stringMatching(text)]);
    }
    expect(await succeed(place, 'schedule', 'show', 'work')).toBe('Volume work has no snapshot schedule.\n');
    const unset = await runCommand(place, '--json', 'snapshot', 'prune', 'work');
    expect([unset.exitCode, codeOf(unset)]).toEqual([1, 'not-found']);
  });
});
