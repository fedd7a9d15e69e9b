import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, type LabServer, mirrored, until } from './console-lab.ts';

async function roleOf(server: LabServer, volume: string): Promise<string> {
  return (await server.client.volumes.inspect({ volume })).role;
}

async function namesIn(server: LabServer, volume: string, snapshot?: string): Promise<string[]> {
  const { entries } = await server.client.files.list({ volume, path: '/', ...(snapshot !== undefined && { at: { snapshot } }) });
  return entries.map(({ name }) => name);
}

/** Types what the open dialog wants typed, and goes on. */
async function confirm(page: Page, typed: string, verb: string): Promise<void> {
  const dialog = page.getByRole('dialog').filter({ visible: true });
  const button = dialog.getByRole('button', { name: verb, exact: true });
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type “/).fill(typed);
  await button.click();
}

/** Swaps the roles by the window of the server that leads. */
async function swap(page: Page, other: string): Promise<void> {
  await page.getByRole('button', { name: 'Swap the roles…' }).click();
  const dialog = page.getByRole('dialog').filter({ visible: true });
  await dialog.getByText(`${other} becomes the primary of`).waitFor();
  await dialog.getByRole('button', { name: 'Swap the roles', exact: true }).click();
  await page.locator('main').getByText(new RegExp(`The roles are swapped after .*: ${other} is the primary in epoch`)).waitFor();
}

describeInChromium('failing over in the window', () => {
  it('swaps the roles of two servers and back, and loses nothing', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    const { primary: attic, mirror: office, volume, copy } = pair;
    await lab.put(attic, volume, { 'one.txt': 'one' });
    await mirrored(pair);
    const [atAttic, atOffice] = await Promise.all([lab.openConsole(attic, { path: '/failover' }), lab.openConsole(office, { path: '/failover' })]);
    await atAttic.page.getByText(`attic, this server, leads ${volume}; office follows.`).waitFor();
    await atOffice.page.getByText('office, this server, holds a copy of what attic leads.').waitFor();
    // While the primary is there, the mirror is not promoted.
    await atOffice.page.getByText('Refused, because attic is connected').waitFor();
    await picture(atOffice, 'failover-mirror');
    await expectAccessible(atAttic);
    await expectAccessible(atOffice);

    await swap(atAttic.page, 'office');
    await atAttic.page.getByText(/The last safe CP is \d+: both servers have it\./).waitFor();
    expect(await atAttic.page.getByRole('list', { name: 'Steps of the switch-over' }).innerText()).not.toContain('not done');
    await picture(atAttic, 'failover-swapped');
    await expectAccessible(atAttic);
    expect([await roleOf(attic, volume), await roleOf(office, copy)]).toEqual(['mirror', 'primary']);
    await lab.put(office, copy, { 'two.txt': 'two' });
    await office.client.cp.now({ volume: copy });

    await atOffice.page.getByText(`office, this server, leads ${copy}; attic follows.`).waitFor();
    await swap(atOffice.page, 'attic');
    expect([await roleOf(attic, volume), await roleOf(office, copy)]).toEqual(['primary', 'mirror']);
    expect(await namesIn(attic, volume)).toEqual(['one.txt', 'two.txt']);
    await mirrored(pair);
    expect(await namesIn(office, copy)).toEqual(['one.txt', 'two.txt']);
    for (const console of [atAttic, atOffice]) expectNoFaults(console);
  });

  it('goes on at the mirror when the primary was killed, which steps down when it comes back and keeps what only it has', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    const { primary: attic, mirror: office, volume, copy, address } = pair;
    await lab.put(attic, volume, { 'one.txt': 'one' });
    await mirrored(pair);
    await attic.client.relationships.pause({ volume, address });
    await lab.put(attic, volume, { 'only-here.txt': 'two' });
    await attic.client.cp.now({ volume });
    await attic.client.relationships.resume({ volume, address }).then(() => attic.kill());

    const console = await lab.openConsole(office, { path: '/failover' });
    const { page } = console;
    await page.getByText(/attic is not connected\. When it comes back it steps down/).waitFor();
    await page.getByText(/No newer CP of attic is known here|is known to have taken CP/).first().waitFor();
    await picture(console, 'failover-lost');
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Make this server the primary…' }).click();
    await expectAccessible(console);
    await confirm(page, copy, 'Make it the primary');
    await page.locator('main').getByText(new RegExp(`${copy} is the primary here from now on, at CP \\d+ in epoch 2\\.`)).waitFor();
    await page.getByText(`This server leads ${copy} already.`).waitFor();
    await lab.put(office, copy, { 'three.txt': 'three' });
    expectNoFaults(console);

    await attic.startAgain();
    await until(() => roleOf(attic, volume), (role) => role === 'mirror');
    const back = await lab.openConsole(attic, { path: '/failover' });
    await back.page.getByRole('heading', { name: 'Set aside here' }).waitFor();
    await back.page.getByText('before-epoch-2', { exact: true }).waitFor();
    expect(await namesIn(attic, volume, 'before-epoch-2')).toContain('only-here.txt');
    await back.page.getByText(/It keeps a state aside as ‘before-epoch-2’, which would be lost/).waitFor();
    await picture(back, 'failover-back');
    await expectAccessible(back);
    await back.page.getByRole('button', { name: 'Delete before-epoch-2' }).click();
    await confirm(back.page, 'before-epoch-2', 'Delete');
    await back.page.getByRole('heading', { name: 'Set aside here' }).waitFor({ state: 'detached' });
    await office.client.cp.now({ volume: copy });
    await until(() => namesIn(attic, volume), (names) => names.join() === 'one.txt,three.txt');

    // Now it can lead again, in the planned way.
    await page.getByText(`office, this server, leads ${copy}; attic follows.`).waitFor();
    await until(async () => (await office.client.relationships.list({})).relationships[0]!, ({ identical, state }) => identical && state === 'live');
    await swap(page, 'attic');
    expect([await roleOf(attic, volume), await roleOf(office, copy)]).toEqual(['primary', 'mirror']);
    expectNoFaults(console);
    expectNoFaults(back);
  });

  it('tries a state out in a clone, which is written to and forgotten', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    const { primary, mirror, volume, copy } = pair;
    await lab.put(primary, volume, { 'one.txt': 'one' });
    await primary.client.snapshots.create({ volume, snapshot: 'monday' });
    await lab.put(primary, volume, { 'two.txt': 'two' });
    await mirrored(pair);
    const console = await lab.openConsole(mirror, { path: '/failover' });
    const { page } = console;
    await page.getByRole('button', { name: 'Start a test…' }).click();
    const dialog = page.getByRole('dialog').filter({ visible: true });
    expect(await dialog.getByLabel('Name of the clone').inputValue()).toBe('copy-trial');
    await dialog.getByRole('radio', { name: /^A snapshot/ }).check();
    // A snapshot is wanted, and none is chosen yet.
    expect(await dialog.getByRole('button', { name: 'Start the test' }).isDisabled()).toBe(true);
    await dialog.getByRole('radio', { name: /^monday/ }).check();
    await expectAccessible(console);
    await dialog.getByRole('button', { name: 'Start the test' }).click();
    await page.getByRole('row').filter({ hasText: 'copy-trial' }).getByText('snapshot monday').waitFor();
    expect(await namesIn(mirror, 'copy-trial')).toEqual(['one.txt']);
    await lab.put(mirror, 'copy-trial', { 'tried.txt': 'tried' });
    expect([await namesIn(mirror, 'copy-trial'), await namesIn(mirror, copy)]).toEqual([['one.txt', 'tried.txt'], ['one.txt', 'two.txt']]);
    await picture(console, 'failover-clone');
    await page.getByRole('button', { name: 'End copy-trial' }).click();
    await confirm(page, 'copy-trial', 'End the test');
    await page.getByText('None runs.').waitFor();
    expect((await mirror.client.volumes.list({})).volumes.map(({ name }) => name)).toEqual([copy]);
    expectNoFaults(console);
  });
});
