import { type BrowserContext, chromium } from 'playwright-core';
import { findChromium } from '../browser/installed-chromium.ts';

const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

async function open(): Promise<BrowserContext> {
  const found = await findChromium();
  if (typeof found === 'string') throw new Error(`no Chromium runs here: ${found}`);
  const env = Object.fromEntries(Object.entries(found.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const browser = await chromium.launch({ executablePath: found.program, args: flags, env, handleSIGTERM: false, handleSIGINT: false });
  const context = await browser.newContext({ locale: 'en-US' });
  // Pages of windows answer for themselves; whatever else opens gets nothing.
  await context.route('**/*', (route) => route.abort('internetdisconnected'));
  return context;
}

let opened: Promise<BrowserContext> | undefined;

/** The browser that stands for Electron's renderer processes; it starts with the first window. */
export function pages(): Promise<BrowserContext> {
  opened ??= open();
  return opened;
}

/** Ends the browser, if there is one. */
export async function closePages(): Promise<void> {
  const context = await opened?.catch(() => undefined);
  await context?.browser()?.close();
}
