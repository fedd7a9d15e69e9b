import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { childPath, type JobStatus, type MirrorpointClient, type RestorePreview } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess, spawnProgram } from '../shells/server-process.ts';
import { type Machine, machines, settled } from './paired-machines.ts';
import { peersOf } from './pairing-commands.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const smallFiles = 1500;

/** Time enough for a command to hear of Ctrl-C and to ask its server to cancel. */
const cancelMs = 500;

/** Many small files, so that a restore has many steps, and a large one. */
function makeSource(folder: string): string {
  const source = join(folder, 'source');
  mkdirSync(join(source, 'inner'), { recursive: true });
  for (let index = 0; index < smallFiles; index++) writeFileSync(join(source, 'inner', `${index}`), randomBytes(1 + (index % 4000)));
  writeFileSync(join(source, 'large'), randomBytes(4_000_000));
  return source;
}

async function* allBelow(client: MirrorpointClient, volume: string, path: string): AsyncGenerator<string, void, void> {
  for (let after: string | undefined, more = true; more; ) {
    const page = await client.files.list({ volume, path, ...(after !== undefined && { after }) });
    for (const { name, kind } of page.entries) {
      yield childPath(path, name);
      if (kind === 'directory') yield* allBelow(client, volume, childPath(path, name));
    }
    ({ more } = page);
    after = page.entries.at(-1)?.name;
  }
}

async function namesBelow(client: MirrorpointClient, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of allBelow(client, 'work', path)) names.push(name);
  return names;
}

/** Waits until a restore is in its midst. */
async function inTheMidst(client: MirrorpointClient): Promise<JobStatus> {
  for (;;) {
    const job = (await client.jobs.list({})).jobs.find(({ kind }) => kind === 'restore');
    if (job !== undefined && job.state !== 'running') return expect.fail(`it ended before: ${JSON.stringify(job)}`);
    if (job !== undefined && job.progress.files > 100) return job;
  }
}

/** What a folder has in common with the source is the same; resolves to how many of its files are there. */
async function expectWholeFiles(machine: Pick<Machine, 'place'>, source: string): Promise<void> {
  const compared = await runCommand(machine.place, '--json', 'compare', source, 'work:/tree', '--content-only');
  const differences = compared.stdout.trim().split('\n').map((line) => JSON.parse(line) as { type: string; what?: string });
  expect(differences.filter(({ type, what }) => type === 'difference' && what !== 'only-local')).toEqual([]);
}

describe('a restore by the command line', () => {
  it('says beforehand what it would do, does what was chosen, and tells what came of it', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'plan.txt'), 'as planned');
    writeFileSync(join(source, 'gone.txt'), 'to be gone');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'put', source, 'work:/projects');
    await succeed(place, 'snapshot', 'create', 'work@monday');
    await succeed(place, 'rm', 'work:/projects/gone.txt');
    writeFileSync(join(source, 'plan.txt'), 'changed since');
    await succeed(place, 'put', join(source, 'plan.txt'), 'work:/projects/');

    const dry = ['restore', 'work@monday:/projects', '--original', '--dry-run'];
    expect(await succeed(place, ...dry)).toMatch(/^2 files and 0 folders, 20 B, would come in; .* are free\.\n1 entry of its name is there already:\n {2}work:\/projects\/plan\.txt: there is \(file, 13 B, .*\), would come \(file, 10 B, .*\)\n$/);
    const preview = JSON.parse(await succeed(place, '--json', ...dry)) as RestorePreview;
    expect(preview).toMatchObject({ files: 2, collisions: [{ path: '/projects/plan.txt', existing: { sizeBytes: 13 } }] });
    expect(await succeed(place, 'cat', 'work:/projects/plan.txt')).toBe('changed since');

    // What is there is kept unless something else is said.
    expect(await succeed(place, 'restore', 'work@monday:/projects', '--original')).toMatch(/^Restored 2 files, 20 B to its place in work in .*, 1 beside it\.\n$/);
    expect(await succeed(place, 'cat', 'work:/projects/plan.txt')).toBe('changed since');
    expect(await succeed(place, 'cat', 'work:/projects/plan (restored).txt')).toBe('as planned');
    const replaced = JSON.parse(await succeed(place, '--json', 'restore', 'work@monday:/projects/plan.txt', '--original', '--collisions', 'replace')) as JobStatus;
    expect(replaced).toMatchObject({ kind: 'restore', state: 'done', problemCount: 0 });
    const name = /snapshot "(before-restore-[^"]+)"/.exec(replaced.outcome ?? '')![1]!;
    expect(await succeed(place, 'cat', `work@${name}:/projects/plan.txt`)).toBe('changed since');
    expect(await succeed(place, 'cat', 'work:/projects/plan.txt')).toBe('as planned');

    await succeed(place, 'mkdir', 'work:/elsewhere');
    await succeed(place, 'restore', 'work@monday:/projects/plan.txt', 'work@monday:/projects/gone.txt', '--to', 'work:/elsewhere');
    const local = join(folder, 'local');
    mkdirSync(local);
    await succeed(place, 'restore', 'work@monday:/projects', '--to-folder', local);
    expect(readdirSync(join(local, 'projects')).toSorted()).toEqual(['gone.txt', 'plan.txt']);
    expect(readFileSync(join(local, 'projects', 'plan.txt'), 'utf8')).toBe('as planned');
    expect((await runCommand(place, 'volume', 'check', 'work')).exitCode).toBe(0);
  });

  it('refuses nonsense by code before anything is done', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'mkdir', 'work:/here');
    const refused = async (...words: string[]): Promise<[number | null, string]> => {
      const result = await runCommand(place, '--json', 'restore', ...words);
      return [result.exitCode, codeOf(result)];
    };
    expect(await refused('work:/here')).toEqual([2, 'argument-invalid']);
    expect(await refused('work:/here', '--original', '--to', 'work:/')).toEqual([2, 'argument-invalid']);
    expect(await refused('work:/here', '--original', '--collisions', 'burn')).toEqual([2, 'argument-invalid']);
    expect(await refused('work:/here', 'work@last:/here', '--original')).toEqual([2, 'argument-invalid']);
    expect(await refused('work:/here', '--to', 'work:/', '--volume', 'work')).toEqual([2, 'argument-invalid']);
    expect(await refused('copy:/here', '--peer', 'office', '--original')).toEqual([2, 'argument-invalid']);
    expect(await refused('work:/../x', '--original')).toEqual([2, 'path-escapes']);
    expect(await refused('work:/here', '--to', 'work@last:/')).toEqual([1, 'volume-read-only']);
    expect(await refused('work:/here', '--to', 'none:/')).toEqual([1, 'volume-not-found']);
    expect(await refused('work:/here', '--to', 'work:/none')).toEqual([1, 'not-found']);
    expect(await refused('work:/here', '--to-folder', join(folder, 'none'))).toEqual([1, 'not-found']);
    expect(await refused('work@none:/here', '--original')).toEqual([1, 'snapshot-not-found']);
    expect(await refused('work:/none', '--original')).toEqual([1, 'not-found']);
    expect(JSON.parse(await succeed(place, '--json', 'jobs', 'list'))).toEqual([]);
    expect(codeOf(await runCommand(place, '--json', 'jobs', 'cancel', 'x'))).toBe('server-not-running');
  });

  it('is followed in a server, ended by Ctrl-C, and leaves nothing half-way', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = makeSource(folder);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(place, 'put', source, 'work:/tree');
    await succeed(place, 'snapshot', 'create', 'work@monday');
    await succeed(place, 'rm', '-r', 'work:/tree');
    await using server = await ServerProcess.start(place);
    const child = spawnProgram(place, ['restore', 'work@monday:/tree', '--original']);
    let told = '';
    child.stderr.on('data', (part: Buffer) => (told += part.toString()));
    await inTheMidst(server.client);
    const closed = once(child, 'close');
    // The server stands still meanwhile: else it could be done before the command comes to ask it to cancel.
    process.kill(server.processId, 'SIGSTOP');
    child.kill('SIGINT');
    await setTimeout(cancelMs);
    process.kill(server.processId, 'SIGCONT');
    expect(await closed).toEqual([130, null]);
    expect(told).toContain('[cancelled]');
    const list = JSON.parse(await succeed(place, '--json', 'jobs', 'list')) as JobStatus[];
    expect(list).toMatchObject([{ kind: 'restore', state: 'cancelled', subject: 'work@monday:/tree to its place in work' }]);
    expect(await succeed(place, 'jobs', 'list')).toContain('cancelled');
    expect(await succeed(place, 'jobs', 'cancel', list[0]!.jobId)).toMatch(/^cancelled: /);
    expect(codeOf(await runCommand(place, '--json', 'jobs', 'cancel', 'none'))).toBe('not-found');
    expect((await namesBelow(server.client, '/')).filter((name) => name.includes('mirrorpoint'))).toEqual([]);
    await expectWholeFiles({ place }, source);
    await succeed(place, 'restore', 'work@monday:/tree', '--original');
    await succeed(place, 'compare', source, 'work:/tree', '--content-only');
  });
});

describe('a restore from the mirror of another machine', () => {
  it('fails clearly when the mirror is killed in its midst, with nothing half-way, and succeeds when it is back', async () => {
    const folder = testFolder();
    const source = makeSource(folder);
    const pair = await machines(folder);
    const [primary, mirror] = pair;
    try {
      await succeed(primary.place, 'put', source, 'work:/tree');
      await succeed(primary.place, 'snapshot', 'create', 'work@monday');
      await settled(pair);
      await succeed(primary.place, 'rm', '-r', 'work:/tree');
      await succeed(primary.place, 'cp', 'now', 'work');
      const { identity } = await peersOf(mirror.place);
      const words = ['restore', 'copy@monday:/tree', '--peer', identity, '--original', '--volume', 'work'];
      const restoring = runCommand(primary.place, '--json', ...words);
      await inTheMidst(primary.server.client);
      await mirror.server.kill();
      const ended = await restoring;
      expect([ended.exitCode, codeOf(ended)]).toEqual([1, 'link-closed']);
      const [job] = (await primary.server.client.jobs.list({})).jobs;
      expect(job).toMatchObject({ state: 'failed', fault: { code: 'link-closed' }, outcome: expect.stringMatching(/^Before that: [0-9]+ entries/) });
      const left = await namesBelow(primary.server.client, '/');
      expect(left.length).toBeGreaterThan(100);
      expect(left.length).toBeLessThan(smallFiles);
      expect(left.filter((name) => name.includes('mirrorpoint'))).toEqual([]);
      await expectWholeFiles(primary, source);
      const { events } = await primary.server.client.events.list({});
      expect(events.filter(({ text }) => text.startsWith('The restore of copy@monday:/tree'))).toMatchObject([{ subject: 'volume work', level: 'problem' }]);

      mirror.server = await ServerProcess.start(mirror.place);
      await eventually(
        () => runCommand(primary.place, '--json', 'ls', 'copy@monday:/', '--peer', identity),
        ({ exitCode }) => exitCode === 0,
      );
      expect(await succeed(primary.place, ...words, '--collisions', 'replace')).toContain('already, the same by size and time.');
      // The folders are those of the restore that was cut off, and only their times tell.
      await succeed(primary.place, 'compare', source, 'work:/tree', '--content-only');
      await settled(pair);
      await succeed(mirror.place, 'compare', source, 'copy:/tree', '--content-only');
      // Out of the mirror to a folder of this machine, too.
      const local = join(folder, 'local');
      mkdirSync(local);
      await succeed(primary.place, 'restore', 'copy@monday:/tree', '--peer', identity, '--to-folder', local);
      await succeed(mirror.place, 'compare', join(local, 'tree'), 'copy@monday:/tree');
      expect((await runCommand(primary.place, '--json', 'volume', 'check', 'work')).exitCode).toBe(0);
    } finally {
      for (const { server } of pair) await server.kill();
    }
  });
});
