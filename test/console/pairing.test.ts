import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, picture } from './console-checks.ts';
import { ConsoleLab, freePort, type LabServer, until } from './console-lab.ts';
import { beginAs, makeVolume } from './pairing-lab.ts';

async function isIdentical(server: LabServer): Promise<boolean> {
  const { relationships } = await server.client.relationships.list({});
  return relationships.length > 0 && relationships.every(({ identical, state }) => identical && state === 'live');
}

describeInChromium('pairing in two windows', () => {
  it('leads from two empty servers to an identical mirror, closed windows in between included', async () => {
    await using lab = ConsoleLab.open();
    const [attic, office] = await Promise.all([lab.server('attic'), lab.server('office')]);
    const [files, copy] = await Promise.all([lab.openConsole(attic), lab.openConsole(office)]);
    const listen = `tls://127.0.0.1:${await freePort()}`;

    // The side that is to hold the copy makes room for it, and an invitation.
    await beginAs(copy, 'Make an invitation');
    await makeVolume(copy.page, { name: 'copy', folder: lab.folder, size: '96M', listen });
    await copy.page.getByRole('heading', { name: 'Invite the server that has the files' }).waitFor();
    await copy.page.reload();
    await copy.page.getByRole('button', { name: 'Make an invitation' }).click();
    const invitation = await copy.page.getByLabel('Invitation', { exact: true }).inputValue();
    expect(invitation).toMatch(/^mirrorpoint-invitation:[\w-]+$/);
    await copy.page.getByRole('img', { name: 'The invitation as a QR code' }).waitFor();
    await copy.page.getByText(/It is good once, for\s+9 min/).waitFor();
    await picture(copy, 'pairing-invitation');
    await expectAccessible(copy);

    // The side with the files makes its volume, and takes the invitation up.
    await beginAs(files, 'Use an invitation');
    await makeVolume(files.page, { name: 'work', folder: lab.folder, size: '64M' });
    await files.page.getByLabel('Invitation', { exact: true }).fill(invitation.slice(0, 40));
    await files.page.getByText(/This invitation cannot be used/).waitFor();
    expect(await files.page.getByRole('button', { name: 'Look who made it' }).isDisabled()).toBe(true);
    await files.page.getByLabel('Invitation', { exact: true }).fill(`mirrorpoint pair ${invitation}`);
    await files.page.getByRole('button', { name: 'Look who made it' }).click();

    // Each side is asked; the answer that is at hand is no.
    const { identity } = await office.client.peers.list({});
    await files.page.getByRole('heading', { name: 'Pair with ‘office’?' }).waitFor();
    await files.page.getByText('‘office’ would be the mirror: volumes of this server may be sent to it.').waitFor();
    expect((await files.page.locator('.question').innerText()).replace(/\s/g, '')).toContain(identity);
    expect(await files.page.evaluate(() => document.activeElement?.textContent.trim())).toBe('No, refuse it');
    await picture(files, 'pairing-question');
    await expectAccessible(files);
    expect((await attic.client.peers.list({})).peers).toEqual([]);
    await files.page.getByRole('button', { name: 'Yes, pair the two' }).click();
    await copy.page.getByRole('heading', { name: 'Pair with ‘attic’?' }).waitFor();
    await copy.page.getByText('‘attic’ would be the primary: it may send its volumes to mirrors on this server.').waitFor();
    await copy.page.getByRole('button', { name: 'Yes, pair the two' }).click();

    // Both are paired; the window is closed, and goes on where it was.
    await files.page.getByRole('heading', { name: 'Link the volume to its mirror' }).waitFor();
    await files.page.reload();
    await files.page.getByRole('heading', { name: 'Link the volume to its mirror' }).waitFor();
    expect(await files.page.getByLabel('Where the mirror waits').inputValue()).toBe(listen);
    await expectAccessible(files);
    await copy.page.getByText('This side is ready.').waitFor();
    await expectAccessible(copy);
    await files.page.getByRole('button', { name: 'Link work' }).click();
    await files.page.getByText('The mirror has everything, and follows.').waitFor();
    await copy.page.getByText('The copy is whole, and follows.').waitFor();
    await picture(files, 'pairing-done');
    await expectAccessible(files);
    await until(() => isIdentical(attic), Boolean);
    expect((await office.client.volumes.list({})).volumes).toMatchObject([{ name: 'copy', role: 'mirror', listen: [listen] }]);
    for (const console of [files, copy]) expectNoFaults(console);
  });

  it('that is refused stores nothing on either side, and says so; an invitation that was used up is no good', async () => {
    await using lab = ConsoleLab.open();
    const [attic, office] = await Promise.all([lab.server('attic'), lab.server('office')]);
    const image = { path: join(lab.folder, 'copy.img'), sizeBytes: 64 << 20 };
    await office.client.volumes.create({ name: 'copy', role: 'mirror', devices: [image], listen: [`tls://127.0.0.1:${await freePort()}`] });
    await attic.client.volumes.create({ name: 'work', devices: [{ ...image, path: join(lab.folder, 'work.img') }] });
    const [files, copy] = await Promise.all([lab.openConsole(attic), lab.openConsole(office)]);

    await beginAs(copy, 'Make an invitation');
    await copy.page.getByRole('radio', { name: /^copy/ }).check();
    await copy.page.getByRole('button', { name: 'Use this one' }).click();
    await copy.page.getByRole('button', { name: 'Make an invitation' }).click();
    const invitation = await copy.page.getByLabel('Invitation', { exact: true }).inputValue();
    await beginAs(files, 'Use an invitation');
    await files.page.getByRole('radio', { name: /^work/ }).check();
    await files.page.getByRole('button', { name: 'Use this one' }).click();
    await files.page.getByLabel('Invitation', { exact: true }).fill(invitation);
    await files.page.getByRole('button', { name: 'Look who made it' }).click();
    await files.page.getByRole('button', { name: 'No, refuse it' }).press('Enter');
    await files.page.getByText('The two were not paired.').waitFor();
    await files.page.getByText('pairing-refused').waitFor();
    await copy.page.getByText('No server was paired.').waitFor();
    await expectAccessible(files);
    await expectAccessible(copy);

    await files.page.getByRole('button', { name: 'Dismiss' }).click();
    await files.page.getByLabel('Invitation', { exact: true }).fill(invitation);
    await files.page.getByRole('button', { name: 'Look who made it' }).click();
    await files.page.getByText('invitation-used').waitFor();
    expect([(await attic.client.peers.list({})).peers, (await office.client.peers.list({})).peers]).toEqual([[], []]);
    for (const console of [files, copy]) expectNoFaults(console);
  });
});
