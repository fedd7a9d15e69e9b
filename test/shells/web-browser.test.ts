import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContextOptions } from 'playwright-core';
import { expect, it, onTestFinished, vi } from 'vitest';
import { builtConsole } from '../browser/built-console.ts';
import { describeInChromium, launchChromium, type OpenPage, openPage, sharedChromium } from '../browser/chromium.ts';
import { WebLab } from './web-lab.ts';

// A browser starts slowly on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const none = { errors: [], violations: [], foreign: [] };

/** A page at an address of its own. */
async function servePage(page: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A page that ends with the test. */
async function newPage(options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await openPage(await sharedChromium(), options);
  onTestFinished(() => opened.page.context().close());
  return opened;
}

describeInChromium('a browser at the console', () => {
  it('comes in by a launch address, which it forgets, and speaks to the engine under the strict policy', async () => {
    await using lab = await WebLab.open({ consoleFolder: await builtConsole() });
    const { page, faults } = await newPage();
    await page.goto(lab.web.launch().address);
    expect(new URL(page.url()).search).toBe('');
    expect(await page.evaluate(() => document.referrer)).toBe('');
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.reload();
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    expect(faults).toEqual(none);
  });

  it('has no way in without one, and is told how', async () => {
    await using lab = await WebLab.open({ consoleFolder: await builtConsole() });
    const { page, faults } = await newPage();
    const answer = await page.goto(lab.origin);
    expect(answer?.status()).toBe(401);
    await page.getByText('mirrorpoint console', { exact: true }).waitFor();
    // The page has its own style, which the policy lets in.
    expect(await page.evaluate(() => getComputedStyle(document.body).marginTop)).toBe('0px');
    expect(faults.violations).toEqual([]);
  });

  it('comes in by the password over TLS, its form being our own', async () => {
    await using lab = await WebLab.open({ consoleFolder: await builtConsole() });
    await lab.desk.setPassword('correct horse battery');
    const { reachedAt = '' } = await lab.desk.listen({ address: 'https://127.0.0.1:0', names: [] });
    const { page, faults } = await newPage({ ignoreHTTPSErrors: true });
    await page.goto(reachedAt);
    await page.getByLabel('Password of the console').fill('wrong horse battery');
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByRole('alert').getByText('That is not the password.').waitFor();
    await page.getByLabel('Password of the console').fill('correct horse battery');
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    expect(page.url()).toMatch(new RegExp(`^${reachedAt}/`));
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: expect.stringMatching(/^__Host-/), secure: true, httpOnly: true, sameSite: 'Strict' });
    expect(faults.violations).toEqual([]);
  });

  it('is sent out by the logout, and sees it', async () => {
    await using lab = await WebLab.open({ consoleFolder: await builtConsole() });
    const { page } = await newPage();
    await page.goto(lab.web.launch().address);
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    await lab.desk.logOut();
    await page.getByRole('alert').getByText('Signed out.').waitFor();
  });

  it('that has come in lends that to no page at another port or under another name', async () => {
    await using lab = await WebLab.open({ consoleFolder: await builtConsole() });
    const { port } = new URL(lab.origin);
    await using browser = await launchChromium({ args: ['--host-resolver-rules=MAP evil.example 127.0.0.1'] });
    const { page } = await openPage(browser);
    await page.goto(lab.web.launch().address);
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    const beside = await page.context().newPage();
    await beside.goto(await servePage('<title>beside</title>'));
    const got = await beside.evaluate(async (origin) => {
      const fetched = await fetch(`${origin}/`, { mode: 'no-cors', credentials: 'include' }).then((answer) => answer.type, () => 'refused');
      const posted = await fetch(`${origin}/logout`, { method: 'POST', mode: 'no-cors', credentials: 'include' }).then((answer) => answer.type, () => 'refused');
      const socket = await new Promise((resolve) => {
        const opening = new WebSocket(`${origin.replace('http', 'ws')}/rpc`);
        opening.onopen = () => {
          resolve('open');
        };
        opening.onerror = () => {
          resolve('refused');
        };
      });
      const frame = document.createElement('iframe');
      frame.src = origin;
      const framed = new Promise((resolve) => {
        frame.onload = resolve;
      });
      document.body.append(frame);
      await framed;
      return { fetched, posted, socket, framed: frame.contentDocument === null ? 'foreign' : 'readable' };
    }, lab.origin);
    expect(got).toEqual({ fetched: 'refused', posted: 'refused', socket: 'refused', framed: 'foreign' });
    const [, frame] = beside.frames();
    expect(await frame?.evaluate(() => document.querySelector('#app'))).toBeNull();
    const rebound = await beside.goto(`http://evil.example:${port}/`);
    expect(rebound?.status()).toBe(403);
    // Nothing of it ended the session.
    await page.reload();
    await page.getByText(lab.engine.book.current.serverName).first().waitFor();
    expect(lab.web.sessionCount).toBe(1);
  });
});
