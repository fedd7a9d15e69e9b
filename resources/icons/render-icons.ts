/**
 * Makes the PNG files of the icons from the drawings beside it, in a Chromium:
 * `node resources/icons/render-icons.ts`. The results are kept in the project,
 * so that a package is built without this.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { findChromium } from '../../test/browser/installed-chromium.ts';

const folder = import.meta.dirname;
const sizes = [16, 24, 32, 48, 64, 128, 256, 512, 1024] as const;
const marks = ['normal', 'attention', 'problem'] as const;

/** Bars of systems are light or dark, so that blocks have a middle tone and a light rim. */
const colored = `
  .blocks { fill: #2f7fc4; stroke: #ffffff; stroke-width: 0.7; }
  .attention { fill: #e0a100; stroke: #3a2a00; stroke-width: 0.7; }
  .problem { fill: #d1382c; stroke: #ffffff; stroke-width: 0.7; }
`;

/** macOS colours a template by itself, and looks at nothing but how opaque it is. */
const template = '.blocks, .attention, .problem { fill: #000000; }';

async function render(page: Page, options: { drawing: string; sizePx: number; file: string; style?: string }): Promise<void> {
  const { drawing, sizePx, file, style = '' } = options;
  const drawn = readFileSync(join(folder, `${drawing}.svg`), 'utf8');
  await page.setViewportSize({ width: sizePx, height: sizePx });
  await page.setContent(`<style>html, body { margin: 0; background: transparent; } svg { display: block; width: ${sizePx}px; height: ${sizePx}px; } ${style}</style>${drawn}`);
  await page.screenshot({ path: join(folder, file), omitBackground: true, clip: { x: 0, y: 0, width: sizePx, height: sizePx } });
}

const found = await findChromium();
if (typeof found === 'string') throw new Error(`no Chromium runs here: ${found}`);
const env = Object.fromEntries(Object.entries(found.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
const browser = await chromium.launch({ executablePath: found.program, args: ['--headless', '--no-sandbox', '--disable-gpu'], env });
const page = await browser.newPage();
mkdirSync(join(folder, 'sizes'), { recursive: true });
for (const sizePx of sizes) await render(page, { drawing: 'icon', sizePx, file: join('sizes', `${sizePx}x${sizePx}.png`) });
for (const mark of marks) {
  for (const [scale, ending] of [
    [1, ''],
    [2, '@2x'],
  ] as const) {
    await render(page, { drawing: `tray-${mark}`, sizePx: 24 * scale, file: `tray-${mark}${ending}.png`, style: colored });
    await render(page, { drawing: `tray-${mark}`, sizePx: 18 * scale, file: `tray-${mark}-Template${ending}.png`, style: template });
  }
}
await render(page, { drawing: 'drag', sizePx: 64, file: 'drag.png' });
await browser.close();
