import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults, type Result } from 'axe-core';
import { expect } from 'vitest';
import type { OpenConsole } from './console-lab.ts';

/** Fails when a page met an error, when its policy refused something, or when it asked elsewhere for something. */
export function expectNoFaults({ faults }: OpenConsole): void {
  expect(faults).toEqual({ errors: [], violations: [], foreign: [] });
}

/** The only errors that a page may have while its server is away: that it cannot be reached. */
export function forgetUnreachable({ faults }: OpenConsole): void {
  const others = faults.errors.filter((text) => !/^WebSocket connection to|^Failed to load resource: (net::ERR_|the server responded with a status of 401)/.test(text));
  faults.errors.splice(0, faults.errors.length, ...others);
}

interface WindowWithAxe {
  readonly axe?: { run(options: object): Promise<AxeResults> };
}

function told({ id, help, nodes }: Result): string {
  return [`${id}: ${help}`, ...nodes.slice(0, 5).map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary ?? ''}`)].join('\n');
}

/** Serious and critical findings of axe in a page as it is now. */
async function findingsOf({ page }: OpenConsole): Promise<string[]> {
  const isThere = await page.evaluate(() => 'axe' in window);
  // By the debugging protocol, which the page's policy does not concern.
  if (!isThere) await page.evaluate(axe.source);
  const results = await page.evaluate(() => (window as WindowWithAxe).axe!.run({ resultTypes: ['violations'] }));
  return results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(told);
}

/** Puts a page into an appearance, and waits until every change of colours is over. */
async function wear({ page }: OpenConsole, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const ending = document.getAnimations().filter(({ effect }) => Number.isFinite(Number(effect?.getComputedTiming().endTime)));
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}

/** Fails when axe finds anything serious or critical in the page as it is now, in either appearance. */
export async function expectAccessible(console: OpenConsole): Promise<void> {
  await wear(console, 'dark');
  expect(await findingsOf(console), 'dark').toEqual([]);
  await wear(console, 'light');
  expect(await findingsOf(console), 'light').toEqual([]);
}

/** Where pictures go when they are asked for by MIRRORPOINT_PICTURES; they are for looking at, not for comparing. */
const picturesFolder = join(tmpdir(), 'mirrorpoint-pictures');

/** Takes a picture of the window in both appearances, if pictures are asked for. */
export async function picture(console: OpenConsole, name: string): Promise<void> {
  if (process.env.MIRRORPOINT_PICTURES === undefined) return;
  mkdirSync(picturesFolder, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await wear(console, colorScheme);
    await console.page.screenshot({ path: join(picturesFolder, `${name}-${colorScheme}.png`) });
  }
  await wear(console, 'light');
}
