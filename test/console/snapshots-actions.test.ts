import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, mirrored } from './console-lab.ts';
import { patience, SnapshotsScreen, volumeWithStates } from './snapshots-lab.ts';

describeInChromium('snapshots in the console', () => {
  it('are taken, held, released and deleted, each with what it means', async () => {
    await using lab = ConsoleLab.open();
    const pair = await volumeWithStates(lab);
    const { primary, volume } = pair;
    const console = await lab.openConsole(primary, { path: '/snapshots' });
    const { page } = console;
    const screen = new SnapshotsScreen(page);
    const names = async (): Promise<string[]> => (await primary.client.snapshots.list({ volume })).snapshots.map(({ name }) => name);
    const form = page.getByRole('dialog');
    await screen.button('New snapshot…').click();
    await form.getByRole('textbox', { name: 'Name' }).fill('bad/name');
    await form.getByText("a snapshot's name is 1 to 100 bytes").waitFor();
    expect(await form.getByRole('button', { name: 'Take snapshot' }).isDisabled()).toBe(true);
    await form.getByRole('textbox', { name: 'Name' }).fill('before the move');
    await expectAccessible(console);
    await form.getByRole('button', { name: 'Take snapshot' }).click();
    await expect.poll(names, patience).toContain('before the move');
    await screen.button('Hold…').click();
    await form.getByRole('textbox', { name: 'Held by' }).fill('audit');
    await form.getByRole('textbox', { name: 'Reason (may be left out)' }).fill('for the auditors');
    await form.getByRole('button', { name: 'Hold', exact: true }).click();
    await page.getByText('held by audit').waitFor();
    expect(await screen.button('Delete…').isDisabled()).toBe(true);
    await picture(console, 'snapshots-held');
    await screen.button(/^All \d+ snapshots…$/).click();
    await form.getByRole('row', { name: /before the move.*audit \(for the auditors\)/ }).waitFor();
    await picture(console, 'snapshots-list');
    await expectAccessible(console);
    await form.getByRole('row', { name: /before the move/ }).press('Enter');
    await screen.button('Release…').click();
    await form.getByRole('button', { name: 'Release audit' }).click();
    await page.getByText('held by audit').waitFor({ state: 'detached' });
    await primary.client.snapshots.create({ volume, snapshot: 'the newest' });
    await mirrored(pair);
    const remove = async (name: string): Promise<void> => {
      await console.go(`/snapshots?at=${encodeURIComponent(name)}`);
      await screen.button('Delete…').click();
      expect(await form.getByRole('button', { name: 'Delete snapshot' }).isDisabled()).toBe(true);
      await form.getByRole('textbox').fill(name);
      await form.getByRole('button', { name: 'Delete snapshot' }).click();
    };
    await remove('before the move');
    await expect.poll(names, patience).toEqual(['monday', 'tuesday', 'the newest']);
    await remove('the newest');
    await form.getByText('It was not deleted.').waitFor();
    await form.getByText('snapshot-needed').waitFor();
    await picture(console, 'snapshots-delete');
    await expectAccessible(console);
    expect(await names()).toContain('the newest');
    expectNoFaults(console);
  });

  it('of any number are drawn as few marks, each of them one step of the keyboard', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    await server.client.volumes.create({ name: 'work', devices: [{ path: `${lab.folder}/work.img`, sizeBytes: 64 << 20 }] });
    const count = 300;
    for (let index = 0; index < count; index++) await server.client.snapshots.create({ volume: 'work', snapshot: `auto-${index}` });
    const console = await lab.openConsole(server, { path: '/snapshots', viewport: { width: 900, height: 600 } });
    const line = console.page.getByRole('slider', { name: 'Snapshots over time' });
    await console.page.getByRole('button', { name: `All ${count} snapshots…` }).waitFor();
    expect(await line.locator('.mark').count()).toBeLessThan(50);
    await line.press('Home');
    for (const expected of ['auto-0', 'auto-1', 'auto-2']) {
      await expect.poll(() => line.getAttribute('aria-valuetext'), patience).toMatch(new RegExp(`^${expected},`));
      await line.press('ArrowRight');
    }
    await line.press('End');
    await expect.poll(() => line.getAttribute('aria-valuetext'), patience).toMatch(/^Live/);
    await picture(console, 'snapshots-narrow');
    await expectAccessible(console);
    expectNoFaults(console);
  });
});
