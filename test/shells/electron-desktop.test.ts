import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { describeInChromium } from '../browser/chromium.ts';
import { builtDesktop } from '../electron-double/built-desktop.ts';
import { DesktopPlace, soon, untilConsole } from './desktop-place.ts';
import { runCommand, ServerProcess } from './server-process.ts';

// A window is a browser of its own, on a machine that may be busy with others.
vi.setConfig({ testTimeout: 300_000 });

describeInChromium('the desktop program', () => {
  it('serves its configuration folder, where commands find it, and shows the console', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const found = await runCommand(place, '--json', 'status');
    expect(JSON.parse(found.stdout)).toMatchObject({ processId: desktop.processId, serving: true });
    await untilConsole(desktop);
    expect(await desktop.inPage(() => document.title)).toBe('Overview – Mirrorpoint');
    expect(await desktop.look()).toMatchObject({ windows: [{ isVisible: true, url: 'app://console/' }], pageErrors: [], escaped: [] });
  });

  it.runIf(process.platform === 'linux')('looks at the drives by a process of its own', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start('--hidden');
    const client = await place.client();
    const { drives } = await client.machine.drives({});
    expect((await desktop.look()).programs).toEqual(['Mirrorpoint drives']);
    for (const { path, refusal, token } of drives) expect([path, refusal === undefined]).toEqual([path, token !== '']);
    const listed = readdirSync('/sys/class/block').filter((name) => /^(sd|vd|nvme|xvd)/.test(name) && !existsSync(join('/sys/class/block', name, 'partition')));
    expect(drives.map(({ path }) => path)).toEqual(expect.arrayContaining(listed.map((name) => `/dev/${name}`)));
  });

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)('has the program that listens to the network in its build', async () => {
    const script = join(await builtDesktop(), 'main', 'discovery-program.js');
    const task = JSON.stringify({ task: 'find', listenMs: 100 });
    // On a machine without a network it hears of nobody, and ends.
    expect(await promisify(execFile)('unshare', ['--net', process.execPath, script, task])).toEqual({ stdout: '', stderr: '' });
  });

  it('ends by the command that stops a server', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start('--hidden');
    const stopped = await runCommand(place, '--json', 'stop');
    expect(JSON.parse(stopped.stdout)).toEqual({ stopped: true });
    expect(await desktop.ended()).toBe(0);
  });

  it('starts hidden where it is told to, without a window, and a second start shows the first', async () => {
    await using place = new DesktopPlace();
    const first = await place.start('--hidden');
    expect(await first.look()).toMatchObject({ windows: [], tray: { labels: expect.arrayContaining(['Open Mirrorpoint']) } });
    const hidden = await place.begin('--hidden');
    expect(await hidden.ended()).toBe(0);
    expect((await first.look()).windows).toEqual([]);
    const second = await place.begin();
    expect(await second.ended()).toBe(0);
    await expect.poll(async () => (await first.look()).windows, soon).toMatchObject([{ isVisible: true }]);
  });

  it('leaves a folder to the server that has it, says how to reach that, and ends', async () => {
    await using place = new DesktopPlace();
    await using server = await ServerProcess.start(place);
    place.env.ELECTRON_DOUBLE_SLOW_READER = '1';
    const desktop = await place.begin();
    await expect.poll(() => desktop.look().then(({ messageBoxes }) => messageBoxes), soon).toMatchObject([
      { message: 'A Mirrorpoint server runs already.', detail: expect.stringContaining('mirrorpoint console') },
    ]);
    await desktop.order('closeMessageBox');
    expect(await desktop.ended()).toBe(1);
    expect((await server.client.server.status({})).processId).toBe(server.processId);
  });

  it('shows a window on a screen that is there, as it was left', async () => {
    await using place = new DesktopPlace();
    const first = await place.start();
    await first.order('moveWindow', { x: 40, y: 60, width: 1000, height: 700 });
    await first.order('closeWindow');
    expect(await first.ended()).toBe(0);
    const second = await place.start();
    expect((await second.look()).windows).toMatchObject([{ bounds: { x: 40, y: 60, width: 1000, height: 700 } }]);
    await second.order('quit');
    await second.ended();
    writeFileSync(join(place.configFolder, 'desktop', 'window.json'), 'nonsense');
    const third = await place.start();
    expect((await third.look()).windows).toMatchObject([{ bounds: { x: 180, y: 90, width: 1240, height: 820 } }]);
  });
});

describeInChromium('closing the window', () => {
  it('ends a program that serves nothing', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    await desktop.order('closeWindow');
    expect(await desktop.ended()).toBe(0);
  });

  it('leaves one that serves volumes in the tray, says so once, and the tray brings it back', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    await place.createVolume(await place.client(), 'work');
    await expect.poll(async () => (await desktop.look()).tray?.labels, soon).toContain('work is not mirrored');
    for (let time = 0; time < 2; time++) {
      await desktop.order('closeWindow');
      expect((await desktop.look()).windows).toMatchObject([{ isVisible: false }]);
      await desktop.order('clickTray', 'Open Mirrorpoint');
      expect((await desktop.look()).windows).toMatchObject([{ isVisible: true }]);
    }
    expect((await desktop.look()).notifications).toEqual([{ title: 'Mirrorpoint goes on', body: expect.stringContaining('tray') }]);
  });

  it('ends the program where there is no tray, so that nothing goes on unseen', async () => {
    await using place = new DesktopPlace();
    place.env.ELECTRON_DOUBLE_TRAY = '0';
    const desktop = await place.start('--hidden');
    // Hidden, nobody would find it.
    expect(await desktop.look()).toMatchObject({ windows: [{ isVisible: true }] });
    await place.createVolume(await place.client(), 'work');
    await desktop.order('closeWindow');
    expect(await desktop.ended()).toBe(0);
  });
});

describeInChromium('the end of the desktop program', () => {
  it('takes a last CP of every volume, and says meanwhile what it does', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const client = await place.client();
    await place.createVolume(client, 'work');
    await client.files.makeDirectory({ volume: 'work', path: '/made/last', parents: true });
    const before = await client.volumes.inspect({ volume: 'work' });
    expect(before.waitingBytes).toBeGreaterThan(0);
    await desktop.order('quit');
    expect(await desktop.ended()).toBe(0);
    expect(desktop.lastLook).toMatchObject({
      windows: [{ title: 'Mirrorpoint – closing, a last CP of each volume is taken…', progress: 2 }],
      tray: { tooltip: 'Mirrorpoint. Closing: a last CP of each volume is taken' },
      errorBoxes: [],
    });
    // It is there after the journal would not be asked any more.
    const { stdout } = await runCommand(place, '--json', 'cp', 'history', 'work');
    expect(JSON.parse(stdout)).toMatchObject([{ cause: 'close', cp: before.cp + 1 }, { cp: before.cp }]);
    expect((await runCommand(place, 'ls', 'work@last:/made')).stdout).toContain('last');
    expect(existsSync(join(place.configFolder, 'control.sock'))).toBe(false);
  });

  it('comes in order before the machine shuts down', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start('--hidden');
    expect(await desktop.order('power', 'shutdown')).toBe(true);
    expect(await desktop.ended()).toBe(0);
  });

  it('holds the end of a session on Windows until it is done', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    expect(await desktop.order('endSession')).toBe(true);
    expect(await desktop.ended()).toBe(0);
  });

  it('comes after a fault in the program, which is noted and shown first', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const client = await place.client();
    await place.createVolume(client, 'work');
    await client.files.makeDirectory({ volume: 'work', path: '/made' });
    await desktop.order('holdMessageBoxes');
    await desktop.order('throwUncaught', 'planted fault');
    await expect.poll(async () => (await desktop.look()).messageBoxes, soon).toMatchObject([{ message: 'Mirrorpoint met a fault of its own', detail: expect.stringContaining('planted fault') }]);
    await desktop.order('closeMessageBox');
    expect(await desktop.ended()).toBe(0);
    expect(desktop.stderr).toContain('planted fault');
    const events = await runCommand(place, '--json', 'events');
    expect(events.stdout).toContain('planted fault');
    expect((await runCommand(place, 'ls', 'work@last:/')).stdout).toContain('made');
  });
});

describeInChromium('a desktop machine that sleeps', () => {
  it('has a CP of every volume first', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start('--hidden');
    const client = await place.client();
    await place.createVolume(client, 'work');
    await client.files.makeDirectory({ volume: 'work', path: '/made' });
    await desktop.order('power', 'suspend');
    await expect.poll(async () => (await client.cp.history({ volume: 'work', limit: 1 })).records, soon).toMatchObject([{ cause: 'sleep' }]);
    expect((await client.files.list({ volume: 'work', at: 'last', path: '/' })).entries).toMatchObject([{ name: 'made' }]);
    await desktop.order('power', 'resume');
    expect((await client.server.status({})).serving).toBe(true);
  });
});

describeInChromium('what the desktop tells', () => {
  it('is the worst verdict in the tray, and each alert once, whose notification opens it', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start('--hidden');
    const client = await place.client();
    await place.createVolume(client, 'work');
    await expect.poll(async () => (await desktop.look()).tray, soon).toMatchObject({ image: expect.stringMatching(/tray-attention\.png$/), tooltip: 'Mirrorpoint. Needs attention: work is not mirrored' });
    // A mirror that is too small is nothing that passes by itself.
    const devices = [{ path: join(place.folder, 'small.img'), sizeBytes: 32 << 20 }];
    await client.volumes.create({ name: 'small', devices, role: 'mirror', listen: ['ipc://small'] });
    await client.relationships.link({ volume: 'work', address: 'ipc://small' });
    await expect.poll(async () => (await desktop.look()).notifications, soon).toMatchObject([{ title: 'Problem: volume work -> ipc://small', body: expect.stringContaining('cannot be reached') }]);
    await expect.poll(async () => (await desktop.look()).tray, soon).toMatchObject({ image: expect.stringMatching(/tray-problem\.png$/), tooltip: expect.stringMatching(/^Mirrorpoint\. Problem: work to /) });
    await desktop.order('clickNotification', 0);
    await untilConsole(desktop);
    await expect.poll(() => desktop.inPage(() => location.hash), soon).toBe('#/activity?alert=link-down%20volume%20work%20-%3E%20ipc%3A%2F%2Fsmall');
    await client.relationships.unlink({ volume: 'work' });
    await client.volumes.detach({ volume: 'small' });
    await expect.poll(async () => (await desktop.look()).notifications, soon).toMatchObject([{}, { title: 'Over: volume work -> ipc://small' }]);
    await expect.poll(async () => (await desktop.look()).tray?.image, soon).toMatch(/tray-attention\.png$/);
  });
});

describeInChromium('the menu of the desktop', () => {
  it('leads to the screens of the console, takes CPs, and opens the documents', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const client = await place.client();
    await place.createVolume(client, 'work');
    await untilConsole(desktop);
    await desktop.order('clickMenu', ['&File', 'Pair…']);
    await expect.poll(() => desktop.inPage(() => location.hash), soon).toBe('#/pairing');
    const { cp } = await client.volumes.inspect({ volume: 'work' });
    await desktop.order('clickMenu', ['&File', 'Take a CP now']);
    await expect.poll(async () => (await client.volumes.inspect({ volume: 'work' })).cp, soon).toBe(cp + 1);
    expect((await client.cp.history({ volume: 'work', limit: 1 })).records).toMatchObject([{ cause: 'request' }]);
    await desktop.order('clickMenu', ['help', 'Documentation']);
    const [opened] = (await desktop.look()).openedPaths;
    expect(readFileSync(opened!, 'utf8')).toContain('# Mirrorpoint');
    expect((await desktop.look()).messageBoxes).toEqual([]);
  });
});

describeInChromium('a page that dies', () => {
  it('is loaded again once by itself, which is said, and then when somebody wants it', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const client = await place.client();
    await untilConsole(desktop);
    await desktop.inPage(() => {
      document.title = 'before';
    });
    await desktop.order('crashPage', 'crashed');
    await expect.poll(() => desktop.inPage(() => document.title).catch(() => ''), soon).toBe('Overview – Mirrorpoint');
    await untilConsole(desktop);
    expect((await desktop.look()).messageBoxes).toMatchObject([{ message: 'The window failed, and was loaded again.' }]);
    expect((await client.events.list({})).events).toEqual(expect.arrayContaining([expect.objectContaining({ subject: 'window', level: 'problem', text: expect.stringContaining('crashed') })]));
    await desktop.order('answerMessageBox', 1);
    await desktop.order('crashPage', 'oom');
    // The second time it is asked, and the answer was to quit.
    expect(await desktop.ended()).toBe(0);
  });
});

describeInChromium('the look of the window before its page is there', () => {
  it('is light or dark as the system is', async () => {
    await using place = new DesktopPlace();
    const desktop = await place.start();
    const [light] = (await desktop.look()).windows;
    await desktop.order('darken', true);
    const [dark] = (await desktop.look()).windows;
    expect(light?.backgroundColor).toMatch(/^#f/);
    expect(dark?.backgroundColor).toMatch(/^#1/);
  });
});
