import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { clientOf, Engine, PeerDesk } from '../../src-main/engine/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import { writeFile } from './volume-trees.ts';

export interface TestServer {
  readonly engine: Engine;
  readonly client: MirrorpointClient;
  readonly folder: string;
}

/** A server in this process, which pairs with others over real TLS. */
export async function serve(name: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const ports = { ...machinePorts({ configFolder: folder, requestStop: () => undefined, report: () => undefined }), defaultServerName: name };
  const engine = await Engine.open(ports, { serve: true });
  const desk = PeerDesk.open(engine);
  const session = engine.newSession();
  onTestFinished(async () => {
    await session.close();
    await desk.close();
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { engine, client: clientOf(engine, session), folder };
}

export async function pair(primary: TestServer, mirror: TestServer): Promise<void> {
  const wallMs = Date.now();
  await mirror.engine.trust.peers.add({ identity: primary.engine.trust.identity, name: 'a', role: 'primary', wallMs });
  await primary.engine.trust.peers.add({ identity: mirror.engine.trust.identity, name: 'b', role: 'mirror', wallMs });
}

export async function createVolume(server: TestServer, name: string, role: 'primary' | 'mirror'): Promise<void> {
  const devices = [{ path: join(server.folder, `${name}.img`), sizeBytes: 64 << 20 }];
  await server.client.volumes.create({ name, role, devices, listen: role === 'mirror' ? ['tls://127.0.0.1:0'] : [] });
}

export async function addressOf(mirror: TestServer, name: string): Promise<string> {
  const { volumes } = await mirror.client.server.status({});
  return volumes.find((volume) => volume.name === name)!.listen[0]!;
}

export async function untilIdentical(primary: TestServer): Promise<void> {
  await expect.poll(async () => (await primary.client.relationships.list({})).relationships[0]?.identical, { timeout: 20_000 }).toBe(true);
}

export async function gather<T>(stream: AsyncIterable<T> | Promise<AsyncIterable<T>>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of await stream) all.push(event);
  return all;
}

/** `a` has the volume `work`, which `b` mirrors as `copy`, with one file and one snapshot. */
export async function mirrored(): Promise<{ a: TestServer; b: TestServer; address: string }> {
  const [a, b] = [await serve('a'), await serve('b')];
  await pair(a, b);
  await createVolume(a, 'work', 'primary');
  await createVolume(b, 'copy', 'mirror');
  const address = await addressOf(b, 'copy');
  await writeFile((await a.engine.shelf.primary('work')).volume, '/note', { content: 'what was noted' });
  await a.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
  await a.client.relationships.link({ volume: 'work', address, peer: 'b' });
  await untilIdentical(a);
  return { a, b, address };
}
