import { join } from 'node:path';
import type { Role } from '../../src-main/contract/index.ts';
import { type Place, ServerProcess } from '../shells/server-process.ts';
import { peersOf } from './pairing-commands.ts';
import { pairServers, placeOn, port } from './pairing-servers.ts';
import { eventually, succeed } from './scenario-place.ts';
import { twoHosts } from './two-hosts.ts';

/** One of two machines, with its server while that runs. */
export interface Machine {
  readonly place: Place;
  readonly volume: string;
  server: ServerProcess;
}

/** Two machines with only a network between them, paired, the one mirroring the other over TLS. */
export async function machines(folder: string): Promise<[Machine, Machine]> {
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
export async function settled(pair: readonly [Machine, Machine]): Promise<Machine> {
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

export async function expectEverywhere(pair: readonly Machine[], sources: readonly string[]): Promise<void> {
  for (const { place, volume } of pair) {
    for (const [index, source] of sources.entries()) await succeed(place, 'compare', source, `${volume}:/${index}`);
  }
}
