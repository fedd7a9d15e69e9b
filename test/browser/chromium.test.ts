import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { contentSecurityPolicy } from '../../src-main/shells/index.ts';
import { builtConsole } from './built-console.ts';
import { describeInChromium, launchChromium, openPage } from './chromium.ts';

/** Serves one page, and a script that is what the test wants it to be. */
async function servePage(parts: { body: string; script: string; policy?: string }): Promise<string> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    const type = isScript ? 'text/javascript' : 'text/html';
    response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': parts.policy ?? contentSecurityPolicy });
    response.end(isScript ? parts.script : `<!doctype html><title>page</title>${parts.body}<script type="module" src="/page.js"></script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describeInChromium('what a scenario in Chromium notes', () => {
  it('is nothing when a page does nothing wrong, styles set by script and pictures of its own included', async () => {
    const script = `
      document.body.style.setProperty('color', 'red');
      const picture = new Image();
      const bytes = new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>'], { type: 'image/svg+xml' });
      picture.onload = () => { document.title = 'width ' + picture.width; };
      picture.src = URL.createObjectURL(bytes);
    `;
    await using browser = await launchChromium();
    const { page, faults } = await openPage(browser);
    await page.goto(await servePage({ body: '<p>text</p>', script }));
    await page.waitForFunction(() => document.title === 'width 7');
    expect(faults).toEqual({ errors: [], violations: [], foreign: [] });
  });

  it('is every refusal of the policy, and every error', async () => {
    const script = `
      console.error('said');
      document.body.setAttribute('style', 'color: red');
      fetch('http://127.0.0.1:9/elsewhere').catch(() => {});
      setTimeout(() => { document.title = 'done'; throw new Error('thrown'); }, 0);
    `;
    await using browser = await launchChromium();
    const { page, faults } = await openPage(browser);
    await page.goto(await servePage({ body: '<p style="color: red">text</p>', script }));
    await page.waitForFunction(() => document.title === 'done');
    await expect.poll(() => faults.errors.join('\n')).toMatch(/said[^]*thrown/);
    expect(faults.violations.map((text) => text.split(' ')[0]).sort()).toEqual(['connect-src', 'style-src-attr', 'style-src-attr']);
  });

  it('is every address elsewhere that a page asks for', async () => {
    const script = "fetch('http://127.0.0.1:9/elsewhere').catch(() => { document.title = 'done'; });";
    await using browser = await launchChromium();
    const { page, faults } = await openPage(browser);
    await page.goto(await servePage({ body: '', script, policy: "connect-src *" }));
    await page.waitForFunction(() => document.title === 'done');
    expect(faults.foreign).toEqual(['http://127.0.0.1:9/elsewhere']);
  });
});

describeInChromium('the console that the tests look at', () => {
  it('is built once for all who ask', async () => {
    const folder = await builtConsole();
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['index.html', 'built-from']));
    expect(await builtConsole()).toBe(folder);
  });
});
