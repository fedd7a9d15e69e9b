import { expect } from 'vitest';
import type { Page } from 'playwright-core';
import { type ConsoleLab, freePort, type OpenConsole } from './console-lab.ts';

/** Fills in the wizard for a new volume on an image, whose role is given. */
export async function makeVolume(page: Page, volume: { name: string; folder: string; size: string; listen?: string }): Promise<void> {
  await page.getByRole('button', { name: 'Make a new volume…' }).click();
  await page.getByLabel('Name', { exact: true }).fill(volume.name);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('An image file', { exact: true }).click();
  await page.getByRole('textbox', { name: 'Folder for the image file' }).fill(volume.folder);
  const next = page.getByRole('button', { name: 'Next' });
  const asked = await next.boundingBox();
  expect(await page.getByLabel('File name').inputValue()).toBe(`${volume.name}.img`);
  await page.getByLabel('Size').fill(volume.size);
  await page.getByText(/ free in /).waitFor();
  // Who clicks while the answer comes must not miss.
  expect(await next.boundingBox()).toEqual(asked);
  await next.click();
  await page.getByRole('heading', { name: 'How often, how safe, and where it is reached' }).waitFor();
  if (volume.listen !== undefined) await page.getByLabel('Where the other server reaches it').fill(volume.listen);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('button', { name: 'Make the volume' }).click();
}

/** Goes to Pairing, and says which of the two this server is. */
export async function beginAs(console: OpenConsole, button: 'Make an invitation' | 'Use an invitation'): Promise<void> {
  await console.go('/pairing');
  await console.page.getByRole('button', { name: button }).click();
}

/** Leads two empty servers by their windows to a volume `work` and its mirror `copy`, which has everything. */
export async function pairInWindows(lab: ConsoleLab, { files, copy }: { files: OpenConsole; copy: OpenConsole }): Promise<void> {
  await beginAs(copy, 'Make an invitation');
  await makeVolume(copy.page, { name: 'copy', folder: lab.folder, size: '96M', listen: `tls://127.0.0.1:${await freePort()}` });
  await copy.page.getByRole('button', { name: 'Make an invitation' }).click();
  const invitation = await copy.page.getByLabel('Invitation', { exact: true }).inputValue();
  await beginAs(files, 'Use an invitation');
  await makeVolume(files.page, { name: 'work', folder: lab.folder, size: '64M' });
  await files.page.getByLabel('Invitation', { exact: true }).fill(invitation);
  await files.page.getByRole('button', { name: 'Look who made it' }).click();
  await files.page.getByRole('button', { name: 'Yes, pair the two' }).click();
  await copy.page.getByRole('button', { name: 'Yes, pair the two' }).click();
  await files.page.getByRole('button', { name: 'Link work' }).click();
  await files.page.getByText('The mirror has everything, and follows.').waitFor();
}
