import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Engine } from '../../src-main/engine/index.ts';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { clientOf } from '../../src-main/engine/index.ts';
import { machinePorts } from '../../src-main/shells/headless/machine-ports.ts';
import { basicCredentials } from '../../src-main/shells/webdav/door-keeper.ts';
import { unwantedBytesMax } from '../../src-main/shells/webdav/limits.ts';
import { passwordFailuresMax } from '../../src-main/shells/web/limits.ts';
import { ask, type Answered, type Asked } from './web-lab.ts';

// A password costs much work on purpose.
vi.setConfig({ testTimeout: 120_000 });

const password = 'correct horse battery';

interface Lab {
  readonly engine: Engine;
  readonly client: MirrorpointClient;
  readonly origin: string;
  as(user: string, given: string): (asked: Asked, at?: string) => Promise<Answered>;
}

/** A server in this process that shares the volume `work` with ada, at a free address of this machine. */
async function openLab(address = '127.0.0.1:0'): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const engine = await Engine.open(machinePorts({ configFolder: folder, requestStop: () => undefined, report: () => undefined }), { serve: true });
  onTestFinished(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const client = clientOf(engine, engine.newSession());
  await client.volumes.create({ name: 'work', devices: [{ path: join(folder, 'work.img'), sizeBytes: 64 << 20 }], cpIntervalMs: 0 });
  await client.users.add({ user: 'ada', password });
  await client.shares.listen({ address });
  const { places } = await client.shares.on({ volume: 'work', users: [{ name: 'ada', access: 'write' }] });
  const origin = places[0]?.reachedAt ?? '';
  const as: Lab['as'] = (user, given) => {
    const authorization = `Basic ${Buffer.from(`${user}:${given}`).toString('base64')}`;
    return (asked, at = origin) => ask(at, { ...asked, headers: { authorization, ...asked.headers } });
  };
  return { engine, client, origin, as };
}

const propfind: Asked = { path: '/work/', method: 'PROPFIND', headers: { depth: '0' } };

describe('the door of the shares', () => {
  it('lets in who knows a password, and locks the address of wrong ones, but for those who are in', async () => {
    const { as, client, engine, origin } = await openLab();
    expect(await ask(origin, propfind)).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Basic realm="Mirrorpoint", charset="UTF-8"' } });
    const first = await Promise.all(Array.from({ length: 12 }, () => as('ada', password)(propfind)));
    expect(first.map(({ status }) => status)).toEqual(first.map(() => 207));
    for (let tries = 0; tries < passwordFailuresMax; tries++) expect((await as('ada', `wrong password ${tries}`)(propfind)).status).toBe(401);
    expect((await as('nobody', password)(propfind)).status).toBe(429);
    expect(engine.events.all.at(-1)).toMatchObject({ subject: 'shares', level: 'warning', text: expect.stringContaining('which is locked for ten minutes') });
    expect((await as('ada', password)(propfind)).status).toBe(207);
    // One that is not valid any more lets nobody in.
    await client.users.setPassword({ user: 'ada', password: 'another long password' });
    expect((await as('ada', password)(propfind)).status).toBe(429);
  });

  it('lets a user into the shares of that user alone, and to what is allowed', async () => {
    const { as, client } = await openLab();
    const ada = as('ada', password);
    expect((await ada({ path: '/other/', method: 'PROPFIND', headers: { depth: '0' } })).status).toBe(404);
    await client.shares.allow({ volume: 'work', user: 'ada', access: 'read' });
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'LOCK', 'UNLOCK', 'PROPPATCH']) {
      const refused = await ada({ path: '/work/f', method, body: '' });
      expect([method, refused.status]).toEqual([method, 403]);
      if (method === 'PUT') expect(refused.body).toContain('may read the share work');
    }
    expect((await ada(propfind)).status).toBe(207);
    await client.shares.allow({ volume: 'work', user: 'ada' });
    expect((await ada(propfind)).status).toBe(404);
    await client.shares.allow({ volume: 'work', user: 'ada', access: 'write' });
    expect((await ada({ path: '/work/f', method: 'PUT', body: 'x' })).status).toBe(201);
    await client.users.remove({ user: 'ada' });
    expect((await ada(propfind)).status).toBe(401);
    expect((await client.shares.list({})).shares).toMatchObject([{ users: [] }]);
    await client.shares.off({ volume: 'work' });
    await expect(ada(propfind)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is that of this machine, or one of HTTPS', async () => {
    const { client, engine } = await openLab();
    for (const address of ['http://0.0.0.0:0', 'somewhere', 'http://192.168.1.1:80']) {
      await expect(client.shares.listen({ address })).rejects.toMatchObject({ code: 'address-invalid' });
    }
    await expect(client.shares.listen({ address: '127.0.0.1:0' })).rejects.toMatchObject({ code: 'exists' });
    await expect(client.shares.listen({ address: 'https://127.0.0.1:0', certificate: '/nowhere' })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(client.shares.listen({ address: 'https://127.0.0.1:0', certificate: '/nowhere', key: '/nowhere' })).rejects.toMatchObject({ code: 'not-found' });
    expect(engine.book.current.sharing).toEqual({ listen: [{ address: '127.0.0.1:0' }] });
  });

  it("shows the server's own certificate over HTTPS, by TLS 1.2 or newer", async () => {
    const { as, client, engine } = await openLab('https://127.0.0.1:0');
    const { places } = await client.shares.list({});
    const origin = places[0]?.reachedAt ?? '';
    expect((await as('ada', password)(propfind, origin)).status).toBe(207);
    const { port } = new URL(origin);
    const shown = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
        socket.destroy();
      });
      socket.on('error', reject);
    });
    expect(shown).toBe(engine.trust.identity);
    await expect(ask(origin.replace('https', 'http'), propfind)).rejects.toThrow();
  });

  it('asks for a body only when it is wanted, and ends those who send on', async () => {
    const { origin } = await openLab();
    const { port } = new URL(origin);
    let isContinued = false;
    const refused = await new Promise<number>((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, path: '/work/f', method: 'PUT', headers: { expect: '100-continue', 'content-length': String(1 << 30) } }, (response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      request.on('continue', () => (isContinued = true));
      request.on('error', reject);
      request.flushHeaders();
    });
    expect([refused, isContinued]).toEqual([401, false]);
    const socket = connect(Number(port), '127.0.0.1');
    let heard = '';
    socket.on('data', (part: Buffer) => (heard += part.toString('latin1')));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write(`PUT /work/f HTTP/1.1\r\nHost: x\r\nContent-Length: ${100 * unwantedBytesMax}\r\n\r\n`);
    const part = Buffer.alloc(1 << 20);
    let sentBytes = 0;
    const send = (): void => {
      while (!socket.destroyed && sentBytes < 3 * unwantedBytesMax) {
        sentBytes += part.length;
        if (!socket.write(part)) {
          socket.once('drain', send);
          return;
        }
      }
    };
    send();
    await ended;
    expect(heard).toContain('HTTP/1.1 401');
  });

  it('cuts off an upload whose client goes away, and nothing of it is left', async () => {
    const { as, origin, client } = await openLab();
    const ada = as('ada', password);
    expect((await ada({ path: '/work/f', method: 'PUT', body: 'old' })).status).toBe(201);
    const { port } = new URL(origin);
    const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`PUT /work/f HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 9000000\r\n\r\n`);
    socket.write(Buffer.alloc(3 << 20, 1));
    const hidden = async (): Promise<number> => (await client.files.list({ volume: 'work', path: '/.mirrorpoint-webdav' }).catch(() => ({ entries: [] }))).entries.length;
    await vi.waitFor(async () => expect(await hidden()).toBe(1), { timeout: 30_000 });
    socket.destroy();
    await vi.waitFor(async () => expect(await hidden()).toBe(0), { timeout: 30_000 });
    expect((await ada({ path: '/work/f' })).body).toBe('old');
  });
});

describe('what a client shows of itself', () => {
  it.each([undefined, '', 'Basic', 'Basic !!!', 'Bearer YTpi', `Basic ${Buffer.from('no colon').toString('base64')}`, `Basic ${'A'.repeat(5000)}`])('is nobody with %j', (header) => {
    expect(basicCredentials(header)).toBeUndefined();
  });

  it('is a user with a password, which may have colons and any letters', () => {
    expect(basicCredentials(`basic ${Buffer.from('ada:pass:wörd').toString('base64')}`)).toEqual({ user: 'ada', password: 'pass:wörd' });
  });
});
