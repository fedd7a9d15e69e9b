import { expect, it } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { expectAccessible, expectNoFaults, forgetUnreachable, picture } from './console-checks.ts';
import { ConsoleLab, mirrored } from './console-lab.ts';

describeInChromium('the lab of the console', () => {
  it('has two paired servers with a volume and its mirror, and the console open on each', async () => {
    await using lab = ConsoleLab.open();
    const pair = await lab.pairedServers();
    await lab.put(pair.primary, pair.volume, { 'letters/one.txt': 'Dear reader', 'two.txt': 'two' });
    const status = await mirrored(pair);
    expect(status).toMatchObject({ peerName: 'office', volume: 'work', identical: true });
    const { entries } = await pair.mirror.client.files.list({ volume: pair.copy, at: 'last', path: '/' });
    expect(entries.map(({ name }) => name)).toEqual(['letters', 'two.txt']);
    for (const server of [pair.primary, pair.mirror]) {
      const console = await lab.openConsole(server);
      await console.page.getByText(server.name, { exact: true }).first().waitFor();
      await console.go('/activity');
      expect(await console.page.locator('main h1').innerText()).toBe('Activity');
      await picture(console, `lab-${server.name}`);
      await expectAccessible(console);
      expectNoFaults(console);
    }
  });

  it('cuts the line to an open console, which finds its server again when it is mended', async () => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    const line = await lab.cutLine();
    const console = await lab.openConsole(server, { proxy: line.proxy });
    await console.page.getByText('attic', { exact: true }).first().waitFor();
    expectNoFaults(console);
    line.cut();
    const banner = console.page.getByText('The connection to the server is lost.');
    await banner.waitFor();
    line.mend();
    await banner.waitFor({ state: 'detached' });
    forgetUnreachable(console);
    expectNoFaults(console);
  });

  it.each(['stop', 'kill'] as const)('finds its server again after a %s and a new start, and is still in', async (how) => {
    await using lab = ConsoleLab.open();
    const server = await lab.server('attic');
    const console = await lab.openConsole(server);
    await console.page.getByText('attic', { exact: true }).first().waitFor();
    await server[how]();
    const banner = console.page.getByText('The connection to the server is lost.');
    await banner.waitFor();
    await server.startAgain();
    await banner.waitFor({ state: 'detached' });
    // What it shows is of the new process, which has a volume more.
    await server.client.volumes.create({ name: 'later', devices: [{ path: `${lab.folder}/later.img`, sizeBytes: 64 << 20 }] });
    await console.go('/volumes');
    await console.page.getByText('later', { exact: true }).first().waitFor();
    forgetUnreachable(console);
    expectNoFaults(console);
  });
});
