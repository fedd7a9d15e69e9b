import { expect } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { type ConsoleLab, type LabServer, type MirroredVolume, mirrored } from './console-lab.ts';

/** How long something may take to be seen on a busy machine. */
export const patience = { timeout: 30_000 };

/** The smallest picture that is one: a single pixel. */
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/**
 * A volume with two snapshots and a mirror. `monday` has what `tuesday` has
 * changed (minutes.txt), moved (plan.txt) and removed (tower.txt).
 */
export async function volumeWithStates(lab: ConsoleLab): Promise<MirroredVolume> {
  const pair = await lab.pairedServers();
  const { primary, volume } = pair;
  await lab.put(primary, volume, {
    'projects/minutes.txt': 'The first meeting\nAda took the minutes.\n',
    'projects/plan.txt': 'Build the bridge.\n',
    'projects/drawings/deck.txt': 'deck',
    'photos/tower.txt': 'A tower',
    'photos/pixel.png': pixel,
    'photos/raw.dat': Uint8Array.from({ length: 4000 }, (_, index) => (index * 7) % 256),
  });
  await primary.client.snapshots.create({ volume, snapshot: 'monday' });
  await lab.put(primary, volume, { 'projects/minutes.txt': 'The second meeting\nAda took the minutes.\nBob was late.\n' });
  await primary.client.files.move({ volume, from: '/projects/plan.txt', to: '/projects/scheme.txt' });
  await removed(primary, volume, '/photos/tower.txt');
  await primary.client.snapshots.create({ volume, snapshot: 'tuesday' });
  await mirrored(pair);
  return pair;
}

export async function removed(server: LabServer, volume: string, path: string): Promise<void> {
  for await (const event of await server.client.files.remove({ volume, path, recursive: true })) {
    if (event.type === 'problem') throw new Error(event.message);
  }
}

/** The text of a file of a volume as it is now; undefined when it is not there. */
export async function liveText(server: LabServer, volume: string, path: string): Promise<string | undefined> {
  const { client } = server;
  const names = (await client.files.list({ volume, path: path.slice(0, path.lastIndexOf('/')) })).entries.map(({ name }) => name);
  if (!names.includes(path.slice(path.lastIndexOf('/') + 1))) return undefined;
  const { readId, sizeBytes } = await client.files.openRead({ volume, path });
  const text = sizeBytes === 0 ? '' : await (await client.files.read({ readId, offsetBytes: 0, lengthBytes: sizeBytes })).text();
  await client.files.closeRead({ readId });
  return text;
}

export async function liveNames(server: LabServer, volume: string, path: string): Promise<string[]> {
  return (await server.client.files.list({ volume, path })).entries.map(({ name }) => name);
}

/** The parts of the screen. */
export class SnapshotsScreen {
  readonly page: Page;
  /** The pane of the chosen state. */
  readonly left: Locator;
  /** The pane beside it. */
  readonly right: Locator;

  constructor(page: Page) {
    this.page = page;
    this.left = page.getByRole('region', { name: 'The chosen state' });
    this.right = page.getByRole('region', { name: 'Beside it' });
  }

  row(pane: Locator, name: string | RegExp): Locator {
    return pane.getByRole('row', { name });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  tab(name: string | RegExp): Locator {
    return this.page.getByRole('tab', { name });
  }

  /** Drags a row onto a place, as a hand does. */
  async drag(from: Locator, onto: Locator): Promise<void> {
    await from.hover();
    await this.page.mouse.down();
    await onto.hover();
    // A browser takes a drag for one after a second move.
    await onto.hover();
    await this.page.mouse.up();
  }

  /** Waits until every restore that was begun here has ended; resolves to what is said of them. */
  async outcome(label = /^Restored$/): Promise<string> {
    const card = this.page.getByRole('region', { name: 'Restores' }).getByRole('article').filter({ has: this.page.getByText(label) }).first();
    await card.waitFor();
    return card.innerText();
  }

  async expectRows(pane: Locator, names: readonly string[]): Promise<void> {
    await expect.poll(async () => (await pane.getByRole('row').locator('.entry-name').allInnerTexts()).sort(), patience).toEqual([...names].sort());
  }
}
