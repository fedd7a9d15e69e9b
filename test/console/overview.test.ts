import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, forgetUnreachable, picture } from './console-checks.ts';
import { ConsoleLab, mirrored, until } from './console-lab.ts';

describeInChromium('the overview', () => {
  it('of a server that has nothing yet offers the two ways to begin', async () => {
    await using lab = ConsoleLab.open();
    const console = await lab.openConsole(await lab.server('attic'));
    const { page } = console;
    await page.getByRole('heading', { name: "There is nothing on 'attic' yet." }).waitFor();
    await picture(console, 'overview-first');
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Create a volume' }).click();
    await page.getByRole('heading', { name: 'New volume', level: 1 }).waitFor();
    await console.go('/');
    await page.getByRole('button', { name: 'Begin with pairing' }).click();
    await page.getByRole('heading', { name: 'Pairing', level: 1 }).waitFor();
    expectNoFaults(console);
  });

  it('follows a relationship on both machines, takes a CP, pauses and resumes', async () => {
    await using lab = ConsoleLab.open();
    // Without a timer nothing happens but what the test does.
    const pair = await lab.pairedServers({ cpIntervalMs: 0 });
    const console = await lab.openConsole(pair.primary);
    const { page } = console;
    const card = page.getByRole('region', { name: 'work' });
    await card.getByText(`'work' on 'attic', this server, is mirrored to 'office' at ${pair.address}.`).waitFor();
    await card.getByText('In order').waitFor();

    await lab.put(pair.primary, 'work', { 'one.txt': 'one' });
    await card.getByRole('button', { name: 'CP now' }).click();
    const taken = card.getByText(/^CP \d+ was taken in/);
    await taken.waitFor();
    const cp = Number(/\d+/.exec(await taken.innerText())![0]);
    expect((await pair.primary.client.cp.history({ volume: 'work', limit: 1 })).records).toMatchObject([{ cp, cause: 'request' }]);
    await card.getByText(`proven identical at CP ${cp} of`).waitFor();
    await picture(console, 'overview-live');
    await expectAccessible(console);

    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByText('Paused on request').waitFor();
    expect((await pair.primary.client.relationships.list({})).relationships).toMatchObject([{ state: 'paused' }]);
    await page.getByRole('navigation', { name: 'Screens' }).getByText('Needs attention').waitFor();
    await page.setViewportSize({ width: 900, height: 600 });
    await picture(console, 'overview-paused');
    await expectAccessible(console);
    await card.getByRole('button', { name: 'Resume' }).click();
    await card.getByText('In order').waitFor();
    await card.getByRole('button', { name: 'Pause' }).waitFor();

    const other = await lab.openConsole(pair.mirror);
    const mirror = other.page.getByRole('region', { name: 'copy' });
    await mirror.getByText("'copy' on 'office', this server, follows 'attic'.").waitFor();
    await mirror.getByText(`CP ${cp}`, { exact: true }).waitFor();
    expect(await mirror.getByRole('button', { name: 'CP now' }).count()).toBe(0);
    await picture(other, 'overview-mirror');
    await expectAccessible(other);
    expectNoFaults(console);
    expectNoFaults(other);
  });

  it('draws what was measured, goes on with it, and has the day and the week', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    const console = await lab.openConsole(pair.primary);
    const card = console.page.getByRole('region', { name: 'work' });
    const lag = card.getByRole('figure').filter({ hasText: 'Lag' });
    await lag.getByText(/behind \d/).waitFor();
    await lab.put(pair.primary, 'work', { 'big.bin': new Uint8Array(4 << 20).fill(7) });
    await mirrored(pair);
    const throughput = card.getByRole('figure').filter({ hasText: 'Throughput' });
    await throughput.getByText(/sent \d/).waitFor();
    await until(
      async () => (await pair.primary.client.history.cps({ volume: 'work', span: 'day' })).samples.length,
      (count) => count > 0,
    );
    for (const span of ['Day', 'Week']) {
      await card.getByText(span, { exact: true }).click();
      await card.getByRole('figure').filter({ hasText: 'Duration of CPs' }).getByText(/longest \d/).waitFor();
    }
    expect(await card.locator('canvas').count()).toBe(3);
    await picture(console, 'overview-week');
    await expectAccessible(console);
    expectNoFaults(console);
  });

  it('limits what is sent, by the hour too, and refuses what cannot hold where it is typed', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers({ cpIntervalMs: 0 });
    const console = await lab.openConsole(pair.primary);
    const { page } = console;
    const card = page.getByRole('region', { name: 'work' });
    await card.getByRole('button', { name: 'Limits…' }).click();
    const dialog = page.getByRole('dialog', { name: "How fast 'work' is sent to office" });
    await dialog.getByText('no limit').first().waitFor();
    const save = dialog.getByRole('button', { name: 'Set limits' });

    await dialog.getByText('At most', { exact: true }).click();
    const rate = dialog.getByLabel('Bytes per second, such as 5M');
    await rate.fill('fast');
    await dialog.getByText("'fast' is no size. Write it like 512M, 10G or 4T.").waitFor();
    expect(await save.isDisabled()).toBe(true);
    await picture(console, 'limits-refused');
    await expectAccessible(console);
    await rate.fill('1K');
    await dialog.getByText('less than the least, 16.0 KiB').waitFor();
    await rate.fill('10M');

    for (const index of [0, 1]) {
      await dialog.getByRole('button', { name: 'Add hours' }).click();
      await dialog.getByRole('group', { name: `Hours ${index + 1}` }).getByLabel('Bytes per second, such as 5M').fill('2M');
    }
    await dialog.getByText('The times 08:00-18:00 and 08:00-18:00 overlap').waitFor();
    expect(await save.isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: 'Remove the hours from 08:00 to 18:00' }).last().click();
    await save.click();
    await dialog.waitFor({ state: 'hidden' });
    await expect.poll(() => card.getByRole('button', { name: 'Limits…' }).evaluate((button) => button === document.activeElement)).toBe(true);
    const { limits } = await pair.primary.client.relationships.limits({ volume: 'work', address: pair.address });
    expect(limits).toEqual({ bytesPerSecond: 10 << 20, windows: [{ from: '08:00', to: '18:00', bytesPerSecond: 2 << 20 }] });
    await card.getByText(/^at most (10|2)\.0 MiB\/s$/).waitFor();
    expectNoFaults(console);
  });

  it('shows alerts first, volumes without a second copy, and what it knew when the line was cut', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers({ cpIntervalMs: 0 });
    await pair.primary.client.volumes.create({ name: 'photos', devices: [{ path: `${lab.folder}/photos.img`, sizeBytes: 64 << 20 }] });
    const line = await lab.cutLine();
    const console = await lab.openConsole(pair.primary, { proxy: line.proxy });
    const { page } = console;
    const alone = page.getByRole('region', { name: 'photos' });
    await alone.getByText("'photos' is on 'attic' alone").waitFor();
    await alone.getByRole('link', { name: 'Pair a server' }).waitFor();

    // A mirror that refuses its primary is told of within seconds.
    await pair.mirror.client.peers.revoke({ peer: 'attic' });
    await page.getByRole('heading', { name: 'Alerts' }).waitFor({ state: 'attached' });
    await page.getByText('The mirror cannot be reached').waitFor();
    await picture(console, 'overview-alert');
    await expectAccessible(console);
    await page.getByRole('link', { name: 'Show in Activity' }).click();
    await page.locator('.alert-marked').waitFor();
    await console.go('/');

    line.cut();
    const card = page.getByRole('region', { name: 'work' });
    await card.getByText(/^As it was at .* when the connection was lost\.$/).waitFor();
    expect(await card.getByRole('button', { name: 'CP now' }).isDisabled()).toBe(true);
    await picture(console, 'overview-stale');
    await expectAccessible(console);
    line.mend();
    await card.getByText(/^As it was at/).waitFor({ state: 'detached' });
    forgetUnreachable(console);
    expectNoFaults(console);
  });
});
