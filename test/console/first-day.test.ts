import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab } from './console-lab.ts';
import { pairInWindows } from './pairing-lab.ts';
import { liveText, patience, SnapshotsScreen } from './snapshots-lab.ts';

describeInChromium('the first day with two servers', () => {
  it('leads from nothing to a mirror that follows, and yesterday’s version of a file is dragged back from it', async () => {
    await using lab = ConsoleLab.open();
    const [attic, office] = await Promise.all([lab.server('attic'), lab.server('office')]);
    const [files, copy] = await Promise.all([lab.openConsole(attic), lab.openConsole(office)]);
    await pairInWindows(lab, { files, copy });

    await lab.put(attic, 'work', { 'projects/minutes.txt': 'What was agreed\n', 'projects/plan.txt': 'The plan\n' });
    await attic.client.snapshots.create({ volume: 'work', snapshot: 'yesterday' });
    await lab.put(attic, 'work', { 'projects/minutes.txt': 'Spilt coffee\n' });
    await attic.client.cp.now({ volume: 'work' });

    // Both windows say by themselves that the mirror has followed.
    for (const console of [files, copy]) {
      await console.go('/');
      await console.page.getByText(/Up to date: proven identical/).first().waitFor();
      await picture(console, console === files ? 'first-day-primary' : 'first-day-mirror');
      await expectAccessible(console);
    }

    await files.go('/snapshots');
    const screen = new SnapshotsScreen(files.page);
    await files.page.getByLabel('Volume', { exact: true }).selectOption({ label: 'copy (mirror on office)' });
    await files.page.getByRole('slider', { name: 'Snapshots over time' }).press('Home');
    await screen.row(screen.left, /projects/).press('Enter');
    await screen.expectRows(screen.right, ['minutes.txt', 'plan.txt']);
    await screen.row(screen.left, /minutes/).press('Enter');
    await screen.right.getByText('What was agreed').waitFor();
    await screen.tab(/Live/).click();
    await screen.drag(screen.row(screen.left, /minutes/), screen.row(screen.right, /plan/));
    const dialog = files.page.getByRole('dialog');
    await dialog.getByRole('radio', { name: /^Replace/ }).check();
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    expect(await screen.outcome()).toContain('1 in the place of what was there');
    await expect.poll(() => liveText(attic, 'work', '/projects/minutes.txt'), patience).toBe('What was agreed\n');
    for (const console of [files, copy]) expectNoFaults(console);
  });
});
