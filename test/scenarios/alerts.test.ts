import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Alert, ServerEvent, ServerStatus } from '../../src-main/contract/index.ts';
import { type Place, ServerProcess, spawnProgram } from '../shells/server-process.ts';
import { eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

async function json<T>(place: Place, ...words: readonly string[]): Promise<T> {
  return JSON.parse(await succeed(place, '--json', ...words)) as T;
}

/** Runs a command that goes on, and gathers what it says, line by line. */
function follow<T>(place: Place, ...words: readonly string[]): T[] {
  const child = spawnProgram(place, ['--json', ...words]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: T[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as T));
  return said;
}

it('a mirror whose primary died raises an alert by itself, keeps it over a restart, and clears it when the primary is back', async () => {
  const folder = testFolder();
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
  await succeed(b, 'lag-limit', 'copy', '1s');
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`, '--interval', '1s');
  await succeed(a, 'link', 'work', 'ipc://office');
  const mirror = await ServerProcess.start(b);
  onTestFinished(() => mirror.kill());
  const primary = await ServerProcess.start(a);
  onTestFinished(() => primary.kill());
  const seen = follow<ServerStatus>(b, 'status', '--watch');
  const told = follow<ServerEvent>(b, 'events', '--watch');
  const now = async (): Promise<ServerStatus['relationships'][number] | undefined> => seen.at(-1)?.relationships[0];
  expect((await eventually(now, (one) => one?.verdict.level === 'good'))?.verdict.sentence).toMatch(/^Up to date: proven identical at CP \d+ of .*, root [0-9a-f]{16}\.$/);
  expect(await json<Alert[]>(b, 'alerts')).toEqual([]);

  await primary.kill();
  const alerts = await eventually(async () => seen.at(-1)?.alerts ?? [], (standing) => standing.length > 0);
  expect(alerts).toMatchObject([{ kind: 'lag', subject: 'volume copy', text: expect.stringContaining('Nothing has come from its primary for') }]);
  expect((await now())?.verdict).toMatchObject({ level: expect.stringMatching(/working|attention/), sentence: expect.not.stringContaining('Up to date') });
  await eventually(async () => told, (events) => events.some(({ alert }) => alert?.phase === 'raised'));

  // What happened is stored soon after it was told.
  const stored = join(b.configFolder, 'history', 'events.jsonl');
  await eventually(async () => (existsSync(stored) ? readFileSync(stored, 'utf8') : ''), (text) => text.includes('raised'));
  await mirror.kill();
  expect(await json<Alert[]>(b, 'alerts')).toMatchObject([{ kind: 'lag', sinceWallMs: alerts[0]!.sinceWallMs }]);
  await using _mirror = await ServerProcess.start(b);
  expect(await json<Alert[]>(b, 'alerts')).toMatchObject([{ kind: 'lag', sinceWallMs: alerts[0]!.sinceWallMs }]);
  await using _primary = await ServerProcess.start(a);
  expect(await eventually(() => json<Alert[]>(b, 'alerts'), (standing) => standing.length === 0)).toEqual([]);
  const events = await json<ServerEvent[]>(b, 'events', '--since', '1h');
  expect(events.flatMap(({ alert }) => alert ?? [])).toEqual([{ kind: 'lag', phase: 'raised' }, { kind: 'lag', phase: 'cleared' }]);
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => events[0]!.id + index));
});
