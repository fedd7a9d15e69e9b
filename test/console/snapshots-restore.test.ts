import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab } from './console-lab.ts';
import { liveNames, liveText, patience, removed, SnapshotsScreen, volumeWithStates } from './snapshots-lab.ts';

describeInChromium('restoring in the console', () => {
  it('drags a file from a snapshot of the mirror into a folder of the primary', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const console = await lab.openConsole(pair.primary, { path: '/snapshots?volume=copy&peer=office&at=monday&path=/photos' });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.right, /raw\.dat/).waitFor();
    const tower = screen.row(screen.left, /tower\.txt/);
    await tower.hover();
    await console.page.mouse.down();
    await screen.row(screen.right, /raw\.dat/).hover();
    await screen.row(screen.right, /raw\.dat/).hover();
    await screen.right.getByText('Drop to restore “tower.txt” into work:/photos').waitFor();
    await picture(console, 'snapshots-drag');
    await console.page.mouse.up();
    expect(await screen.outcome()).toContain('Restored 1 file');
    expect(await liveText(pair.primary, pair.volume, '/photos/tower.txt')).toBe('A tower');
    await screen.row(screen.right, /tower\.txt/).waitFor();
    await picture(console, 'snapshots-restored');
    await expectAccessible(console);
    expectNoFaults(console);
  });

  it('puts several files elsewhere by the keyboard alone', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const console = await lab.openConsole(pair.primary, { path: '/snapshots?at=monday&path=/photos&folder=/projects/drawings' });
    const screen = new SnapshotsScreen(console.page);
    const { keyboard } = console.page;
    await screen.row(screen.right, /deck\.txt/).waitFor();
    await screen.row(screen.left, /raw\.dat/).focus();
    await keyboard.press('Space');
    await keyboard.press('Shift+ArrowDown');
    await screen.left.getByText('2 files').waitFor();
    await keyboard.press('Control+c');
    await keyboard.press('F6');
    await keyboard.press('Control+v');
    expect(await screen.outcome()).toContain('Restored 2 files');
    expect(await liveNames(pair.primary, pair.volume, '/projects/drawings')).toEqual(['deck.txt', 'raw.dat', 'tower.txt']);
    expectNoFaults(console);
  });

  it('asks about what is in the way of a folder, and takes a snapshot before anything is replaced', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    await lab.put(primary, volume, { 'projects/drawings/deck.txt': 'another deck' });
    const console = await lab.openConsole(primary, { path: '/snapshots?at=monday' });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.left, /projects/).click();
    await screen.button('Restore to original place').click();
    const dialog = console.page.getByRole('dialog', { name: 'Restore “projects” to where they were in work' });
    await dialog.getByText('2 items of what you restore are there already with other content.').waitFor();
    await picture(console, 'snapshots-collisions');
    await expectAccessible(console);
    await dialog.getByRole('radio', { name: /^Replace/ }).check();
    await dialog.getByLabel('What to do with work:/projects/drawings/deck.txt').selectOption('Keep both');
    await dialog.getByText('1 kept beside, 1 replaced, 0 skipped.').waitFor();
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    expect(await screen.outcome()).toMatch(/1 in the place of what was there and 1 beside it.*before-restore-/s);
    expect(await liveText(primary, volume, '/projects/minutes.txt')).toContain('The first meeting');
    expect(await liveNames(primary, volume, '/projects/drawings')).toEqual(['deck (restored).txt', 'deck.txt']);
    expect(await liveText(primary, volume, '/projects/drawings/deck.txt')).toBe('another deck');
    const { snapshots } = await primary.client.snapshots.list({ volume });
    expect(snapshots.at(-1)?.name).toMatch(/^before-restore-/);
    expectNoFaults(console);
  });

  it('brings back a deleted file, and a version, to where they were', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const console = await lab.openConsole(primary, { path: '/snapshots?path=/photos' });
    const screen = new SnapshotsScreen(console.page);
    await screen.left.getByText('Deleted', { exact: true }).click();
    await screen.row(screen.left, /tower\.txt/).press('Control+Shift+Enter');
    await screen.outcome();
    expect(await liveText(primary, volume, '/photos/tower.txt')).toBe('A tower');
    await removed(primary, volume, '/projects/minutes.txt');
    await console.go('/snapshots?path=/projects&at=tuesday&beside=versions&item=/projects/minutes.txt');
    await screen.right.getByRole('button', { name: 'Restore this version of monday' }).click();
    await expect.poll(() => liveText(primary, volume, '/projects/minutes.txt'), patience).toContain('The first meeting');
    expectNoFaults(console);
  });

  it('goes to a folder of the machine, on the mirror too, and down to the browser', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const target = join(lab.folder, 'taken-out');
    mkdirSync(target);
    const console = await lab.openConsole(pair.mirror, { path: '/snapshots?at=monday', acceptDownloads: true });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.left, /projects/).press('Control+Enter');
    const dialog = console.page.getByRole('dialog', { name: 'Restore “projects” to…' });
    await dialog.getByText('No volume of this server takes changes.').waitFor();
    await dialog.getByRole('textbox', { name: 'Folder of the machine' }).fill(target);
    await picture(console, 'snapshots-target');
    await expectAccessible(console);
    await dialog.getByRole('button', { name: 'Restore here' }).click();
    await screen.outcome();
    expect(readdirSync(join(target, 'projects')).sort()).toEqual(['drawings', 'minutes.txt', 'plan.txt']);
    await screen.row(screen.left, /photos/).dblclick();
    await screen.row(screen.left, /tower\.txt/).click();
    const downloading = console.page.waitForEvent('download');
    await screen.button('Download').click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('tower.txt');
    expect(readFileSync(await download.path(), 'utf8')).toBe('A tower');
    expectNoFaults(console);
  });
});
