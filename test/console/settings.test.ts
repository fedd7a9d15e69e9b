import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, until } from './console-lab.ts';

describeInChromium('settings', () => {
  it('rename the server, and refuse a name that is none where it is typed', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    const console = await lab.openConsole(server, { path: '/settings' });
    const { page } = console;
    const card = page.getByRole('region', { name: 'This server' });
    const name = card.getByLabel('Name');
    const rename = card.getByRole('button', { name: 'Rename' });
    await expect.poll(() => name.inputValue()).toBe('attic');
    await name.fill('   ');
    await card.getByText("a server's name is not empty").waitFor();
    expect(await rename.isDisabled()).toBe(true);
    await expectAccessible(console);
    // Nothing of this is seen, and the server says so.
    await name.fill('at\u200btic');
    await rename.click();
    await card.getByText('argument-invalid').waitFor();
    await picture(console, 'settings-refused');
    await card.getByRole('button', { name: 'Dismiss' }).click();
    await name.fill('cellar');
    await name.press('Enter');
    await page.getByRole('navigation', { name: 'Screens' }).getByText('cellar').waitFor();
    expect((await server.client.server.settings({})).serverName).toBe('cellar');
    expect(await card.locator('code').innerText()).toMatch(/^([0-9a-f]{4}\s*){16}$/);
    expectNoFaults(console);
  });

  it('rename and revoke a paired server, after saying what ends and having its name typed', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers({ cpIntervalMs: 0 });
    const { client } = pair.primary;
    const console = await lab.openConsole(pair.primary, { path: '/settings' });
    const { page } = console;
    await page.getByRole('button', { name: 'Rename office' }).click();
    const renaming = page.getByRole('dialog', { name: 'Call it something else here' });
    await renaming.getByLabel('Name').fill('far away');
    await renaming.getByLabel('Name').press('Enter');
    await page.getByRole('button', { name: 'Revoke far away' }).click();

    const dialog = page.getByRole('dialog', { name: "Trust 'far away' no more?" });
    await dialog.getByText(`'work' is not mirrored to 'far away' any more (${pair.address}).`).waitFor();
    const revoke = dialog.getByRole('button', { name: 'Revoke' });
    expect(await revoke.isDisabled()).toBe(true);
    await picture(console, 'settings-revoke');
    await expectAccessible(console);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect((await client.peers.list({})).peers[0]?.revokedWallMs).toBeUndefined();

    await page.getByRole('button', { name: 'Revoke far away' }).click();
    await dialog.getByLabel('Type “far away” to go on').fill('far away');
    await revoke.click();
    await page.getByText(/Refused since/).waitFor();
    expect((await client.peers.list({})).peers).toMatchObject([{ name: 'far away', revokedWallMs: expect.any(Number) }]);
    expect(await page.getByRole('button', { name: 'Revoke far away' }).count()).toBe(0);
    await until(
      async () => (await client.relationships.list({})).relationships[0]?.code,
      (code) => code === 'peer-revoked',
    );
    await expectAccessible(console);
    expectNoFaults(console);
  });

  it('choose notifications and the appearance, which is remembered; what a browser cannot do is said', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    const console = await lab.openConsole(server, { path: '/settings', colorScheme: 'light' });
    const { page } = console;
    await page.getByText('Problems alone').click();
    await expect.poll(async () => (await server.client.server.settings({})).notifications).toBe('problem');
    await page.getByText('A browser cannot start anything when you log in').waitFor();
    const isDark = (): Promise<boolean> => page.evaluate(() => document.documentElement.classList.contains('dark'));
    expect(await isDark()).toBe(false);
    const dark = page.getByRole('radio', { name: /^Dark/ });
    await dark.check();
    await expect.poll(isDark).toBe(true);
    await page.reload();
    await dark.waitFor();
    expect([await isDark(), await dark.isChecked()]).toEqual([true, true]);
    await page.getByRole('radio', { name: 'As the system' }).check();
    await expect.poll(isDark).toBe(false);
    const about = page.getByRole('region', { name: 'About' });
    await about.getByText(server.place.configFolder).waitFor();
    await about.getByText(String(server.process.processId), { exact: true }).waitFor();
    await picture(console, 'settings-about');
    await expectAccessible(console);
    expectNoFaults(console);
  });
});
