/**
 * Makes the pictures of the documents: two real servers, the one mirrored to the
 * other and written to for a while, and each screen of their consoles.
 *
 *   npm run screenshots [-- NAME...]     all pictures unless some are named
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeSharedChromium } from '../browser/launching.ts';
import { ConsoleLab, mirrored, type MirroredVolume } from './console-lab.ts';
import { type ScreenPicture, screenPictures } from './screen-pictures.ts';

const picturesFolder = join(import.meta.dirname, '..', '..', 'resources', 'screenshots');
const size = { width: 1280, height: 800 };
const roundCount = 24;
const roundMs = 5000;

const notes = ['Roof and gutters', 'Offer of the carpenter', 'Heating: questions', 'Garden wall'];

/** Files as somebody has them who builds a house. */
function filesOf(round: number): Record<string, string | Uint8Array> {
  const letters = notes.map((title, index): [string, string] => [`letters/${title}.md`, `# ${title}\n\nVersion ${round + index}.\n`]);
  return {
    ...Object.fromEntries(letters),
    'plans/ground floor.dwg': randomBytes((2 + (round % 4)) << 18),
    [`photos/site ${String(round).padStart(2, '0')}.jpg`]: randomBytes(1 << 20),
    'costs.csv': `item,euro\nroof,${18_000 + round * 120}\nheating,${9_500 + round * 40}\n`,
  };
}

/** Works on the volume for a while, with a snapshot now and then. */
async function work(lab: ConsoleLab, { primary, volume }: MirroredVolume): Promise<void> {
  for (let round = 0; round < roundCount; round++) {
    await lab.put(primary, volume, filesOf(round));
    if (round % 6 === 3) await primary.client.snapshots.create({ volume, snapshot: `before round ${round + 1}` });
    await new Promise((resolve) => setTimeout(resolve, roundMs));
  }
}

async function take(lab: ConsoleLab, pair: MirroredVolume, picture: ScreenPicture): Promise<void> {
  for (const colorScheme of picture.appearances) {
    const { page } = await lab.openConsole(pair[picture.of], { path: picture.path, colorScheme, viewport: size, reducedMotion: 'reduce' });
    await page.locator('main').getByText(picture.shows).first().waitFor();
    await picture.prepare?.(page);
    await page.waitForLoadState('networkidle');
    const file = join(picturesFolder, `${picture.name}-${colorScheme}.png`);
    await page.screenshot({ path: file });
    await page.context().close();
    console.log(file);
  }
}

async function makePictures(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !screenPictures.some((picture) => picture.name === name));
  if (unknown.length > 0) throw new Error(`there is no picture ${unknown.join(', ')}; there are ${screenPictures.map(({ name }) => name).join(', ')}`);
  mkdirSync(picturesFolder, { recursive: true });
  await using lab = ConsoleLab.open();
  const pair = await lab.pairedServers({ volume: 'projects', copy: 'projects', sizeBytes: 1 << 30, cpIntervalMs: 5000 });
  await work(lab, pair);
  await mirrored(pair);
  for (const picture of screenPictures) if (names.length === 0 || names.includes(picture.name)) await take(lab, pair, picture);
  await closeSharedChromium();
}

await makePictures(process.argv.slice(2));
