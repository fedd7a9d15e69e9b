import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { alertPath, downloadAddress, type RestoreSource } from '../../src-main/contract/index.ts';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, type OpenConsole, until } from './console-lab.ts';

/** A download of the console's own, of which nothing is taken. */
async function heldDownload({ page }: OpenConsole, what: RestoreSource): Promise<Disposable> {
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const request = get(new URL(downloadAddress(what), page.url()), { headers: { cookie } });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  answer.on('error', () => undefined);
  return {
    [Symbol.dispose]: () => {
      answer.destroy();
    },
  };
}

describeInChromium('activity', () => {
  it('shows work that any program began while it runs, stops it on request, and says how it ended', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    await server.client.volumes.create({ name: 'work', devices: [{ path: `${lab.folder}/work.img`, sizeBytes: 1 << 30 }] });
    const console = await lab.openConsole(server, { path: '/activity' });
    const { page } = console;
    await page.getByRole('heading', { name: 'No work is under way' }).waitFor();
    await expectAccessible(console);

    await lab.put(server, 'work', { 'one.txt': 'one' });
    const ended = page.getByRole('region', { name: 'Ended' });
    await ended.getByText('Brought in 1 file').waitFor();

    // Whoever fetches this does not take it, so the work waits for its end.
    await lab.put(server, 'work', { 'big.bin': randomBytes(64 << 20) });
    using _held = await heldDownload(console, { volume: 'work', at: 'live', paths: ['/big.bin'] });
    const running = page.getByRole('region', { name: 'Under way' });
    await running.getByText('Download: work:/big.bin').waitFor();
    await running.getByText('It ends with the window or the command that began it.').waitFor();
    await picture(console, 'activity-running');
    await expectAccessible(console);
    await running.getByRole('button', { name: 'Cancel' }).click();
    await ended.getByText('Cancelled', { exact: true }).waitFor();
    expect((await server.client.jobs.list({})).jobs[0]).toMatchObject({ kind: 'download', state: 'cancelled' });
    await running.waitFor({ state: 'detached' });
    await picture(console, 'activity-ended');
    expectNoFaults(console);
  });

  it('goes through the CPs of a volume page by page, the newest first', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    await server.client.volumes.create({ name: 'work', devices: [{ path: `${lab.folder}/work.img`, sizeBytes: 64 << 20 }], cpIntervalMs: 0 });
    for (let count = 0; count < 60; count++) {
      await server.client.files.makeDirectory({ volume: 'work', path: `/folder-${count}` });
      await server.client.cp.now({ volume: 'work' });
    }
    const console = await lab.openConsole(server, { path: '/activity?tab=cps' });
    const { page } = console;
    const rows = page.locator('tbody tr');
    await rows.first().waitFor();
    const cps = async (): Promise<number[]> => (await rows.locator('th').allInnerTexts()).map(Number);
    const { records } = await server.client.cp.history({ volume: 'work', limit: 100 });
    expect(await cps()).toEqual(records.slice(0, 50).map(({ cp }) => cp));
    expect(await rows.first().innerText()).toContain('on request');
    await picture(console, 'activity-cps');
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Page 2').waitFor();
    await expect.poll(cps).toEqual(records.slice(50).map(({ cp }) => cp));
    await page.getByRole('button', { name: 'Previous' }).click();
    // The first page goes on with what happens.
    const { cp } = await server.client.cp.now({ volume: 'work' });
    await expect.poll(async () => (await cps())[0], { timeout: 30_000 }).toBe(cp);
    expectNoFaults(console);
  });

  it('finds events by level, subject and text, and leads to an alert and to what became of it', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers({ cpIntervalMs: 0 });
    const { client } = pair.primary;
    await pair.mirror.client.peers.revoke({ peer: 'attic' });
    const [alert] = await until(
      async () => (await client.server.status({})).alerts,
      (alerts) => alerts.length > 0,
    );
    const console = await lab.openConsole(pair.primary, { path: alertPath(alert!) });
    const { page } = console;
    await page.locator('.alert-marked').getByText(alert!.subject).waitFor();
    await expect.poll(() => page.locator('.alert-marked').evaluate((element) => element === document.activeElement)).toBe(true);
    const rows = page.locator('tbody tr');
    await rows.first().waitFor();
    expect(new Set(await rows.locator('td:nth-child(3)').allInnerTexts())).toEqual(new Set([alert!.subject]));
    await picture(console, 'activity-alert');
    await expectAccessible(console);

    await page.getByRole('button', { name: 'Show all' }).click();
    await rows.filter({ hasText: 'is called' }).waitFor();
    await page.getByLabel('Level').selectOption('Problems');
    await rows.filter({ hasText: 'is called' }).waitFor({ state: 'detached' });
    expect(new Set(await rows.locator('td:nth-child(2)').allInnerTexts())).toEqual(new Set(['Problem']));
    await page.getByLabel('Level').selectOption('All levels');
    await page.getByLabel('Text in the event').fill('IS CALLED');
    await page.getByText('1 event', { exact: true }).waitFor();
    await page.getByLabel('Text in the event').fill('nothing has this in it');
    await page.getByText('None of the events that were read so far is one of these.').waitFor();

    // The link is given up, and the alert with it.
    await client.relationships.unlink({ volume: 'work' });
    await page.getByText(`The alert of '${alert!.subject}' is over.`).waitFor();
    await expectAccessible(console);
    expectNoFaults(console);
  });
});
