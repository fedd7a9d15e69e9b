import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RPCHandler } from '@orpc/server/ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CopyEvent, MirrorpointClient } from '../../src-main/contract/index.ts';
import { Engine, type EnginePorts, engineRouter, type LocalTree } from '../../src-main/engine/index.ts';
import { connectControl, type ControlClient } from '../../src-main/shells/headless/control-client.ts';
import { ControlServer } from '../../src-main/shells/headless/control-server.ts';
import { machineTree } from '../../src-main/shells/headless/local-tree.ts';
import { machinePorts } from '../../src-main/shells/headless/machine-ports.ts';

interface TestServer {
  readonly folder: string;
  readonly endpoint: string;
  readonly client: MirrorpointClient;
  connect(): Promise<ControlClient>;
}

/** A server in this process, reached over its socket as from any other. */
async function serve(options: { localTree?: LocalTree } = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const ports: EnginePorts = {
    ...machinePorts({ configFolder: folder, requestStop: () => undefined, report: () => undefined }),
    ...options,
  };
  const engine = await Engine.open(ports, { serve: true });
  const endpoint = join(folder, 'control.sock');
  const handler = new RPCHandler(engineRouter);
  const server = await ControlServer.open({
    endpoint,
    answer: (socket) => {
      const session = engine.newSession();
      void handler.upgrade(socket, { context: { engine, session } });
      return session;
    },
    onGarbled: () => undefined,
  });
  const connect = async (): Promise<ControlClient> => {
    const control = await connectControl(endpoint);
    if (control === undefined) throw new Error('nobody listens');
    return control;
  };
  const control = await connect();
  onTestFinished(async () => {
    await control.close();
    await server.close();
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const devices = [{ path: join(folder, 'work.img'), sizeBytes: 256 << 20 }];
  await control.client.volumes.create({ name: 'work', devices });
  return { folder, endpoint, client: control.client, connect };
}

async function gather(stream: Promise<AsyncIterable<CopyEvent>>): Promise<CopyEvent[]> {
  const all: CopyEvent[] = [];
  for await (const event of await stream) all.push(event);
  return all;
}

async function namesIn(client: MirrorpointClient, path: string): Promise<string[]> {
  const { entries } = await client.files.list({ volume: 'work', path });
  return entries.map((entry) => entry.name);
}

describe('the channel for commands', () => {
  it('can be opened by its owner alone', async () => {
    const { endpoint } = await serve();
    expect(statSync(endpoint).mode & 0o777).toBe(0o600);
  });

  it('carries faults with their codes, of requests and of streams', async () => {
    const { client } = await serve();
    await expect(client.files.stat({ volume: 'work', path: '/nothing' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.files.stat({ volume: 'work', path: '/../x' })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(client.files.read({ readId: 'none', offsetBytes: 0, lengthBytes: 1 })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(gather(client.files.put({ volume: 'work', path: '/x', local: '/no/such' }))).rejects.toMatchObject({ code: 'not-found' });
    await expect(gather(client.files.put({ volume: 'work', path: '/x', local: 'relative' }))).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it('carries bytes as they are, and times to the nanosecond', async () => {
    const { folder, client } = await serve();
    const bytes = randomBytes(2_500_000);
    writeFileSync(join(folder, 'file'), bytes);
    await gather(client.files.put({ volume: 'work', path: '/file', local: join(folder, 'file') }));
    const { readId, sizeBytes } = await client.files.openRead({ volume: 'work', path: '/file' });
    const parts: Buffer[] = [];
    for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += 1 << 20) {
      const blob = await client.files.read({ readId, offsetBytes, lengthBytes: 1 << 20 });
      parts.push(Buffer.from(await blob.arrayBuffer()));
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    const { modifiedNs } = await client.files.stat({ volume: 'work', path: '/file' });
    expect(modifiedNs).toBe(statSync(join(folder, 'file'), { bigint: true }).mtimeNs);
  });

  it('ends a job when the one who asked for it goes away', async () => {
    const { folder, client, connect } = await serve();
    mkdirSync(join(folder, 'much'));
    for (let index = 0; index < 150; index++) writeFileSync(join(folder, 'much', `${index}`), randomBytes(1_200_000));
    const leaving = await connect();
    const stream = await leaving.client.files.put({ volume: 'work', path: '/much', local: join(folder, 'much') });
    for await (const event of stream) if (event.type === 'progress' && event.bytes > 0) break;
    await leaving.close();
    const count = (await namesIn(client, '/much')).length;
    expect(count).toBeLessThan(150);
    const unfinished = async (): Promise<string[]> => (await namesIn(client, '/much')).filter((name) => name.startsWith('.mirrorpoint-put'));
    await expect.poll(unfinished, { timeout: 30_000 }).toEqual([]);
    const names = await namesIn(client, '/much');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await namesIn(client, '/much')).toEqual(names);
    await gather(client.files.put({ volume: 'work', path: '/much', local: join(folder, 'much') }));
    expect(await namesIn(client, '/much')).toHaveLength(150);
  });

  it('gives up the reads that a connection held open', async () => {
    const { folder, client, connect } = await serve();
    writeFileSync(join(folder, 'file'), 'text');
    await gather(client.files.put({ volume: 'work', path: '/file', local: join(folder, 'file') }));
    await client.cp.now({ volume: 'work' });
    const leaving = await connect();
    const { readId } = await leaving.client.files.openRead({ volume: 'work', path: '/file', at: 'last' });
    await expect(client.files.closeRead({ readId })).resolves.toEqual({});
    const blob = await leaving.client.files.read({ readId, offsetBytes: 0, lengthBytes: 10 });
    expect(await blob.text()).toBe('text');
    await leaving.close();
    await client.snapshots.create({ volume: 'work', snapshot: 'after' });
  });
});

describe('a file that changes while it is read', () => {
  it.each([100, 3_000_000])('is left out by a code, and nothing of it is in the volume (%d bytes)', async (sizeBytes) => {
    let changing = '';
    const localTree: LocalTree = {
      ...machineTree,
      async readWhole(path, bytesMax) {
        if (path === changing) appendFileSync(path, 'more');
        return machineTree.readWhole(path, bytesMax);
      },
      async openRead(path) {
        const reader = await machineTree.openRead(path);
        if (path !== changing) return reader;
        return {
          ...reader,
          readInto: async (offsetBytes, target) => {
            const gotBytes = await reader.readInto(offsetBytes, target);
            appendFileSync(path, 'more');
            return gotBytes;
          },
          stat: () => reader.stat(),
          close: () => reader.close(),
          [Symbol.asyncDispose]: () => reader.close(),
        };
      },
    };
    const { folder, client } = await serve({ localTree });
    mkdirSync(join(folder, 'tree'));
    changing = join(folder, 'tree', 'log');
    writeFileSync(changing, randomBytes(sizeBytes));
    writeFileSync(join(folder, 'tree', 'still'), 'still');
    const events = await gather(client.files.put({ volume: 'work', path: '/tree', local: join(folder, 'tree') }));
    expect(events.filter((event) => event.type === 'problem')).toMatchObject([{ code: 'source-changed', path: changing }]);
    expect(await namesIn(client, '/tree')).toEqual(['still']);
  });
});
