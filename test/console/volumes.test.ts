import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { attachLoopDevice, hasProgram, type LoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, mirrored, until } from './console-lab.ts';

/** Goes to the wizard, and through its first step. */
async function nameNewVolume(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New volume…' }).first().click();
  await page.getByRole('radio', { name: /^It holds the files/ }).check();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Next' }).click();
}

/** Types what a dialog wants typed, and goes on. */
async function confirm(page: Page, typed: string, verb: string): Promise<void> {
  const dialog = page.getByRole('dialog').filter({ visible: true });
  const button = dialog.getByRole('button', { name: verb, exact: true });
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type “/).fill(typed);
  await button.click();
}

function loopDevice(folder: string): LoopDevice {
  const device = attachLoopDevice(join(folder, 'loop.bin'), 96 << 20);
  onTestFinished(() => {
    device.detach();
  });
  return device;
}

describeInChromium('volumes in the window', () => {
  it('are made on an image, and nonsense is refused where it is typed', async () => {
    await using lab = ConsoleLab.open();
    const attic = await lab.server('attic');
    const console = await lab.openConsole(attic, { path: '/volumes' });
    const { page } = console;
    await page.getByText('There is no volume here yet').waitFor();
    await picture(console, 'volumes-none');
    await expectAccessible(console);

    writeFileSync(join(lab.folder, 'taken.img'), 'something');
    await page.getByRole('button', { name: 'New volume…' }).first().click();
    const next = page.getByRole('button', { name: 'Next' });
    await page.getByLabel('Name', { exact: true }).fill('../x');
    await page.getByText('a name is 1 to 63 letters').waitFor();
    expect(await next.isDisabled()).toBe(true);
    await page.getByLabel('Name', { exact: true }).fill('taken');
    await page.getByRole('radio', { name: /^It holds the files/ }).check();
    await next.click();
    await page.getByText('An image file', { exact: true }).click();
    await page.getByRole('textbox', { name: 'Folder for the image file' }).fill(join(lab.folder, 'nowhere'));
    await page.getByText(/nowhere/).first().waitFor();
    await page.getByRole('button', { name: 'Choose folder…' }).click();
    const picker = page.getByRole('dialog').filter({ visible: true });
    await picker.getByLabel('Path on this server').fill(lab.folder);
    await page.keyboard.press('Enter');
    await picker.getByRole('button', { name: 'attic' }).waitFor();
    await picture(console, 'volumes-folder');
    await expectAccessible(console);
    await picker.getByRole('button', { name: 'Choose this folder' }).click();
    expect(await page.getByRole('textbox', { name: 'Folder for the image file' }).inputValue()).toBe(lab.folder);
    await page.getByText("There is 'taken.img' in that folder already.").waitFor();
    await page.getByLabel('File name').fill('work.img');
    await page.getByLabel('Size').fill('64');
    await next.click();
    await next.click();
    await page.getByRole('button', { name: 'Make the volume' }).click();
    // The server has the last word, and the wizard goes to where it is about.
    await page.getByText('The volume was not made.').waitFor();
    await page.getByText('device-too-small').waitFor();
    await page.getByRole('heading', { name: 'Where is it to be kept?' }).waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByLabel('Size').fill('64M');
    await next.click();
    await page.getByRole('slider').fill('3');
    expect(await page.getByRole('textbox', { name: 'From one CP to the next' }).inputValue()).toBe('10s');
    await page.getByText('Advanced').click();
    await picture(console, 'volumes-promises');
    await expectAccessible(console);
    await next.click();
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Make the volume' }).click();
    await page.getByRole('heading', { name: 'taken', level: 1 }).waitFor();
    expect(await attic.client.volumes.inspect({ volume: 'taken' })).toMatchObject({ devices: [join(lab.folder, 'work.img')], cpIntervalMs: 10_000, role: 'primary' });
    expectNoFaults(console);
  });

  it('are made on a drive only when that is typed, and by the drive that was looked at', async () => {
    const why = whyNoLoopDevices();
    if (why !== undefined) {
      process.stderr.write(`SKIPPED: a volume is not made on a drive: ${why}\n`);
      return;
    }
    await using lab = ConsoleLab.open();
    const attic = await lab.server('attic');
    const device = loopDevice(lab.folder);
    if (hasProgram('mkfs.ext4')) execFileSync('mkfs.ext4', ['-q', '-F', device.path]);
    const console = await lab.openConsole(attic, { path: '/volumes' });
    const { page } = console;
    await nameNewVolume(page, 'big');
    await page.getByText('Attached drives', { exact: true }).click();
    const drive = page.getByRole('listitem').filter({ hasText: device.path });
    await drive.waitFor();
    const { drives } = await attic.client.machine.drives({});
    const { confirmation, contents } = drives.find(({ path }) => path === device.path)!;
    // Nothing is chosen beforehand, and what cannot be taken says why.
    expect(await page.getByRole('checkbox', { checked: true }).count()).toBe(0);
    // Loop devices of others come and go.
    for (const { path, refusal } of drives.filter((one) => one.refusal !== undefined && !one.path.startsWith('/dev/loop'))) {
      const refused = page.getByRole('listitem').filter({ hasText: path }).first();
      expect([path, await refused.getByRole('checkbox').isDisabled()]).toEqual([path, true]);
      expect(await refused.innerText()).toContain(refusal);
    }
    await drive.getByRole('checkbox').check();
    await picture(console, 'volumes-drives');
    await expectAccessible(console);
    const next = page.getByRole('button', { name: 'Next' });
    expect(await next.isDisabled()).toBe(true);
    await drive.getByLabel(/^Type “/).fill('yes');
    expect(await next.isDisabled()).toBe(true);
    await drive.getByLabel(/^Type “/).fill(confirmation);
    await next.click();
    await next.click();
    const erase = page.getByRole('button', { name: /^Erase .* and make the volume$/ });
    if (contents.length > 0) await page.getByText(contents[0]!).waitFor();
    await picture(console, 'volumes-erase');
    await expectAccessible(console);

    // It holds something else by the time at which it is to be erased.
    execFileSync('dd', ['if=/dev/urandom', `of=${device.path}`, 'bs=4096', 'count=4', 'conv=fsync'], { stdio: 'ignore' });
    await erase.click();
    await page.getByText('device-changed').waitFor();
    await page.getByRole('button', { name: 'Look again' }).click();
    await until(() => page.getByRole('checkbox', { checked: true }).count(), (count) => count === 0);
    await drive.getByRole('checkbox').check();
    await drive.getByLabel(/^Type “/).fill(confirmation);
    await next.click();
    await next.click();
    await erase.click();
    await page.getByRole('heading', { name: 'big', level: 1 }).waitFor();
    expect(await attic.client.volumes.inspect({ volume: 'big' })).toMatchObject({ devices: [device.path], state: 'open' });
    await attic.client.volumes.detach({ volume: 'big' });
    expectNoFaults(console);
  });

  it('are looked into: room, devices, scrub, what is kept for a mirror; and are grown, copied to another device, and let go', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    const { primary, volume } = pair;
    await lab.put(primary, volume, { 'one.bin': new Uint8Array(1 << 20).fill(1), 'two.bin': new Uint8Array(1 << 20).fill(2) });
    await primary.client.snapshots.create({ volume, snapshot: 'monday' });
    await primary.client.snapshots.hold({ volume, snapshot: 'monday', label: 'legal' });
    await primary.client.files.remove({ volume, path: '/one.bin' }).then(async (events) => {
      for await (const _ of events);
    });
    await mirrored(pair);
    const console = await lab.openConsole(primary, { path: '/volumes' });
    const { page } = console;
    await page.getByRole('link', { name: volume }).click();
    await page.getByRole('heading', { name: volume, level: 1 }).waitFor();
    // The CP after that of the removal: until then the mirror needs what was removed too.
    await page.getByRole('row').filter({ hasText: /monday[^]*legal[^]*1\.\d MiB/ }).waitFor();
    await picture(console, 'volumes-detail');
    await expectAccessible(console);

    await page.getByRole('button', { name: 'Start a scrub' }).click();
    await page.getByText(/blocks proven in .*; all were right\./).waitFor();
    await page.getByRole('button', { name: /^Change the cap for/ }).click();
    const cap = page.getByRole('dialog').filter({ visible: true });
    await cap.getByLabel('At most').fill('101%');
    await cap.getByRole('button', { name: 'Save' }).click();
    await cap.getByText(/is more than volume work has|A cap of 101 %/).waitFor();
    await cap.getByLabel('At most').fill('15%');
    await cap.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The cap was set: 15%.').waitFor();

    // Grown beyond its mirror it could not be followed: the window says which goes first.
    await page.getByRole('button', { name: 'Grow…' }).click();
    const grow = page.getByRole('dialog').filter({ visible: true });
    await grow.getByText('The mirror first.').waitFor();
    await grow.getByRole('radio', { name: /^Enlarge an image file/ }).check();
    await grow.getByLabel('New size').fill('32M');
    await grow.getByText(/a volume is not made smaller/).waitFor();
    await expectAccessible(console);
    await pair.mirror.client.volumes.grow({ volume: pair.copy, enlarge: { path: (await pair.mirror.client.volumes.inspect({ volume: pair.copy })).devices[0]!, sizeBytes: 96 << 20 } });
    await grow.getByLabel('New size').fill('96M');
    await grow.getByRole('button', { name: 'Grow the volume' }).click();
    await page.getByRole('cell', { name: '96.0 MiB' }).waitFor();

    await page.getByRole('button', { name: /^Replace / }).click();
    const replace = page.getByRole('dialog').filter({ visible: true });
    await replace.getByText('An image file', { exact: true }).click();
    expect(await replace.getByLabel('Size').inputValue()).toBe('96M');
    await replace.getByRole('textbox', { name: 'Folder for the image file' }).fill(lab.folder);
    await replace.getByLabel('File name').fill('next.img');
    await replace.getByRole('button', { name: 'Copy to it and replace' }).click();
    await page.locator('main').getByText('The new device has taken the place of the old one, with everything that was on it.').waitFor();
    await page.getByRole('rowheader', { name: /next\.img/ }).waitFor();
    await mirrored(pair);

    await page.getByRole('button', { name: 'Detach…' }).click();
    await page.getByText(/Unlink that first/).waitFor();
    await confirm(page, volume, 'Detach');
    await page.getByText('It was not detached.').waitFor();
    await expectAccessible(console);
    await primary.client.relationships.unlink({ volume });
    await page.getByRole('dialog').filter({ visible: true }).getByRole('button', { name: 'Detach', exact: true }).click();
    await page.getByText('There is no volume here yet').waitFor();
    expect((await primary.client.volumes.list({})).volumes).toEqual([]);
    expectNoFaults(console);

    // What was let go is taken in again, as it was.
    await page.getByRole('button', { name: 'Attach…' }).click();
    await page.getByRole('radio', { name: /^It holds the files/ }).check();
    await page.getByLabel('Name', { exact: true }).fill('again');
    await page.getByRole('textbox', { name: 'Image file or drive' }).fill(join(lab.folder, 'next.img'));
    await expectAccessible(console);
    await page.getByRole('button', { name: 'Attach', exact: true }).click();
    await page.getByRole('heading', { name: 'again', level: 1 }).waitFor();
    const { entries } = await primary.client.files.list({ volume: 'again', path: '/' });
    expect(entries.map(({ name }) => name)).toEqual(['two.bin']);
    expectNoFaults(console);
  });
});
