import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab } from './console-lab.ts';
import { liveNames, liveText, patience, SnapshotsScreen, volumeWithStates } from './snapshots-lab.ts';

/** Drops files and folders of this machine onto a place, as the desktop does. */
async function dropFromDesktop(onto: Locator, paths: readonly string[]): Promise<void> {
  const page = onto.page();
  const box = (await onto.boundingBox())!;
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2, data: { items: [], files: [...paths], dragOperationsMask: 1 } };
  const session = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await session.send('Input.dispatchDragEvent', { type, ...place });
  await session.detach();
}

describeInChromium('files of the desktop in the console', () => {
  it('are dropped into a folder of the live volume, folders with all that is in them', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const desktop = lab.localFiles('desktop', { 'letters/2024/may.txt': 'May', 'letters/june.txt': 'June', 'note.txt': 'A note', 'large.bin': new Uint8Array(3_500_000).fill(7) });
    const console = await lab.openConsole(primary, { path: '/snapshots' });
    const screen = new SnapshotsScreen(console.page);
    await dropFromDesktop(screen.row(screen.right, /projects/), ['letters', 'note.txt', 'large.bin'].map((name) => join(desktop, name)));
    await screen.right.getByText('Added 4 files to work:/projects.').waitFor();
    expect(await liveNames(primary, volume, '/projects')).toEqual(['drawings', 'large.bin', 'letters', 'minutes.txt', 'note.txt', 'scheme.txt']);
    expect(await liveText(primary, volume, '/projects/letters/2024/may.txt')).toBe('May');
    expect((await primary.client.files.stat({ volume, path: '/projects/large.bin' })).sizeBytes).toBe(3_500_000);
    await picture(console, 'snapshots-added');
    await expectAccessible(console);
    expectNoFaults(console);
  });

  it('are asked about where something of their name is, and what is replaced is kept by a snapshot', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const desktop = lab.localFiles('desktop', { 'minutes.txt': 'Minutes of the desktop', 'scheme.txt': 'Another scheme', 'new.txt': 'New' });
    const console = await lab.openConsole(primary, { path: '/snapshots?path=/projects' });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.right, /scheme/).waitFor();
    const choosing = console.page.waitForEvent('filechooser');
    await screen.button('Add files…').click();
    await (await choosing).setFiles(['minutes.txt', 'scheme.txt', 'new.txt'].map((name) => join(desktop, name)));
    const dialog = console.page.getByRole('dialog', { name: 'Some of it is there already' });
    await dialog.getByText('2 items of what you add are there already with other content.').waitFor();
    await picture(console, 'snapshots-adding');
    await expectAccessible(console);
    await dialog.getByLabel('What to do with /projects/minutes.txt').selectOption('Replace');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await screen.right.getByText(/Added 3 files to work:\/projects\..*before-adding-/s).waitFor();
    expect(await liveNames(primary, volume, '/projects')).toEqual(['drawings', 'minutes.txt', 'new.txt', 'scheme (2).txt', 'scheme.txt']);
    expect(await liveText(primary, volume, '/projects/minutes.txt')).toBe('Minutes of the desktop');
    expect((await primary.client.snapshots.list({ volume })).snapshots.at(-1)?.name).toMatch(/^before-adding-/);
    expectNoFaults(console);
  });

  it('come from a folder of the server with modes and links, chosen by keys alone', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const source = lab.localFiles('archive', { 'letters/may.txt': 'May', 'letters/secret.txt': 'Secret' });
    chmodSync(join(source, 'letters', 'secret.txt'), 0o640);
    symlinkSync('may.txt', join(source, 'letters', 'newest'));
    const console = await lab.openConsole(primary, { path: '/snapshots?path=/projects' });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.right, /scheme/).waitFor();
    await screen.button('Add a folder of the server…').press('Enter');
    const dialog = console.page.getByRole('dialog', { name: `Add a folder of the server to ${volume}:/projects` });
    await dialog.getByRole('list', { name: 'What is in the folder' }).waitFor();
    await dialog.getByLabel('Path on this server').fill(source);
    await dialog.getByLabel('Path on this server').press('Enter');
    await dialog.getByRole('button', { name: /letters/ }).press('Enter');
    await dialog.getByText('may.txt').waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Choose this folder' }).press('Enter');
    await screen.right.getByText(/Added .* to work:\/projects\./).waitFor();
    expect(await liveNames(primary, volume, '/projects/letters')).toEqual(['may.txt', 'newest', 'secret.txt']);
    expect((await primary.client.files.stat({ volume, path: '/projects/letters/secret.txt' })).mode).toBe(0o640);
    expect(await primary.client.files.stat({ volume, path: '/projects/letters/newest' })).toMatchObject({ kind: 'symlink', linkTarget: 'may.txt' });
    await expectAccessible(console);
    expectNoFaults(console);
  });

  it('leave nothing behind when they are cancelled, and the live volume is changed by keys and buttons', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const desktop = lab.localFiles('desktop', { 'scheme.txt': 'Another scheme' });
    const console = await lab.openConsole(primary, { path: '/snapshots?path=/projects' });
    const screen = new SnapshotsScreen(console.page);
    await dropFromDesktop(screen.row(screen.right, /scheme/), [join(desktop, 'scheme.txt')]);
    await console.page.getByRole('dialog', { name: 'Some of it is there already' }).getByRole('button', { name: 'Cancel' }).click();
    await screen.right.getByText('Cancelled', { exact: true }).waitFor();
    await screen.right.getByRole('button', { name: 'Dismiss' }).click();
    await screen.button('New folder…').click();
    await console.page.getByRole('textbox', { name: 'Name' }).fill('a/b');
    await console.page.getByText("a name has no '/' and no NUL in it").waitFor();
    await console.page.getByRole('textbox', { name: 'Name' }).fill('archive');
    await screen.button('Make folder').click();
    await screen.row(screen.right, /archive/).press('F2');
    await console.page.getByRole('textbox', { name: 'New name' }).fill('attic');
    await console.page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await screen.row(screen.right, /scheme/).click();
    await console.page.keyboard.press('Delete');
    const dialog = console.page.getByRole('dialog', { name: 'Delete from the live volume' });
    expect(await dialog.getByRole('button', { name: 'Delete', exact: true }).isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('scheme.txt');
    await expectAccessible(console);
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect.poll(() => liveNames(primary, volume, '/projects'), patience).toEqual(['attic', 'drawings', 'minutes.txt']);
    expectNoFaults(console);
  });
});
