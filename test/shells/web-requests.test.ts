import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../../src-main/shells/console-files.ts';
import { parseConsoleAddress } from '../../src-main/shells/web/console-address.ts';
import { connectionsMax, headerBytesMax } from '../../src-main/shells/web/limits.ts';
import { isOwnHost, type Site } from '../../src-main/shells/web/site-rules.ts';
import { type Answered, WebLab } from './web-lab.ts';

/** Sends bytes as they are, and resolves to what comes until the server ends the connection. */
function sendRaw(lab: WebLab, text: string): Promise<string> {
  const socket = connect(Number(new URL(lab.origin).port), '127.0.0.1');
  const parts: string[] = [];
  socket.setEncoding('latin1').on('data', (part: string) => parts.push(part));
  socket.end(text, 'latin1');
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(parts.join(''));
    });
  });
}

const strictHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

describe('the console', () => {
  it('answers to its own names at its own port alone, whatever is asked for', async () => {
    await using lab = await WebLab.open();
    const { port } = new URL(lab.origin);
    const { cookie } = await lab.enter();
    const foreign = ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, '127.0.0.1', '127.0.0.1:1', `localhost.:${port}`, `a@127.0.0.1:${port}`, `127.0.0.2:${port}`];
    for (const host of foreign) {
      for (const path of ['/', lab.launchPath(), '/notice.css', '/download?what=e30', '/assets/index-0a1b2c.js']) {
        expect([host, path, (await lab.ask({ path, headers: { host, cookie } })).status]).toEqual([host, path, 403]);
      }
      expect([host, await lab.rpc({ host, cookie })]).toEqual([host, 403]);
    }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
      expect([host, (await lab.ask({ path: '/', headers: { host, cookie } })).status]).toEqual([host, 200]);
    }
  });

  it('answers no page of another origin, another port of this machine included', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', lab.origin.replace('http', 'https'), `${lab.origin}/`, lab.origin.replace('127.0.0.1', 'localhost')]) {
      for (const [method, path] of [['GET', '/'], ['GET', '/download?what=e30'], ['POST', '/logout'], ['POST', '/login'], ['PUT', '/']] as const) {
        expect([origin, path, (await lab.ask({ method, path, headers: { origin, cookie } })).status]).toEqual([origin, path, 403]);
      }
      expect([origin, await lab.rpc({ origin, cookie })]).toEqual([origin, 403]);
    }
    for (const site of ['cross-site', 'same-site']) {
      const headers = { cookie, 'sec-fetch-site': site };
      const navigating = { ...headers, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      for (const path of ['/', '/download?what=e30', '/assets/index-0a1b2c.js']) {
        expect([site, path, (await lab.ask({ path, headers })).status]).toEqual([site, path, 403]);
      }
      expect((await lab.ask({ path: '/download?what=e30', headers: navigating })).status).toBe(403);
      // A link may lead here; a frame may not.
      expect((await lab.ask({ path: '/', headers: navigating })).status).toBe(200);
      expect((await lab.ask({ path: '/', headers: { ...navigating, 'sec-fetch-dest': 'iframe' } })).status).toBe(403);
    }
    const own = { cookie, origin: lab.origin, 'sec-fetch-site': 'same-origin' };
    expect((await lab.ask({ path: '/', headers: own })).status).toBe(200);
  });

  it('opens no socket for who does not say where he comes from, nor at another path', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const handshake = `Host: ${lab.host}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n`;
    const origin = `Origin: ${lab.origin}\r\n`;
    expect(await sendRaw(lab, `GET /rpc HTTP/1.1\r\n${handshake}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await sendRaw(lab, `GET / HTTP/1.1\r\n${handshake}${origin}\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await sendRaw(lab, `GET /rpc?x HTTP/1.1\r\n${handshake}${origin}\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await sendRaw(lab, `GET /rpc HTTP/1.1\r\n${handshake}${origin}\r\n`)).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('says with every answer that nothing of it is framed, embedded, or allowed to load from elsewhere', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const all: [string, Answered][] = [];
    for (const [method, path, more] of [
      ['GET', '/', {}],
      ['GET', '/', { cookie }],
      ['HEAD', '/', { cookie }],
      ['GET', lab.launchPath(), {}],
      ['GET', '/?launch=wrong', {}],
      ['GET', '/assets/index-0a1b2c.js', { cookie }],
      ['GET', '/missing.js', { cookie }],
      ['GET', '/notice.css', {}],
      ['GET', '/', { host: 'evil.example' }],
      ['GET', '/', { origin: 'https://evil.example' }],
      ['PATCH', '/', { origin: lab.origin }],
      ['POST', '/logout', { origin: lab.origin, cookie }],
    ] as const) {
      all.push([`${method} ${path}`, await lab.ask({ method, path, headers: more })]);
    }
    for (const [what, { headers }] of all) {
      expect([what, headers]).toMatchObject([what, { ...strictHeaders, 'content-security-policy': contentSecurityPolicy, 'referrer-policy': 'no-referrer' }]);
    }
    expect(all.map(([, { status }]) => status)).toEqual([401, 200, 200, 303, 403, 200, 404, 200, 403, 403, 405, 303]);
    const download = await lab.ask({ path: '/download?what=e30', headers: { cookie } });
    expect(download.headers).toMatchObject({ ...strictHeaders, 'content-security-policy': expect.stringMatching(/^default-src 'none'/) });
    for (const refused of [await sendRaw(lab, 'nonsense\r\n\r\n'), await sendRaw(lab, 'GET /rpc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')]) {
      expect(refused).toContain(`Content-Security-Policy: ${contentSecurityPolicy}\r\n`);
    }
  });

  it('lets browsers keep the files whose names change with their content, and nothing else', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const cached = async (path: string): Promise<string | undefined> => (await lab.ask({ path, headers: { cookie } })).headers['cache-control'];
    expect(await cached('/assets/index-0a1b2c.js')).toBe('private, max-age=31536000, immutable');
    for (const path of ['/', '/index.html', '/missing.js', '/assets/missing.js', '/notice.css']) expect([path, await cached(path)]).toEqual([path, 'no-store']);
  });

  it('gives no file outside of its folder, and none that is not of its kinds', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    writeFileSync(join(lab.folder, 'secret.js'), 'secret');
    writeFileSync(join(lab.folder, 'console', 'notes.txt'), 'secret');
    const climbs = ['/../secret.js', '/assets/../../secret.js', '/%2e%2e/secret.js', '/..%2fsecret.js', '/..%5csecret.js', '/.%00./secret.js', '/%zz.js', '//secret.js', `/${lab.folder}/secret.js`];
    for (const path of [...climbs, '/notes.txt', '/assets', '/assets/', '/settings.json', '/index.html?x', '/?x', '/?launch=']) {
      const { status, body } = await lab.ask({ path, headers: { cookie } });
      expect([path, status, body.includes('secret')]).toEqual([path, 404, false]);
    }
    for (const line of ['GET http://evil.example/ HTTP/1.1', `GET ${lab.origin}/index.html HTTP/1.1`, 'OPTIONS * HTTP/1.1', 'CONNECT evil.example:80 HTTP/1.1']) {
      const answer = await sendRaw(lab, `${line}\r\nHost: ${lab.host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
      expect([line, answer]).toEqual([line, expect.stringMatching(/^(HTTP\/1\.1 40[0345] |$)/)]);
    }
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('takes no %s for a page', async (method) => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    for (const path of ['/', '/assets/index-0a1b2c.js', '/download?what=e30', '/notice.css']) {
      const { status, headers } = await lab.ask({ method, path, headers: { cookie, origin: lab.origin } });
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
      expect((await lab.ask({ method, path, headers: { cookie } })).status).toBe(403);
    }
  });

  it('that was never built says so in its page, and is there once it is', async () => {
    await using lab = await WebLab.open();
    rmSync(join(lab.folder, 'console'), { recursive: true });
    const { cookie } = await lab.enter();
    const { status, body } = await lab.ask({ path: '/', headers: { cookie } });
    expect([status, lab.web.isBuilt]).toEqual([503, false]);
    expect(body).toContain('npm run build');
    mkdirSync(join(lab.folder, 'console'));
    writeFileSync(join(lab.folder, 'console', 'index.html'), 'built');
    expect((await lab.ask({ path: '/', headers: { cookie } })).body).toBe('built');
  });
});

describe('strangers at the console', () => {
  it('who send too much are refused', async () => {
    await using lab = await WebLab.open();
    const long = 'x'.repeat(headerBytesMax + 1);
    expect(await sendRaw(lab, `GET / HTTP/1.1\r\nHost: ${lab.host}\r\nX-Long: ${long}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await sendRaw(lab, `GET /${long} HTTP/1.1\r\nHost: ${lab.host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('who say nothing, or never end, are sent away, and whoever has come in is served meanwhile', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const slow: Socket[] = [];
    const gone = Array.from({ length: 20 }, (_, index) => {
      const socket = connect(Number(new URL(lab.origin).port), '127.0.0.1');
      if (index % 2 === 0) socket.write(`GET / HTTP/1.1\r\nHost: ${lab.host}\r\nX-Slow: `);
      slow.push(socket);
      return new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve).resume());
    });
    expect((await lab.ask({ path: '/', headers: { cookie } })).status).toBe(200);
    await Promise.all(gone);
  });

  it('are a bounded number', async () => {
    await using lab = await WebLab.open();
    const sockets = Array.from({ length: connectionsMax + 20 }, () => connect(Number(new URL(lab.origin).port), '127.0.0.1'));
    const refused: Socket[] = [];
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('close', () => refused.push(socket));
    }
    await expect.poll(() => refused.length).toBe(20);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => lab.enter().catch(() => undefined)).toMatchObject({ cookie: expect.stringMatching(/=/) });
  });
});

describe('which hosts are its own', () => {
  const site: Site = { scheme: 'https', port: 7443, names: new Set(['files.example']) };

  it.each([
    ['192.168.1.20:7443', '192.168.1.20'],
    ['192.168.1.20:7443', '::ffff:192.168.1.20'],
    ['[FE80::1]:7443', 'fe80::1'],
    ['[fe80:0:0::1]:7443', 'fe80::1'],
    ['Files.Example:7443', '192.168.1.20'],
    ['localhost:7443', '127.0.0.1'],
  ])('%s, asked at %s', (host, local) => {
    expect(isOwnHost(site, host, local)).toBe(true);
  });

  it.each([
    ['192.168.1.21:7443', '192.168.1.20'],
    ['localhost:7443', '192.168.1.20'],
    ['127.0.0.1:7443', '192.168.1.20'],
    ['files.example', '192.168.1.20'],
    ['files.example:443', '192.168.1.20'],
    ['x.files.example:7443', '192.168.1.20'],
    [undefined, '192.168.1.20'],
  ])('and not %s, asked at %s', (host, local) => {
    expect(isOwnHost(site, host, local)).toBe(false);
  });

  it('without a port, where it is the usual one of the scheme', () => {
    expect(isOwnHost({ ...site, port: 443 }, 'files.example', '10.0.0.1')).toBe(true);
    expect(isOwnHost({ ...site, port: 80 }, 'files.example', '10.0.0.1')).toBe(false);
  });
});

describe('an address for the console', () => {
  it('is encrypted unless it is this machine', () => {
    expect(parseConsoleAddress('127.0.0.1:9000')).toEqual({ scheme: 'http', host: '127.0.0.1', port: 9000 });
    expect(parseConsoleAddress('localhost')).toEqual({ scheme: 'http', host: '127.0.0.1', port: undefined });
    expect(parseConsoleAddress('[::1]:0')).toEqual({ scheme: 'http', host: '::1', port: 0 });
    expect(parseConsoleAddress('0.0.0.0:7443')).toEqual({ scheme: 'https', host: '0.0.0.0', port: 7443 });
    expect(parseConsoleAddress('https://127.0.0.1:7443/')).toEqual({ scheme: 'https', host: '127.0.0.1', port: 7443 });
  });

  it.each(['', 'x', 'host.example:1', 'http://0.0.0.0:1', '127.0.0.1:65536', '127.0.0.1:x', 'tcp://127.0.0.1:1', '1.2.3.4.5:1', '127.0.0.1:1/path', 'user@127.0.0.1:1'])(
    'is not %j',
    (text) => {
      expect(() => parseConsoleAddress(text)).toThrow(expect.objectContaining({ code: 'address-invalid' }));
    },
  );
});
