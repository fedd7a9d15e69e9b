import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FollowStatus } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

async function followed(server: ServerProcess): Promise<FollowStatus> {
  const [status] = (await server.client.follow.list({})).follows;
  return status!;
}

/** Waits until what is in the folder is in the volume. */
async function alike(server: ServerProcess, local: string): Promise<void> {
  const found = await eventually(
    async () => {
      const { state, waitingCount } = await followed(server);
      if (state !== 'following' || waitingCount > 0) return [state];
      const differences: string[] = [];
      for await (const event of await server.client.files.compare({ volume: 'work', at: 'live', path: '/office', local, metadata: true })) {
        if (event.type === 'difference') differences.push(`${event.path}: ${event.what}`);
      }
      return differences;
    },
    (differences) => differences.length === 0,
  );
  expect(found).toEqual([]);
}

async function namesIn(server: ServerProcess, path: string): Promise<string[]> {
  return (await server.client.files.list({ volume: 'work', at: 'live', path })).entries.map(({ name }) => name);
}

async function inoOf(server: ServerProcess, path: string): Promise<number> {
  return (await server.client.files.stat({ volume: 'work', path, at: 'live' })).ino;
}

describe('the follow command', () => {
  it('keeps a folder flowing into a served volume over changes, renames, removals and a killed server', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'office');
    fs.mkdirSync(join(source, 'projects', 'bridge'), { recursive: true });
    fs.writeFileSync(join(source, 'projects', 'bridge', 'plan.txt'), 'plan');
    fs.writeFileSync(join(source, 'projects', 'bridge', 'large.bin'), Buffer.alloc(5 << 20, 7));
    fs.writeFileSync(join(source, 'scratch.tmp'), 'scratch');
    fs.writeFileSync(join(source, '.mirrorpointignore'), 'cache/\n');
    fs.mkdirSync(join(source, 'cache'));
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`, '--interval', '1s');
    const unserved = await runCommand(place, '--json', 'follow', source, 'work:/office');
    expect([unserved.exitCode, codeOf(unserved)]).toEqual([1, 'server-not-running']);
    const dry = await succeed(place, 'follow', source, 'work:/office', '--ignore', '*.tmp', '--dry-run');
    expect(dry.split('\n').sort()).toEqual([
      '',
      '5 steps would be done, 5.0 MiB taken. Nothing was done.',
      'make folder projects',
      'make folder projects/bridge',
      'take .mirrorpointignore (7 B)',
      'take projects/bridge/large.bin (5.0 MiB)',
      'take projects/bridge/plan.txt (4 B)',
    ]);
    let moved: number;
    {
      await using server = await ServerProcess.start(place);
      expect(await succeed(place, 'follow', source, 'work:/office', '--ignore', '*.tmp')).toContain('is followed into work:/office from now on');
      await eventually(() => followed(server), ({ state, waitingCount, takenCount }) => state === 'following' && waitingCount === 0 && takenCount === 5);
      expect(await namesIn(server, '/office')).toEqual(['.mirrorpointignore', 'projects']);
      fs.rmSync(join(source, 'scratch.tmp'));
      fs.rmSync(join(source, 'cache'), { recursive: true });
      fs.writeFileSync(join(source, 'projects', 'bridge', 'plan.txt'), 'a better plan');
      fs.mkdirSync(join(source, 'new', 'deeper'), { recursive: true });
      fs.writeFileSync(join(source, 'new', 'deeper', 'file'), 'in a new folder');
      await alike(server, source);
      moved = await inoOf(server, '/office/projects/bridge/large.bin');
      fs.renameSync(join(source, 'projects', 'bridge'), join(source, 'new', 'bridge'));
      fs.rmSync(join(source, 'projects'), { recursive: true });
      await alike(server, source);
      expect(await inoOf(server, '/office/new/bridge/large.bin')).toBe(moved);
      for (let file = 0; file < 300; file++) fs.writeFileSync(join(source, 'new', `file ${file}`), `content ${file}`);
      await eventually(() => followed(server), ({ takenCount }) => takenCount > 5);
      await server.kill();
    }
    fs.renameSync(join(source, 'new', 'bridge'), join(source, 'bridge'));
    for (let file = 0; file < 300; file += 2) fs.rmSync(join(source, 'new', `file ${file}`));
    await using server = await ServerProcess.start(place);
    await alike(server, source);
    expect(await succeed(place, 'volume', 'check', 'work')).toContain('whole');

    // The drive is not mounted: an empty folder is where the other was.
    fs.renameSync(source, `${source}-away`);
    fs.mkdirSync(source);
    await eventually(async () => (await server.client.server.status({})).alerts, (alerts) => alerts.some(({ kind }) => kind === 'follow-failed'));
    expect(await succeed(place, 'follow', 'list')).toMatch(/failed\. .* is another folder than the one that was followed/);
    expect(await namesIn(server, '/office/new')).toContain('file 1');
    fs.rmdirSync(source);
    fs.renameSync(`${source}-away`, source);
    fs.writeFileSync(join(source, 'back'), 'again');
    await alike(server, source);
    await eventually(async () => (await server.client.server.status({})).alerts, (alerts) => alerts.length === 0);

    expect(await succeed(place, 'follow', 'stop', 'work:/office')).toContain('What is there stays.');
    expect(await succeed(place, 'follow', 'list')).toBe('No folder is followed.\n');
    const again = await runCommand(place, '--json', 'follow', 'stop', 'work:/office');
    expect([again.exitCode, codeOf(again)]).toEqual([1, 'not-found']);
  });
});
