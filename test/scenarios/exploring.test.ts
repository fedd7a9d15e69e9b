import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { peersOf } from './pairing-commands.ts';
import { pairServers } from './pairing-servers.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

interface Line {
  readonly type: string;
  readonly path?: string;
}

/** What a command says line by line, without the times that differ. */
async function linesOf(place: Place, ...words: readonly string[]): Promise<string[]> {
  const { stdout } = await runCommand(place, ...words);
  return stdout.trimEnd().split('\n').map((line) => line.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z/g, 'TIME').replace(/ +/g, ' '));
}

it('an admin finds what a file was, what is gone, where a name is and what differs, here and on the paired server', async () => {
  const folder = testFolder();
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'tls://127.0.0.1:0');
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
  await using primary = await ServerProcess.start(a);
  await using mirror = await ServerProcess.start(b);
  await pairServers(a, b);
  const source = join(folder, 'source');
  mkdirSync(join(source, 'letters'), { recursive: true });
  writeFileSync(join(source, 'plan.txt'), 'a plan');
  for (const name of ['Anna.txt', 'Bob.txt']) writeFileSync(join(source, 'letters', name), `Dear ${name}`);
  await succeed(a, 'put', source, 'work:/docs');
  await succeed(a, 'snapshot', 'create', 'work@monday');
  writeFileSync(join(source, 'plan.txt'), 'a better plan');
  rmSync(join(source, 'letters', 'Bob.txt'));
  await succeed(a, 'put', source, 'work:/docs');
  await succeed(a, 'rm', 'work:/docs/letters/Bob.txt');
  await succeed(a, 'mv', 'work:/docs/letters/Anna.txt', 'work:/docs/letters/annabel.txt');
  await succeed(a, 'snapshot', 'create', 'work@tuesday');
  await succeed(a, 'link', 'work', mirror.ready.listen[0]!, '--peer', (await peersOf(b)).identity);
  await eventually(async () => (await primary.client.relationships.list({})).relationships[0]!, (link) => link.identical);

  const peer = ['--peer', (await peersOf(b)).identity];
  const versions = await linesOf(a, 'versions', 'work:/docs/plan.txt');
  expect(versions).toEqual(['TIME live to tuesday, 2 states -rw-r--r-- 13 TIME file', 'TIME monday -rw-r--r-- 6 TIME file']);
  const onMirror = await linesOf(a, 'versions', 'copy:/docs/plan.txt', ...peer);
  // The mirror's last CP is that of the snapshot, or one after it.
  expect(onMirror.at(-1)).toBe(versions.at(-1));
  expect(onMirror[0]).toMatch(/^TIME (tuesday|last to tuesday, 2 states) -rw-r--r-- 13 TIME file$/);

  const found = ['-rw-r--r-- 13 TIME tuesday /docs/letters/annabel.txt', '-rw-r--r-- 13 TIME monday /docs/letters/Anna.txt'];
  expect(await linesOf(a, 'find', 'work@tuesday:/', 'ANNA', '--all')).toEqual(found);
  expect(await linesOf(a, 'find', 'copy@tuesday:/', 'ANNA', '--all', ...peer)).toEqual(found);
  expect(await linesOf(a, 'find', 'work@monday:/docs', 'letters')).toEqual(['drwxr-xr-x 2 TIME monday /docs/letters/']);

  const gone = ['-rw-r--r-- 12 TIME last in monday Bob.txt', '-rw-r--r-- 13 TIME last in monday Anna.txt'];
  expect((await linesOf(a, 'ls', 'work:/docs/letters', '--deleted')).sort()).toEqual(gone);
  expect((await linesOf(a, 'ls', 'copy@tuesday:/docs/letters', '--deleted', ...peer)).sort()).toEqual(gone);

  const differences = [
    'changed /docs/plan.txt',
    'renamed /docs/letters/Anna.txt -> /docs/letters/annabel.txt',
    'removed /docs/letters/Bob.txt',
    '3 differences.',
  ];
  expect((await linesOf(a, 'diff', 'work@monday', 'work')).sort()).toEqual([...differences].sort());
  expect((await linesOf(a, 'diff', 'copy@monday', 'copy@tuesday', ...peer)).sort()).toEqual([...differences].sort());
  expect((await runCommand(a, 'diff', 'work@monday', 'work')).exitCode).toBe(3);
  expect((await runCommand(a, 'diff', 'work@tuesday', 'work')).exitCode).toBe(0);
  const documents = (await runCommand(a, 'diff', 'work@monday', 'work', '--json')).stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Line);
  expect(documents.at(-1)).toEqual({ type: 'done', differenceCount: 3 });
  expect(documents.slice(0, -1).map(({ type }) => type)).toEqual(['difference', 'difference', 'difference']);

  expect(codeOf(await runCommand(a, '--json', 'versions', 'work:/docs/never'))).toBe('not-found');
  expect(codeOf(await runCommand(a, '--json', 'versions', 'work@monday:/docs/plan.txt'))).toBe('argument-invalid');
  expect(codeOf(await runCommand(a, '--json', 'diff', 'work@monday', 'other'))).toBe('argument-invalid');
  expect(codeOf(await runCommand(a, '--json', 'diff', 'work@never', 'work'))).toBe('snapshot-not-found');
  expect(codeOf(await runCommand(a, '--json', 'diff', 'work:/docs', 'work'))).toBe('argument-invalid');
  expect(codeOf(await runCommand(a, '--json', 'find', 'work:/', 'plan', ...peer))).toBe('volume-not-found');
  const nothing = await runCommand(a, 'find', 'work:/', 'no such name', '--all');
  expect([nothing.exitCode, nothing.stdout, nothing.stderr]).toEqual([0, '', expect.stringContaining('in any state')]);
});
