import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { messageBytesMax } from '../../src-main/shells/headless/rpc-sockets.ts';
import { openConsolesMax } from '../../src-main/shells/web/limits.ts';
import { WebLab } from './web-lab.ts';

async function openConsole(lab: WebLab): Promise<WebSocket> {
  const opened = await lab.rpc(await lab.enter());
  if (typeof opened === 'number') throw new Error(`refused by ${opened}`);
  opened.binaryType = 'arraybuffer';
  return opened;
}

function clientOver(socket: WebSocket): MirrorpointClient {
  return createORPCClient(new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }));
}

function closeOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve));
}

describe('an open console', () => {
  it('asks what the contract has, with its faults and streams, in a session of its own', async () => {
    await using lab = await WebLab.open();
    const [one, other] = [await openConsole(lab), await openConsole(lab)];
    const [client, second] = [clientOver(one), clientOver(other)];
    const devices = [{ path: `${lab.folder}/work.img`, sizeBytes: 256 << 20 }];
    await client.volumes.create({ name: 'work', devices });
    await client.files.makeDirectory({ volume: 'work', path: '/folder' });
    await expect(client.files.stat({ volume: 'work', path: '/missing' })).rejects.toMatchObject({ code: 'FAULT', data: { code: 'not-found' } });
    for await (const status of await second.server.watch({})) {
      expect(status.volumes).toMatchObject([{ name: 'work' }]);
      break;
    }
    await expect(second.files.closeRead({ readId: 'of nobody' })).resolves.toEqual({});
    for (const content of [new Blob([]), new Blob([randomBytes(1 << 20)])]) {
      await expect(second.files.write({ writeId: 'of nobody', offsetBytes: 0, content })).rejects.toMatchObject({ code: 'FAULT' });
    }
    one.close();
    expect((await second.volumes.list({})).volumes).toHaveLength(1);
  });

  it('cannot ask who may come in: that is for commands', async () => {
    await using lab = await WebLab.open();
    const socket = await openConsole(lab);
    const client = clientOver(socket) as unknown as { console: Record<string, (input: unknown) => Promise<unknown>> };
    for (const [name, input] of [['launch', {}], ['setPassword', { password: 'a long enough one' }], ['listen', { address: '0.0.0.0:0', names: [] }], ['status', {}]] as const) {
      await expect(client.console[name]!(input)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect((await lab.desk.status()).isPasswordSet).toBe(false);
  });

  it.each([
    ['no JSON', '{"i":'],
    ['no object', '7'],
    ['another form', '{"question":"server.status"}'],
    ['no path', '{"i":"1","p":{"u":7}}'],
    ['a path elsewhere', '{"i":"1","p":{"u":"http://evil.example/"}}'],
    ['a stream', '{"i":"1","t":3,"p":{"e":"message"}}'],
    ['headers of its own', '{"i":"1","p":{"u":"/server/status","h":{"cookie":"x"}}}'],
    ['something more', '{"i":"1","p":{"u":"/server/status"},"more":1}'],
    ['a form without its parts', Buffer.concat([Buffer.from('{"i":"1","p":{"u":"/server/status","h":{"content-type":"multipart/form-data; boundary=x"}}}'), Buffer.from([0xff, 1, 2])])],
    ['a form without a boundary', '{"i":"1","p":{"u":"/server/status","h":{"content-type":"multipart/form-data"}}}'],
    ['bytes that are no text', Buffer.from([0x80, 0x81])],
    ['bytes without a question', Buffer.from([0xff, 1, 2, 3])],
  ])('that sends %s is ended, and the log says so', async (_what, message) => {
    await using lab = await WebLab.open();
    const socket = await openConsole(lab);
    const other = await openConsole(lab);
    const closed = closeOf(socket);
    socket.send(message);
    expect(await closed).toBe(1007);
    expect(lab.engine.events.last(1)).toMatchObject([{ subject: 'console', level: 'warning' }]);
    expect((await clientOver(other).volumes.list({})).volumes).toEqual([]);
  });

  it('that sends noise is answered or ended, and the server goes on', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const noise = fc.oneof(
      fc.json(),
      fc.uint8Array({ maxLength: 200 }),
      fc.record({ i: fc.string(), p: fc.record({ u: fc.constantFrom('/server/status', '/files/write', '/volumes/create', '/x'), b: fc.jsonValue(), h: fc.jsonValue() }) }).map((value) => JSON.stringify(value)),
      fc.record({ i: fc.constant('1'), p: fc.record({ u: fc.constantFrom('/server/status', '/volumes/create', '/nothing'), b: fc.jsonValue() }) }).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (message) => {
        const socket = (await lab.rpc({ cookie })) as WebSocket;
        const ended = new Promise<'answered' | number>((resolve) => {
          socket.once('message', () => {
            resolve('answered');
          });
          socket.once('close', resolve);
        });
        socket.send(message);
        expect(['answered', 1007]).toContain(await ended);
        socket.terminate();
      }),
      { numRuns: 200 },
    );
    expect((await clientOver(await openConsole(lab)).volumes.list({})).volumes).toEqual([]);
  });

  it('that sends more than a question is ended', async () => {
    await using lab = await WebLab.open();
    const socket = await openConsole(lab);
    socket.on('error', () => undefined);
    const closed = closeOf(socket);
    socket.send(randomBytes(messageBytesMax + 1));
    expect(await closed).toBe(1009);
  });

  it('is one of a bounded number', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const opened = await Promise.all(Array.from({ length: openConsolesMax }, () => lab.rpc({ cookie })));
    expect(opened.filter((one) => one instanceof WebSocket)).toHaveLength(openConsolesMax);
    expect(await lab.rpc({ cookie })).toBe(503);
    const [first] = opened as WebSocket[];
    first!.close();
    await expect.poll(() => lab.rpc({ cookie })).toBeInstanceOf(WebSocket);
  });

  it('that has gone without a word is noticed, and one that only says nothing stays', async () => {
    await using lab = await WebLab.open({ heartbeatMs: 200 });
    const { cookie } = await lab.enter();
    const quiet = (await lab.rpc({ cookie })) as WebSocket;
    const dead = connect(Number(new URL(lab.origin).port), '127.0.0.1');
    const gone = new Promise((resolve) => dead.on('error', () => undefined).on('close', resolve).resume());
    dead.write(
      `GET /rpc HTTP/1.1\r\nHost: ${lab.host}\r\nOrigin: ${lab.origin}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    await gone;
    expect(quiet.readyState).toBe(WebSocket.OPEN);
  });

  it('is told when the server stops, and what it held open ends', async () => {
    await using lab = await WebLab.open();
    const socket = await openConsole(lab);
    const client = clientOver(socket);
    const stream = await client.server.watch({});
    await stream.next();
    const closed = closeOf(socket);
    await lab.web.close();
    expect(await closed).toBe(1001);
    await expect(stream.next()).rejects.toThrow();
    await expect(lab.ask({ path: '/' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
