import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import type { Role } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess, spawnProgram } from '../shells/server-process.ts';
import { peersOf } from './pairing-commands.ts';
import { pairServers, placeOn, port } from './pairing-servers.ts';
import { fill } from './random-files.ts';
import { eventually, succeed, testFolder } from './scenario-place.ts';
import { twoHosts } from './two-hosts.ts';

/** One of two machines, with its server while that runs. */
interface Machine {
  readonly place: Place;
  readonly volume: string;
  server: ServerProcess;
}

/** Two machines with only a network between them, paired, the one mirroring the other over TLS. */
async function machines(folder: string): Promise<[Machine, Machine]> {
  const hosts = twoHosts();
  const [a, b] = [placeOn(hosts.primary, folder, 'a'), placeOn(hosts.mirror, folder, 'b')];
  const address = `tls://${hosts.mirror.address}:${port}`;
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', address);
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
  const [serverA, serverB] = [await ServerProcess.start(a), await ServerProcess.start(b)];
  await pairServers(a, b);
  await succeed(a, 'link', 'work', address, '--peer', (await peersOf(b)).identity);
  return [
    { place: a, volume: 'work', server: serverA },
    { place: b, volume: 'copy', server: serverB },
  ];
}

async function roleOf({ server, volume }: Machine): Promise<Role> {
  return (await server.client.volumes.inspect({ volume })).role;
}

/** Waits until exactly one of the two leads, and the other has all that it has; resolves to the one that leads. */
async function settled(pair: readonly [Machine, Machine]): Promise<Machine> {
  const leaders = await eventually(
    async () => {
      const roles = await Promise.all(pair.map(roleOf));
      return pair.filter((_, index) => roles[index] === 'primary');
    },
    (found) => found.length === 1,
  );
  const [leader] = leaders as [Machine];
  await eventually(
    async () => (await leader.server.client.volumes.list({})).volumes[0]?.transition,
    (transition) => transition === undefined,
  );
  await succeed(leader.place, 'cp', 'now', leader.volume);
  await eventually(
    async () => (await leader.server.client.relationships.list({})).relationships[0]!,
    (link) => link.identical && link.state === 'live',
  );
  return leader;
}

async function expectEverywhere(pair: readonly Machine[], sources: readonly string[]): Promise<void> {
  for (const { place, volume } of pair) {
    for (const [index, source] of sources.entries()) await succeed(place, 'compare', source, `${volume}:/${index}`);
  }
}

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
