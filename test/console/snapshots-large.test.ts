import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, forgetUnreachable, picture } from './console-checks.ts';
import { ConsoleLab } from './console-lab.ts';
import { liveText, SnapshotsScreen, volumeWithStates } from './snapshots-lab.ts';

const entries = 100_000;

/** Rows that a window of 800 pixels could not need. */
const rowsInPageMax = 150;

describeInChromium('a folder of very many files in the console', () => {
  it('is scrolled to its end with few rows in the page, and back', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    await server.client.volumes.create({ name: 'work', devices: [{ path: join(lab.folder, 'work.img'), sizeBytes: 512 << 20 }] });
    const folder = join(lab.folder, 'many', 'many');
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < entries; index++) writeFileSync(join(folder, `file-${String(index).padStart(6, '0')}`), '');
    for await (const event of await server.client.files.put({ volume: 'work', path: '/', local: join(lab.folder, 'many') })) {
      if (event.type === 'problem') throw new Error(event.message);
    }
    await server.client.snapshots.create({ volume: 'work', snapshot: 'full' });
    const console = await lab.openConsole(server, { path: '/snapshots?at=full&path=/many' });
    const screen = new SnapshotsScreen(console.page);
    const rows = screen.left.getByRole('row');
    await screen.row(screen.left, /file-000000/).focus();
    expect(await rows.count()).toBeLessThan(rowsInPageMax);
    await console.page.keyboard.press('End');
    await screen.row(screen.left, /file-099999/).waitFor({ timeout: 120_000 });
    await screen.left.getByText('100,000 entries', { exact: true }).waitFor();
    expect(await rows.count()).toBeLessThan(rowsInPageMax);
    await picture(console, 'snapshots-many');
    await expectAccessible(console);
    // What was let go in between is asked for again.
    await console.page.keyboard.press('Home');
    await screen.row(screen.left, /file-000000/).waitFor();
    await screen.left.getByRole('grid').evaluate((grid) => {
      grid.scrollTop = grid.scrollHeight / 2;
    });
    await screen.row(screen.left, /file-0500\d\d/).first().waitFor();
    expect(await rows.count()).toBeLessThan(rowsInPageMax);
    expectNoFaults(console);
  });
});

describeInChromium('a connection that breaks under the snapshots', () => {
  it('leaves what is shown, says so, and everything goes on when it is there again', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const line = await lab.cutLine();
    const console = await lab.openConsole(pair.primary, { path: '/snapshots?at=monday&path=/photos', proxy: line.proxy });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.left, /tower\.txt/).waitFor();
    const banner = console.page.getByText('The connection to the server is lost.');
    line.cut();
    await banner.waitFor();
    await screen.expectRows(screen.left, ['pixel.png', 'raw.dat', 'tower.txt']);
    await picture(console, 'snapshots-cut');
    await console.page.getByRole('slider').press('ArrowRight');
    line.mend();
    await banner.waitFor({ state: 'detached' });
    await screen.expectRows(screen.left, ['pixel.png', 'raw.dat']);
    await console.page.getByRole('slider').press('ArrowLeft');
    await screen.row(screen.left, /tower\.txt/).press('Control+Shift+Enter');
    expect(await screen.outcome()).toContain('Restored 1 file');
    expect(await liveText(pair.primary, pair.volume, '/photos/tower.txt')).toBe('A tower');
    forgetUnreachable(console);
    expectNoFaults(console);
  });

  it('to a mirror that is killed is said with the next step, and its snapshots come again when it does', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const console = await lab.openConsole(pair.primary, { path: '/snapshots?volume=copy&peer=office&at=monday&path=/photos' });
    const screen = new SnapshotsScreen(console.page);
    await screen.row(screen.left, /tower\.txt/).waitFor();
    await pair.mirror.kill();
    await console.page.getByRole('slider').press('ArrowRight');
    await screen.left.getByText('The folder could not be listed.').waitFor();
    await picture(console, 'snapshots-mirror-away');
    await pair.mirror.startAgain();
    await expect
      .poll(async () => {
        const again = screen.left.getByRole('button', { name: 'Try again' });
        if (await again.isVisible()) await again.click();
        return screen.row(screen.left, /raw\.dat/).isVisible();
      }, { timeout: 60_000, interval: 500 })
      .toBe(true);
    expectNoFaults(console);
  });
});
