import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from './installed-chromium.ts';

/** Nothing of the browser's own may go over a network. */
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

const found = await findChromium();

/** Why no browser runs here; undefined where one does. */
export const missingBecause = typeof found === 'string' ? found : undefined;

/** Starts a browser; whoever starts it closes it, as `await using` does. */
export async function launchChromium(options: { args?: readonly string[] } = {}): Promise<Browser> {
  if (typeof found === 'string') throw new Error(`no Chromium runs here: ${found}`);
  return chromium.launch({
    executablePath: found.program,
    args: [...flags, ...(options.args ?? [])],
    env: Object.fromEntries(Object.entries(found.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  });
}

let shared: Promise<Browser> | undefined;

/** One browser for all in this process whose contexts tell them apart; it ends with the process, or by `closeSharedChromium`. */
export function sharedChromium(): Promise<Browser> {
  shared ??= launchChromium();
  return shared;
}

export async function closeSharedChromium(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/** What a page did that no page of the console may do. A scenario ends with all of it empty. */
export interface PageFaults {
  /** Errors in the page's console, and faults that nobody caught. */
  readonly errors: string[];
  /** What the content security policy refused. */
  readonly violations: string[];
  /** Addresses of other origins than those that were asked for by the test. */
  readonly foreign: string[];
}

interface Violation {
  readonly effectiveDirective: string;
  readonly blockedURI: string;
  readonly sourceFile: string;
  readonly lineNumber: number;
}

/** Notes what goes wrong in every page of a context, from before their first script on. */
export async function watchContext(context: BrowserContext): Promise<PageFaults> {
  const faults: PageFaults = { errors: [], violations: [], foreign: [] };
  const asked = new Set<string>();
  await context.exposeBinding('noteViolation', (_source, { effectiveDirective, blockedURI, sourceFile, lineNumber }: Violation) => {
    faults.violations.push(`${effectiveDirective} refused ${blockedURI} (${sourceFile}:${lineNumber})`);
  });
  await context.addInitScript(() => {
    const { noteViolation } = globalThis as unknown as { noteViolation: (violation: Violation) => void };
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
      noteViolation({ effectiveDirective, blockedURI, sourceFile, lineNumber });
    });
  });
  context.on('weberror', (error) => {
    faults.errors.push(String(error.error()));
  });
  context.on('console', (message) => {
    if (message.type() === 'error') faults.errors.push(`${message.text()} (${message.location().url})`);
  });
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (request.isNavigationRequest() && request.frame().parentFrame() === null) asked.add(origin);
    else if (protocol !== 'blob:' && protocol !== 'data:' && !asked.has(origin)) faults.foreign.push(request.url());
  });
  return faults;
}

export interface OpenPage {
  readonly page: Page;
  readonly faults: PageFaults;
}

/** A page in a context of its own, with a record of what goes wrong in it. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<OpenPage> {
  // A machine without a language makes Chromium name one that formats of numbers and times refuse.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  const faults = await watchContext(context);
  return { page: await context.newPage(), faults };
}
