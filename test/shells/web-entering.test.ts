import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { ConsoleDesk } from '../../src-main/shells/web/console-desk.ts';
import { launchesMax, launchLifeMs, sessionIdleMs, sessionsMax } from '../../src-main/shells/web/limits.ts';
import { WebLab, cookieOf } from './web-lab.ts';

async function isIn(lab: WebLab, cookie: string): Promise<boolean> {
  const { status, body } = await lab.ask({ path: '/', headers: { cookie } });
  expect([200, 401]).toContain(status);
  expect(body.includes('the console</title>')).toBe(status === 200);
  return status === 200;
}

/** Every text that the server keeps in its folder, and all it said. */
function writtenBy(lab: WebLab): string {
  const files = readdirSync(lab.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return [...lab.said, ...files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))].join('\n');
}

describe('a launch address', () => {
  it('is swapped for a session, and is not in the address any more', async () => {
    await using lab = await WebLab.open();
    const answer = await lab.ask({ path: lab.launchPath() });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' } });
    expect(await isIn(lab, cookieOf(answer))).toBe(true);
  });

  it('gives a cookie that no script reads, no other site sends, and that ends with the browser', async () => {
    await using lab = await WebLab.open();
    const { headers } = await lab.ask({ path: lab.launchPath() });
    expect(headers['set-cookie']).toHaveLength(1);
    const [secret, ...manners] = headers['set-cookie']![0]!.split('; ');
    expect(secret).toMatch(new RegExp(`^mirrorpoint-${new URL(lab.origin).port}=[A-Za-z0-9_-]{43}$`));
    expect(manners.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict']);
  });

  it('is good once; the second use fails, and ends the session that came of the first', async () => {
    await using lab = await WebLab.open();
    const path = lab.launchPath();
    const cookie = cookieOf(await lab.ask({ path }));
    const open = (await lab.rpc({ cookie })) as WebSocket;
    const closed = new Promise((resolve) => open.once('close', resolve));
    const again = await lab.ask({ path });
    expect(again.status).toBe(403);
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(await closed).toBe(1008);
    expect(await isIn(lab, cookie)).toBe(false);
    expect(lab.engine.events.last(1)).toMatchObject([{ subject: 'console', level: 'warning' }]);
  });

  it('is good for a short while', async () => {
    await using lab = await WebLab.open();
    const [early, late] = [lab.launchPath(), lab.launchPath()];
    lab.clock.advance(launchLifeMs - 1000);
    expect((await lab.ask({ path: early })).status).toBe(303);
    lab.clock.advance(2000);
    const { status, headers, body } = await lab.ask({ path: late });
    expect({ status, cookie: headers['set-cookie'] }).toEqual({ status: 403, cookie: undefined });
    expect(body).toContain('mirrorpoint console');
  });

  it('cannot be guessed, nor used up by a request that only looks', async () => {
    await using lab = await WebLab.open();
    const path = lab.launchPath();
    expect(path).toMatch(/^\/\?launch=[A-Za-z0-9_-]{43}$/);
    expect((await lab.ask({ path: `${path.slice(0, -1)}!` })).status).toBe(401);
    expect((await lab.ask({ path: path.slice(0, -1) })).status).toBe(403);
    expect((await lab.ask({ path, method: 'HEAD' })).status).toBe(401);
    expect((await lab.ask({ path })).status).toBe(303);
  });

  it('is one of a few: the oldest makes room', async () => {
    await using lab = await WebLab.open();
    const paths = Array.from({ length: launchesMax + 1 }, () => lab.launchPath());
    expect((await lab.ask({ path: paths[0]! })).status).toBe(403);
    expect((await lab.ask({ path: paths[1]! })).status).toBe(303);
  });

  it('and the secret that it becomes stand in no log, no event and no file', async () => {
    await using lab = await WebLab.open();
    const path = lab.launchPath();
    const cookie = cookieOf(await lab.ask({ path }));
    await lab.ask({ path });
    await lab.ask({ path: `${path}&more` });
    await lab.ask({ path, headers: { host: 'foreign.example' } });
    await lab.ask({ path, method: 'POST' });
    await lab.engine.events.close();
    const written = writtenBy(lab);
    expect(written).toContain('A launch address was used a second time');
    expect(written).not.toContain(path.split('=')[1]);
    expect(written).not.toContain(cookie.split('=')[1]);
  });
});

describe('a session', () => {
  it('is needed for everything but the page that says how to come in', async () => {
    await using lab = await WebLab.open();
    const { status, body } = await lab.ask({ path: '/' });
    expect(status).toBe(401);
    expect(body).toContain('mirrorpoint console');
    expect(body).not.toContain('<form');
    for (const path of ['/index.html', '/assets/index-0a1b2c.js', '/download?what=e30', '/nothing']) {
      expect([path, (await lab.ask({ path })).status]).toEqual([path, 401]);
    }
    expect(await lab.rpc({})).toBe(401);
    expect(await lab.rpc({ cookie: 'mirrorpoint-1=x' })).toBe(401);
    expect((await lab.ask({ path: '/notice.css' })).status).toBe(200);
    const { cookie } = await lab.enter();
    for (const path of ['/index.html', '/assets/index-0a1b2c.js']) {
      expect([path, (await lab.ask({ path, headers: { cookie } })).status]).toEqual([path, 200]);
    }
  });

  it('ends when nobody has used it for long; an open console uses it', async () => {
    await using lab = await WebLab.open();
    const [{ cookie: used }, { cookie: open }, { cookie: left }] = [await lab.enter(), await lab.enter(), await lab.enter()];
    const socket = (await lab.rpc({ cookie: open })) as WebSocket;
    lab.clock.advance(sessionIdleMs / 2);
    expect(await isIn(lab, used)).toBe(true);
    lab.clock.advance(sessionIdleMs / 2 + 1000);
    expect([await isIn(lab, used), await isIn(lab, open), await isIn(lab, left)]).toEqual([true, true, false]);
    lab.clock.advance(sessionIdleMs + 1000);
    expect(await isIn(lab, used)).toBe(false);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(lab.web.sessionCount).toBe(1);
  });

  it('ends by the command, with its open consoles and unused launch addresses', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const path = lab.launchPath();
    const socket = (await lab.rpc({ cookie })) as WebSocket;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect(await lab.desk.logOut()).toBe(1);
    expect(await closed).toBe(1008);
    expect(await isIn(lab, cookie)).toBe(false);
    expect((await lab.ask({ path })).status).toBe(403);
  });

  it('outlasts a restart of the server, with the time that nobody has used it', async () => {
    await using lab = await WebLab.open();
    const [{ cookie: used }, { cookie: left }] = [await lab.enter(), await lab.enter()];
    lab.clock.advance(sessionIdleMs - 60_000);
    expect(await isIn(lab, used)).toBe(true);
    await lab.restart(async () => lab.clock.advance(120_000));
    expect([await isIn(lab, used), await isIn(lab, left)]).toEqual([true, false]);
  });

  it('is over for good once it was ended: a restart does not bring it back', async () => {
    await using lab = await WebLab.open();
    const [{ cookie: kept }, { cookie: left }] = [await lab.enter(), await lab.enter()];
    await lab.ask({ path: '/logout', method: 'POST', headers: { cookie: left, origin: lab.origin } });
    await lab.restart();
    expect([await isIn(lab, kept), await isIn(lab, left)]).toEqual([true, false]);
    await lab.restart(async () => {
      expect(await new ConsoleDesk(lab.engine).logOut()).toBe(1);
    });
    expect(await isIn(lab, kept)).toBe(false);
  });

  it('is stored as a digest that lets nobody in, for the eyes of the server’s user alone', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    await lab.restart();
    const file = join(lab.folder, 'console-sessions.json');
    const text = readFileSync(file, 'utf8');
    const [name, secret] = cookie.split('=');
    expect(text).not.toContain(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { id } = (JSON.parse(text) as { sessions: { id: string }[] }).sessions[0]!;
    expect(await isIn(lab, `${name!}=${id}`)).toBe(false);
  });

  it.each(['{"version":1,"sessions":[{"id":"x"}]}', 'not JSON', ''])('is forgotten where what was stored cannot be read: %j', async (text) => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    await lab.restart(async () => writeFileSync(join(lab.folder, 'console-sessions.json'), text));
    expect(await isIn(lab, cookie)).toBe(false);
    expect(await isIn(lab, (await lab.enter()).cookie)).toBe(true);
    expect(lab.engine.events.last(5).map((event) => event.text).join()).toContain('every browser has to come in anew');
  });

  it('ends when its own browser asks for that, and only that one', async () => {
    await using lab = await WebLab.open();
    const [{ cookie }, { cookie: other }] = [await lab.enter(), await lab.enter()];
    const headers = { cookie, origin: lab.origin };
    expect((await lab.ask({ path: '/logout', headers })).status).toBe(405);
    expect((await lab.ask({ path: '/logout', method: 'POST', headers: { cookie } })).status).toBe(403);
    const answer = await lab.ask({ path: '/logout', method: 'POST', headers });
    expect(answer).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(answer.headers['set-cookie']?.[0]).toContain('Max-Age=0');
    expect([await isIn(lab, cookie), await isIn(lab, other)]).toEqual([false, true]);
  });

  it('is not told from a second one that a page elsewhere has planted', async () => {
    await using lab = await WebLab.open();
    const { cookie } = await lab.enter();
    const planted = `${cookie.split('=')[0]!}=planted`;
    expect(await isIn(lab, `${planted}; ${cookie}`)).toBe(false);
    expect(await isIn(lab, `other=1; ${cookie}; more=2`)).toBe(true);
  });

  it('is one of many at most: the one that was used longest ago makes room', async () => {
    await using lab = await WebLab.open();
    const { cookie: first } = await lab.enter();
    const { cookie: second } = await lab.enter();
    for (let count = 2; count < sessionsMax; count++) await lab.enter();
    lab.clock.advance(1000);
    expect(await isIn(lab, first)).toBe(true);
    await lab.enter();
    expect([await isIn(lab, first), await isIn(lab, second)]).toEqual([true, false]);
    expect(lab.web.sessionCount).toBe(sessionsMax);
  });
});
