import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { runCommand, ServerProcess, spawnProgram } from '../shells/server-process.ts';
import { expectEverywhere, machines, settled } from './paired-machines.ts';
import { fill } from './random-files.ts';
import { succeed, testFolder } from './scenario-place.ts';

it('two machines swap their roles over the network and back, without losing anything', async () => {
  const folder = testFolder();
  const pair = await machines(folder);
  const [a, b] = pair;
  await using _a = a.server;
  await using _b = b.server;
  const sources: string[] = [];
  let leader = a;
  for (let round = 0; round < 3; round++) {
    expect(await settled(pair)).toBe(leader);
    sources.push(fill(join(folder, `source-${round}`), 10, 3000));
    await succeed(leader.place, 'put', sources[round]!, `${leader.volume}:/${round}`);
    await succeed(leader.place, 'switchover', leader.volume);
    leader = leader === a ? b : a;
    await succeed(leader.place, 'compare', sources[round]!, `${leader.volume}:/${round}`);
  }
  await settled(pair);
  await expectEverywhere(pair, sources);
  for (const { place, volume } of pair) expect((await runCommand(place, 'volume', 'check', volume)).exitCode).toBe(0);
});

it.each([
  ['old primary', 'last-cp'],
  ['old primary', 'handing-over'],
  ['mirror', 'last-cp'],
  ['mirror', 'handing-over'],
] as const)('two machines end with exactly one primary and all data when the %s is killed at the step %s', async (who, step) => {
  const folder = testFolder();
  const pair = await machines(folder);
  const [a, b] = pair;
  await settled(pair);
  const sources = [fill(join(folder, 'before'), 10, 3000)];
  await succeed(a.place, 'put', sources[0]!, 'work:/0');

  const child = spawnProgram(a.place, ['--json', 'switchover', 'work']);
  const ended = once(child, 'close');
  const victim = who === 'mirror' ? b : a;
  const killed = Promise.withResolvers<undefined>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if ((JSON.parse(line) as { step?: string }).step !== step) return;
    process.kill(victim.server.processId, 'SIGKILL');
    killed.resolve(undefined);
  });
  await killed.promise;
  await victim.server.kill();
  victim.server = await ServerProcess.start(victim.place);
  await using _a = a.server;
  await using _b = b.server;

  await ended;
  const leader = await settled(pair);
  sources.push(fill(join(folder, 'after'), 10, 3000));
  await succeed(leader.place, 'put', sources[1]!, `${leader.volume}:/1`);
  expect(await settled(pair)).toBe(leader);
  await expectEverywhere(pair, sources);
});
