import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, until } from './console-lab.ts';

describeInChromium('the schedule in the window', () => {
  it('changes the interval, says what it means, and refuses nonsense where it is typed', async () => {
    await using lab = ConsoleLab.open();
    const { primary, mirror, volume } = await lab.pairedServers();
    const console = await lab.openConsole(primary, { path: '/schedule' });
    const { page } = console;
    await page.getByText('If this server is lost for good, you can lose up to 1 second of changes').waitFor();
    const interval = page.getByRole('textbox', { name: 'From one CP to the next' });
    const use = page.getByRole('button', { name: 'Use this interval' });
    expect(await use.isDisabled()).toBe(true);
    await interval.fill('25h');
    await page.getByText("'25h' is no time between CPs. Write it like 1s, 30s, 5m, 24h or off.").waitFor();
    expect(await use.isDisabled()).toBe(true);
    await page.getByRole('slider').focus();
    await page.keyboard.press('Home');
    for (let press = 0; press < 8; press++) await page.keyboard.press('ArrowRight');
    expect(await interval.inputValue()).toBe('5m');
    expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toBe('5 minutes');
    await page.getByText('you can lose up to 5 minutes of changes').waitFor();
    await use.click();
    await page.getByText('Now every 5 minutes.').waitFor();
    expect((await primary.client.volumes.inspect({ volume })).cpIntervalMs).toBe(300_000);
    await picture(console, 'schedule-interval');
    await expectAccessible(console);
    expectNoFaults(console);

    const onMirror = await lab.openConsole(mirror, { path: '/schedule' });
    await onMirror.page.getByText(/is a mirror: it follows the CPs of its primary/).waitFor();
    await expectAccessible(onMirror);
    expectNoFaults(onMirror);
  });

  it('shows what rules would leave before they are in force, and applies them only when that is typed', async () => {
    await using lab = ConsoleLab.open();
    const attic = await lab.server('attic');
    await attic.client.volumes.create({ name: 'work', devices: [{ path: `${lab.folder}/work.img`, sizeBytes: 64 << 20 }], cpIntervalMs: 1000 });
    await attic.client.snapshots.create({ volume: 'work', snapshot: 'by-hand' });
    // With every CP a snapshot: each file that is brought in leaves one.
    await attic.client.schedule.set({ volume: 'work', schedule: { everyMs: 'cp', keep: { last: 100 } } });
    for (let count = 0; count < 6; count++) {
      await lab.put(attic, 'work', { [`file-${count}.txt`]: `content ${count}` });
      await attic.client.cp.now({ volume: 'work' });
    }
    const { snapshots } = await attic.client.snapshots.list({ volume: 'work' });
    expect(snapshots.length).toBeGreaterThanOrEqual(6);
    const console = await lab.openConsole(attic, { path: '/schedule' });
    const { page } = console;
    await page.getByText(new RegExp(`By these rules ${snapshots.length} snapshots stay, 0 go`)).waitFor();
    const use = page.getByRole('button', { name: 'Use these rules' });
    expect(await use.isDisabled()).toBe(true);
    await page.getByLabel('Newest').fill('two');
    await page.getByText("'two': a count of snapshots to keep is a whole number.").waitFor();
    expect(await use.isDisabled()).toBe(true);
    await page.getByLabel('Newest').fill('2');
    await page.getByText(new RegExp(`By these rules 3 snapshots stay, ${snapshots.length - 3} go, which frees`)).waitFor();
    await page.getByRole('row').filter({ hasText: 'by-hand' }).getByText('Stays: made by hand').waitFor();
    expect(await page.getByText('Goes', { exact: true }).count()).toBe(snapshots.length - 3);
    await picture(console, 'schedule-preview');
    await expectAccessible(console);
    // Nothing has happened yet.
    expect((await attic.client.snapshots.list({ volume: 'work' })).snapshots).toEqual(snapshots);

    await page.getByLabel('Newest').fill('0');
    await use.click();
    await page.getByText('The schedule was not changed.').waitFor();
    await page.getByText('It keeps nothing.').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByLabel('Newest').fill('2');
    await use.click();
    await until(async () => (await attic.client.schedule.show({ volume: 'work' })).schedule?.keep.last, (last) => last === 2);
    await page.getByRole('button', { name: 'Apply the rules now…' }).click();
    const dialog = page.getByRole('dialog').filter({ visible: true });
    await dialog.getByLabel(/^Type “/).fill('work');
    await dialog.getByRole('button', { name: 'Delete them' }).click();
    await page.getByText(/By these rules 3 snapshots stay, 0 go/).waitFor();
    expect((await attic.client.snapshots.list({ volume: 'work' })).snapshots).toHaveLength(3);

    await page.getByRole('button', { name: 'Turn off…' }).click();
    const off = page.getByRole('dialog').filter({ visible: true });
    await off.getByLabel(/^Type “/).fill('off');
    await off.getByRole('button', { name: 'Turn off', exact: true }).click();
    await page.getByText('No snapshots are taken by themselves.').waitFor();
    expect((await attic.client.schedule.show({ volume: 'work' })).schedule).toBeUndefined();
    expectNoFaults(console);
  });

  it('limits the hours of the day by the keyboard alone, and by dragging', async () => {
    await using lab = ConsoleLab.open();
    const { primary, volume, address } = await lab.pairedServers();
    const console = await lab.openConsole(primary, { path: '/schedule' });
    const { page } = console;
    const hour = (from: string): ReturnType<typeof page.getByRole> => page.getByRole('button', { name: new RegExp(`^${from}:00 to`) });
    await hour('08').focus();
    for (let press = 0; press < 9; press++) await page.keyboard.press('Shift+ArrowRight');
    expect(await hour('17').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByLabel('At most, in a second, from 08:00 to 18:00').fill('1K');
    await page.getByText(/less than the least/).waitFor();
    await page.getByLabel('At most, in a second, from 08:00 to 18:00').fill('2M');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('08:00 to 18:00', { exact: true }).waitFor();
    await hour('22').scrollIntoViewIfNeeded();
    const [from, to] = await Promise.all(['22', '23'].map((name) => hour(name).boundingBox()));
    await page.mouse.move(from!.x + 5, from!.y + 20);
    await page.mouse.down();
    await page.mouse.move(to!.x + 5, to!.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.getByLabel('At most, in a second, from 22:00 to 24:00').fill('5M');
    await page.getByRole('button', { name: 'Limit these hours' }).click();
    await picture(console, 'schedule-hours');
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Use these limits' }).click();
    await until(
      async () => (await primary.client.relationships.limits({ volume, address })).limits,
      ({ windows }) => windows.length === 2,
    );
    expect((await primary.client.relationships.limits({ volume, address })).limits).toEqual({
      windows: [
        { from: '08:00', to: '18:00', bytesPerSecond: 2 << 20 },
        { from: '22:00', to: '00:00', bytesPerSecond: 5 << 20 },
      ],
    });

    await page.getByLabel('Limit of the lag').fill('never');
    await page.getByText(/'never' is no interval/).waitFor();
    await page.getByLabel('Limit of the lag').fill('7m');
    await page.getByRole('button', { name: 'Use this limit' }).click();
    await page.getByText(/An alert is raised when office is more than 7 min 0 s behind/).waitFor();
    expectNoFaults(console);
  });
});
