import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import type { WebSocket } from 'ws';
import { describe, expect, it, vi } from 'vitest';
import { SeededRandom, systemRandom } from '../../src-main/base/index.ts';
import { makeIdentity } from '../../src-main/pairing/index.ts';
import { fileTextStore } from '../../src-main/shells/headless/stored-files.ts';
import { ConsolePassword } from '../../src-main/shells/web/console-password.ts';
import { countedAddressesMax, formBytesMax, passwordFailuresMax, passwordLockMs } from '../../src-main/shells/web/limits.ts';
import { PasswordGuard } from '../../src-main/shells/web/password-guard.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { ask, type Answered, WebLab, cookieOf, openSocket } from './web-lab.ts';

// A password costs much work on purpose.
vi.setConfig({ testTimeout: 180_000 });

const password = 'correct horse battery';
const farPlace = { address: 'https://127.0.0.1:0', names: [] as string[] };

interface Far {
  readonly lab: WebLab;
  readonly origin: string;
  logIn(given: string, more?: Readonly<Record<string, string>>): Promise<Answered>;
}

/** A console that is served to other machines, at an address of this one. */
async function openFar(lab: WebLab, place: Parameters<WebLab['desk']['listen']>[0] = farPlace): Promise<Far> {
  await lab.desk.setPassword(password);
  const { reachedAt = '' } = await lab.desk.listen(place);
  const logIn = (given: string, more: Readonly<Record<string, string>> = {}): Promise<Answered> => {
    const body = new URLSearchParams({ password: given }).toString();
    const headers = { origin: reachedAt, 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length), ...more };
    return ask(reachedAt, { path: '/login', method: 'POST', headers, body });
  };
  return { lab, origin: reachedAt, logIn };
}

/** What a browser is shown at an address, and the protocol that they agree on. */
function certificateAt(origin: string, options: { maxVersion?: 'TLSv1.2' } = {}): Promise<{ certificate: PeerCertificate; protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: Number(new URL(origin).port), rejectUnauthorized: false, ...options }, () => {
      resolve({ certificate: socket.getPeerCertificate(), protocol: socket.getProtocol() });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('an address that other machines reach', () => {
  it('is refused without a password, and nothing is stored then', async () => {
    await using lab = await WebLab.open();
    await expect(lab.desk.listen(farPlace)).rejects.toMatchObject({ code: 'password-missing' });
    expect(await lab.desk.status()).toMatchObject({ places: [], isPasswordSet: false, addresses: [lab.origin] });
  });

  it('is never without encryption, nor by the option of this machine', async () => {
    await using lab = await WebLab.open();
    await lab.desk.setPassword(password);
    await expect(lab.desk.listen({ address: 'http://0.0.0.0:1', names: [] })).rejects.toMatchObject({ code: 'address-invalid' });
    await expect(lab.desk.listen({ address: '127.0.0.1:0', names: [] })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(lab.desk.listen({ address: '0.0.0.0', names: [] })).rejects.toMatchObject({ code: 'address-invalid' });
    await expect(WebLab.open({ address: '0.0.0.0:0' })).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(lab.engine.book.current.console).toBeUndefined();
  });

  it("shows the server's own certificate, by TLS 1.3 alone", async () => {
    await using lab = await WebLab.open();
    const { origin } = await openFar(lab);
    const { certificate, protocol } = await certificateAt(origin);
    expect(protocol).toBe('TLSv1.3');
    expect(createHash('sha256').update(certificate.raw).digest('hex')).toBe(lab.engine.trust.identity);
    await expect(certificateAt(origin, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    await expect(ask(origin.replace('https', 'http'), { path: '/' })).rejects.toThrow();
  });

  it('shows a certificate of the administrator, which fits its key', async () => {
    await using lab = await WebLab.open();
    const [own, other] = [await makeIdentity(systemRandom), await makeIdentity(systemRandom)];
    const files = { certificate: join(lab.folder, 'chain.pem'), key: join(lab.folder, 'key.pem') };
    await lab.desk.setPassword(password);
    await expect(lab.desk.listen({ ...farPlace, ...files })).rejects.toMatchObject({ code: 'not-found' });
    writeFileSync(files.certificate, own.certificatePem);
    writeFileSync(files.key, other.keyPem);
    await expect(lab.desk.listen({ ...farPlace, ...files })).rejects.toMatchObject({ code: 'argument-invalid' });
    writeFileSync(files.key, 'no key');
    await expect(lab.desk.listen({ ...farPlace, ...files })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(lab.desk.listen({ ...farPlace, certificate: files.certificate })).rejects.toMatchObject({ code: 'argument-invalid' });
    writeFileSync(files.key, own.keyPem);
    const { origin } = await openFar(lab, { ...farPlace, ...files });
    expect((await certificateAt(origin)).certificate.raw.equals(new X509Certificate(own.certificatePem).raw)).toBe(true);
    // Renewed: the certificate first, which alone does not fit the key.
    writeFileSync(files.certificate, other.certificatePem);
    lab.clock.fire();
    await expect.poll(() => lab.engine.events.last(1)).toMatchObject([{ subject: 'console', level: 'warning', text: expect.stringContaining(files.certificate) }]);
    expect((await certificateAt(origin)).certificate.raw.equals(new X509Certificate(own.certificatePem).raw)).toBe(true);
    writeFileSync(files.key, other.keyPem);
    lab.clock.fire();
    await expect.poll(async () => (await certificateAt(origin)).certificate.raw.equals(new X509Certificate(other.certificatePem).raw)).toBe(true);
  });

  it('is stored with its names, once, and given up again', async () => {
    await using lab = await WebLab.open();
    const { origin } = await openFar(lab, { ...farPlace, names: ['files.example'] });
    const { port } = new URL(origin);
    expect(lab.engine.book.current.console).toEqual({ listen: [{ address: farPlace.address, names: ['files.example'] }] });
    await expect(lab.desk.listen(farPlace)).rejects.toMatchObject({ code: 'exists' });
    expect((await ask(origin, { path: '/', headers: { host: `files.example:${port}` } })).status).toBe(401);
    expect((await ask(origin, { path: '/', headers: { host: `other.example:${port}` } })).status).toBe(403);
    await expect(lab.desk.removePassword()).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(lab.desk.unlisten('0.0.0.0:1')).rejects.toMatchObject({ code: 'not-found' });
    await lab.desk.unlisten(farPlace.address);
    await expect(ask(origin, { path: '/' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await lab.desk.removePassword();
    expect(await lab.desk.status()).toMatchObject({ places: [], isPasswordSet: false });
  });

  it('that is taken is refused, and nothing is stored', async () => {
    await using lab = await WebLab.open();
    const { origin } = await openFar(lab);
    await expect(lab.desk.listen({ address: origin, names: [] })).rejects.toMatchObject({ code: 'address-in-use' });
    expect((await lab.desk.status()).places).toHaveLength(1);
  });
});

describe('the password', () => {
  it('lets somebody in at the address of its page alone, by a cookie that stays encrypted', async () => {
    await using lab = await WebLab.open();
    const { origin, logIn } = await openFar(lab);
    const page = await ask(origin, { path: '/' });
    expect(page.status).toBe(401);
    expect(page.body).toContain('<form method="post" action="/login">');
    expect(page.headers['content-security-policy']).toContain("form-action 'self'");
    expect((await lab.ask({ path: '/' })).body).not.toContain('<form');
    const answer = await logIn(password);
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
    const cookie = cookieOf(answer);
    expect(cookie).toMatch(/^__Host-mirrorpoint-\d+=[A-Za-z0-9_-]{43}$/);
    expect(answer.headers['set-cookie']![0]!.split('; ').slice(1).sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
    expect((await ask(origin, { path: '/', headers: { cookie } })).status).toBe(200);
    const socket = (await openSocket(`${origin}/rpc`, { headers: { Origin: origin, cookie } })) as WebSocket;
    socket.terminate();
    expect((await lab.ask({ path: '/', headers: { cookie } })).status).toBe(401);
    const near = cookie.replace(/^[^=]+/, `mirrorpoint-${new URL(lab.origin).port}`);
    expect((await lab.ask({ path: '/', headers: { cookie: near } })).status).toBe(401);
    expect((await lab.ask({ path: '/login', method: 'POST', headers: { origin: lab.origin } })).status).toBe(405);
  });

  it('is asked for by the page of the console itself alone', async () => {
    await using lab = await WebLab.open();
    const { logIn } = await openFar(lab);
    for (const origin of ['https://evil.example', 'null', lab.origin]) expect([origin, (await logIn(password, { origin })).status]).toEqual([origin, 403]);
    expect((await logIn(password, { 'content-type': 'text/plain' })).status).toBe(400);
    expect((await logIn('x'.repeat(formBytesMax))).status).toBe(400);
    expect((await logIn(password)).status).toBe(303);
  });

  it('locks an address from which wrong ones come, for a while, also for the right one', async () => {
    await using lab = await WebLab.open();
    const { logIn } = await openFar(lab);
    for (let count = 1; count < passwordFailuresMax; count++) expect((await logIn('wrong horse battery')).status).toBe(403);
    expect((await logIn('')).status).toBe(429);
    expect((await logIn(password)).status).toBe(429);
    expect(lab.engine.events.last(1)).toMatchObject([{ subject: 'console', level: 'warning', text: expect.stringContaining('127.0.0.1') }]);
    lab.clock.advance(passwordLockMs + 1000);
    const { status, headers } = await logIn(password);
    expect([status, headers['set-cookie']?.length]).toEqual([303, 1]);
    for (let count = 1; count < passwordFailuresMax; count++) expect((await logIn('wrong horse battery')).status).toBe(403);
    expect((await logIn(password)).status).toBe(303);
  });

  it('cannot be tried faster by trying many at once', async () => {
    await using lab = await WebLab.open();
    const { logIn } = await openFar(lab);
    const tries = await Promise.all(Array.from({ length: 20 }, (_, index) => logIn(`wrong password ${index}`)));
    const judged = tries.filter(({ status }) => status === 403).length;
    expect(judged).toBeLessThan(passwordFailuresMax);
    expect(tries.every(({ status }) => [403, 429, 503].includes(status))).toBe(true);
  });

  it('that is changed puts out who came in by the old one, and nobody else', async () => {
    await using lab = await WebLab.open();
    const { origin, logIn } = await openFar(lab);
    const cookie = cookieOf(await logIn(password));
    const near = await lab.enter();
    await lab.desk.setPassword('another long password');
    expect((await ask(origin, { path: '/', headers: { cookie } })).status).toBe(401);
    expect((await lab.ask({ path: '/', headers: near })).status).toBe(200);
    expect((await logIn(password)).status).toBe(403);
    expect((await logIn('another long password')).status).toBe(303);
  });

  it('is kept as a salted hash, in a file of its owner alone, and written down nowhere else', async () => {
    await using lab = await WebLab.open();
    const { logIn } = await openFar(lab);
    await logIn('a wrong password 1');
    await logIn(password);
    const path = join(lab.folder, 'console-password.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const first = readFileSync(path, 'utf8');
    await lab.desk.setPassword(password);
    expect(readFileSync(path, 'utf8')).not.toBe(first);
    const { scrypt } = JSON.parse(first) as { scrypt: Record<string, unknown> };
    expect(scrypt).toMatchObject({ cost: 32_768, blockSize: 8, parallelization: 3 });
    const written = [...lab.said, first, readFileSync(join(lab.folder, 'settings.json'), 'utf8')].join('\n');
    expect(written).not.toMatch(/horse|wrong password/);
  });

  it.each(['', 'eleven sign', 'x'.repeat(257), 'with a\u0000 control', 'half \ud800 sign of it'])('is not %j', async (given) => {
    await using lab = await WebLab.open();
    await expect(lab.desk.setPassword(given)).rejects.toMatchObject({ code: 'argument-invalid' });
    expect((await lab.desk.status()).isPasswordSet).toBe(false);
  });

  it('is the same however its signs are put together, and another for every other', async () => {
    await using lab = await WebLab.open();
    const kept = new ConsolePassword(fileTextStore(join(lab.folder, 'other.json')), new SeededRandom(1));
    await kept.set('pässwörd für alle');
    expect(await kept.matches('pässwörd für alle'.normalize('NFD'))).toBe(true);
    for (const other of ['Pässwörd für alle', 'pässwörd für alle ', 'pasword fur alle', '']) expect(await kept.matches(other)).toBe(false);
    await kept.remove();
    expect(await kept.matches('pässwörd für alle')).toBe(false);
    expect(await kept.matches('')).toBe(false);
  });

  it.each(['', '{}', '{"version":2}', '{"version":1,"scrypt":{"cost":1,"blockSize":8,"parallelization":1,"salt":"","hash":""}}'])(
    'lets nobody in when its file holds %j',
    async (text) => {
      await using lab = await WebLab.open();
      const { logIn } = await openFar(lab);
      writeFileSync(join(lab.folder, 'console-password.json'), text);
      expect((await logIn(password)).status).toBe(500);
      expect(lab.engine.events.last(1)).toMatchObject([{ subject: 'console', level: 'problem', text: expect.stringContaining('console-password.json') }]);
      await lab.desk.setPassword(password);
      expect((await lab.desk.status()).isPasswordSet).toBe(true);
    },
  );
});

describe('the lock against wrong passwords', () => {
  it('takes all addresses of one network of IPv6 for one, and an address of IPv4 in either form', () => {
    const guard = new PasswordGuard(new VirtualClock());
    for (const remote of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::2', '2001:0db8:0001:0002:3:4:5:6']) expect(guard.admits(remote)).toBe(true);
    expect(guard.admits('2001:db8:1:2:9::9')).toBe(false);
    expect(guard.admits('2001:db8:1:3::1')).toBe(true);
    for (const remote of ['::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1']) expect(guard.admits(remote)).toBe(true);
    expect(guard.admits('192.0.2.1')).toBe(false);
    expect(guard.admits('fe80::1%eth0')).toBe(true);
  });

  it('ends after a while without tries, and remembers a bounded number', () => {
    const clock = new VirtualClock();
    const guard = new PasswordGuard(clock);
    const someAddress = (): string => randomBytes(4).join('.');
    for (let count = 0; count < passwordFailuresMax; count++) guard.admits('192.0.2.1');
    clock.advance(passwordLockMs - 1);
    expect(guard.isLocked('192.0.2.1')).toBe(true);
    clock.advance(2);
    expect(guard.admits('192.0.2.1')).toBe(true);
    const many = new Set(Array.from({ length: countedAddressesMax * 2 }, someAddress));
    expect([...many].filter((address) => guard.admits(address)).length).toBe(countedAddressesMax - 1);
    clock.advance(passwordLockMs + 1);
    expect(guard.admits('198.51.100.1')).toBe(true);
  });
});
