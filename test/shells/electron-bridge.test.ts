import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DragRequest, MirrorpointClient } from '../../src-main/contract/index.ts';
import { dragBytesMax, dragEntriesMax, portsMax, stagedDragsMax } from '../../src-main/shells/electron/limits.ts';
import { describeInChromium } from '../browser/chromium.ts';
import type { DesktopProcess } from '../electron-double/desktop-process.ts';
import { pageClientText } from '../electron-double/page-client-text.ts';
import { DesktopPlace, soon, untilConsole } from './desktop-place.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const place = new DesktopPlace();
let desktop: DesktopProcess;
let client: MirrorpointClient;
const content = randomBytes(2_500_000);

async function gather<T>(stream: Promise<AsyncIterable<T>>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of await stream) all.push(one);
  return all;
}

/** Brings a local tree in, as `/NAME`. */
async function put(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  const local = join(place.folder, 'tree', name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(local, path, '..'), { recursive: true });
    writeFileSync(join(local, path), text);
  }
  await gather(client.files.put({ volume: 'work', path: `/${name}`, local }));
}

/** What a call of the bridge ends with in the page. */
async function outcome<A>(run: (argument: A) => Promise<unknown>, argument: A): Promise<{ value?: unknown; fault?: { code: string; message: string } }> {
  const source = `(async () => { try { return { value: await (${run.toString()})(${JSON.stringify(argument)}) }; } catch (fault) { return { fault: { code: fault.code, message: fault.message ?? String(fault) } }; } })()`;
  return desktop.order('evaluate', source);
}

const stage = (request: DragRequest): ReturnType<typeof outcome> => outcome((given: DragRequest) => window.mirrorpointDesktop!.stageDrag(given), request);

async function events(): Promise<string[]> {
  return (await client.events.list({ limit: 1000 })).events.map(({ text }) => text);
}

describeInChromium('between the desktop window and the system', () => {
  beforeAll(async () => {
    desktop = await place.start();
    client = await place.client();
    await place.createVolume(client, 'work');
    await put('tree', { 'a.txt': 'the text of a', 'folder/b.txt': 'the text of b', 'folder/inner/c.bin': content });
    await client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await untilConsole(desktop);
    await desktop.order('evaluate', await pageClientText());
  });

  afterAll(() => place[Symbol.asyncDispose]());

  describe('the bridge', () => {
    it('is all that the page gets', async () => {
      const found = await desktop.inPage(() => ({
        bridge: Object.entries(window.mirrorpointDesktop!).map(([name, part]) => `${name}: ${typeof part}`),
        isFrozen: Object.isFrozen(window.mirrorpointDesktop),
        isWritable: Object.getOwnPropertyDescriptor(window, 'mirrorpointDesktop')?.writable,
        others: ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', 'mirrorpointHost', 'sendToMainProcess', 'hearMainProcess'].filter((name) => name in window),
      }));
      const names = ['connect', 'chooseFolder', 'chooseFiles', 'pathOfFile', 'stageDrag', 'startDrag', 'openAtLogin', 'setOpenAtLogin', 'onShow'];
      expect(found).toEqual({ bridge: names.map((name) => `${name}: function`), isFrozen: true, isWritable: false, others: [] });
    });

    it('carries questions to the engine over a port: states, lists, faults with their codes', async () => {
      const found = await desktop.inPage(async () => {
        const { api, close } = await window.pageClient.open();
        const status = await api.server.status({});
        const { entries } = await api.files.list({ volume: 'work', path: '/tree' });
        const fault = await api.files.stat({ volume: 'work', path: '/none' }).catch((thrown: unknown) => (thrown as { code: string }).code);
        const { modifiedNs } = await api.files.stat({ volume: 'work', path: '/tree/a.txt' });
        close();
        return { processId: status.processId, names: entries.map(({ name }) => name), fault, isBig: typeof modifiedNs };
      });
      expect(found).toEqual({ processId: desktop.processId, names: ['a.txt', 'folder'], fault: 'not-found', isBig: 'bigint' });
    });

    it('carries the bytes of files as they are', async () => {
      const found = await desktop.inPage(async () => {
        const { api, close } = await window.pageClient.open();
        const { readId, sizeBytes } = await api.files.openRead({ volume: 'work', at: { snapshot: 'monday' }, path: '/tree/folder/inner/c.bin' });
        const parts: Blob[] = [];
        for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += 1 << 20) parts.push(await api.files.read({ readId, offsetBytes, lengthBytes: 1 << 20 }));
        await api.files.closeRead({ readId });
        close();
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));
        return { sizeBytes, digest: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
      });
      expect(found).toEqual({ sizeBytes: content.length, digest: createHash('sha256').update(content).digest('hex') });
    });

    it('carries bytes into the engine, part by part', async () => {
      const outcome = await desktop.inPage(async () => {
        const { api, close } = await window.pageClient.open();
        const bytes = Uint8Array.from({ length: 1_500_000 }, (_none, index) => index % 251);
        const { writeId } = await api.files.beginWrite({ volume: 'work', path: '/written.bin', sizeBytes: bytes.length });
        for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += 1 << 20) {
          await api.files.write({ writeId, offsetBytes, content: new Blob([bytes.slice(offsetBytes, offsetBytes + (1 << 20))]) });
        }
        const ended = await api.files.endWrite({ writeId });
        close();
        return ended;
      });
      expect(outcome).toEqual({ path: '/written.bin', isSkipped: false });
      const local = join(place.folder, 'written.bin');
      await gather(client.files.get({ volume: 'work', path: '/written.bin', local }));
      expect(readFileSync(local).equals(Buffer.from(Uint8Array.from({ length: 1_500_000 }, (_none, index) => index % 251)))).toBe(true);
    });

    it('carries streams, which end when the page stops listening', async () => {
      const count = await desktop.inPage(async () => {
        const { api, close } = await window.pageClient.open();
        let seen = 0;
        for await (const status of await api.server.watch({ intervalMs: 100 })) {
          if (status.volumes.length === 1) seen++;
          if (seen === 1) break;
        }
        close();
        return seen;
      });
      expect(count).toBe(1);
    });

    it('refuses a garbled message, notes it, and goes on', async () => {
      const answers = await desktop.inPage(async () => {
        const port = await new Promise<MessagePort>((resolve) => {
          addEventListener('message', ({ data, ports }) => { if (data === 'mirrorpoint-port') resolve(ports[0]!); }, { once: true });
          window.mirrorpointDesktop!.connect();
        });
        const heard: string[] = [];
        port.onmessage = ({ data }) => heard.push(String(data));
        port.postMessage('not a question');
        port.postMessage({ i: '1', p: { u: '/server/status' } });
        port.postMessage('{"i":"2"}');
        port.postMessage(new Uint8Array([1, 2, 255, 3]));
        port.postMessage('x'.repeat(5 << 20));
        port.postMessage('{"i":"3","p":{"u":"/server/status","b":{"json":{}}}}');
        while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        return heard;
      });
      expect(answers).toHaveLength(1);
      expect(JSON.parse(answers[0]!)).toMatchObject({ i: '3', p: { b: { json: { processId: desktop.processId } } } });
      const refused = (await events()).filter((text) => text.includes('a message to the engine'));
      expect(refused.map((text) => text.replace(/\(.*\)/, '()'))).toEqual([
        'The window was refused a message to the engine: it could not be read ().',
        'The window was refused a message to the engine: it is neither text nor bytes.',
        'The window was refused a message to the engine: it could not be read ().',
        'The window was refused a message to the engine: it could not be read ().',
        expect.stringMatching(/has 5242880 bytes, and 4194304 is the most/),
      ]);
    });

    it('keeps a few ports for a page, and gives up what the oldest held', async () => {
      const openCount = await desktop.inPage(async () => {
        const ports: MessagePort[] = [];
        let closedCount = 0;
        const receive = ({ data, ports: [port] }: MessageEvent): void => {
          if (data !== 'mirrorpoint-port' || port === undefined) return;
          port.addEventListener('close', () => closedCount++);
          port.start();
          ports.push(port);
        };
        addEventListener('message', receive);
        for (let index = 0; index < 6; index++) window.mirrorpointDesktop!.connect();
        // The console's own port is among the oldest; it asks for another by itself, which comes here too.
        for (let turn = 0; turn < 1000 && (ports.length < 7 || ports.length - closedCount > 4); turn++) await new Promise((resolve) => setTimeout(resolve, 20));
        removeEventListener('message', receive);
        return ports.length - closedCount;
      });
      // Seven came at the least. Those that the page had before are among the ones that are left, or not.
      expect(openCount).toBeLessThanOrEqual(portsMax);
      await untilConsole(desktop);
    });

    it('asks for folders and files in the system’s own dialogs', async () => {
      await desktop.order('answerOpenDialog', ['/some/folder']);
      expect(await outcome((title: string) => window.mirrorpointDesktop!.chooseFolder({ title }), 'Choose where to')).toEqual({ value: '/some/folder' });
      expect(await outcome((title: string) => window.mirrorpointDesktop!.chooseFolder({ title }), 'Choose again')).toEqual({ value: undefined });
      await desktop.order('answerOpenDialog', ['/a', '/b']);
      expect(await outcome((title: string) => window.mirrorpointDesktop!.chooseFiles({ title, isFolder: false }), 'Files')).toEqual({ value: ['/a', '/b'] });
      expect(await outcome((title: string) => window.mirrorpointDesktop!.chooseFiles({ title, isFolder: true }), 'Folders')).toEqual({ value: [] });
      expect((await desktop.look()).openDialogs).toEqual([
        { title: 'Choose where to', properties: ['openDirectory', 'createDirectory'] },
        { title: 'Choose again', properties: ['openDirectory', 'createDirectory'] },
        { title: 'Files', properties: ['openFile', 'multiSelections'] },
        { title: 'Folders', properties: ['openDirectory', 'multiSelections'] },
      ]);
    });

    it('tells the path of a file that was dragged in, and none of one that has no path', async () => {
      await desktop.order('dragged', { name: 'here.txt', path: '/home/someone/here.txt' });
      await expect.poll(() => desktop.inPage(() => window.mirrorpointDesktop!.pathOfFile(new File(['x'], 'here.txt'))), soon).toBe('/home/someone/here.txt');
      expect(await desktop.inPage(() => window.mirrorpointDesktop!.pathOfFile(new File(['x'], 'made.txt')))).toBe('');
    });

    it('starts the program at login by an entry of its own, and not any more', async () => {
      const entry = join(place.folder, 'home', 'autostart', 'mirrorpoint.desktop');
      const isOn = (): ReturnType<typeof outcome> => outcome(() => window.mirrorpointDesktop!.openAtLogin(), undefined);
      const set = (on: boolean): ReturnType<typeof outcome> => outcome((value: boolean) => window.mirrorpointDesktop!.setOpenAtLogin(value), on);
      expect(await isOn()).toEqual({ value: false });
      expect(await set(true)).toEqual({ value: true });
      expect(readFileSync(entry, 'utf8')).toMatch(/^Exec="[^"]+" "[^"]+" "--hidden"$/m);
      expect(await isOn()).toEqual({ value: true });
      expect(await set(false)).toEqual({ value: false });
      expect(existsSync(entry)).toBe(false);
    });

    it('refuses what is no argument before anything is done, with a code, and notes it', async () => {
      const refusal = { fault: { code: 'argument-invalid', message: expect.stringContaining('refused before anything was done') } };
      expect(await outcome((given: object) => window.mirrorpointDesktop!.chooseFolder(given as never), { title: '' })).toEqual(refusal);
      expect(await outcome((given: object) => window.mirrorpointDesktop!.chooseFolder(given as never), { title: 'x', properties: ['openFile'] })).toEqual(refusal);
      expect(await outcome((given: object) => window.mirrorpointDesktop!.stageDrag(given as never), { volume: '../x', at: 'live', paths: ['/a'] })).toEqual(refusal);
      expect(await outcome((given: object) => window.mirrorpointDesktop!.stageDrag(given as never), { volume: 'work', at: 'live', paths: ['/../a'] })).toEqual(refusal);
      expect(await outcome((given: string) => window.mirrorpointDesktop!.setOpenAtLogin(given as never), 'yes')).toEqual(refusal);
      await desktop.inPage(() => {
        window.mirrorpointDesktop!.startDrag('../../etc');
      });
      await expect.poll(events, soon).toEqual(expect.arrayContaining([expect.stringContaining('a message on mirrorpoint:start-drag'), expect.stringContaining('a message on mirrorpoint:stage-drag')]));
      expect((await desktop.look()).drags).toEqual([]);
    });
  });

  describe('a drag out of the window', () => {
    const inVolume = (paths: string[], at: DragRequest['at'] = { snapshot: 'monday' }): DragRequest => ({ volume: 'work', at, paths });
    const stagingFolder = (): string => {
      const run = join(place.folder, 'run');
      return join(run, readdirSync(run).find((name) => name.startsWith('drags-'))!);
    };

    it('hands over private copies under their own names, folders with all that is in them', async () => {
      const { value } = await stage(inVolume(['/tree/a.txt', '/tree/folder']));
      const { dragId } = value as { dragId: string };
      await desktop.inPage((id) => {
        window.mirrorpointDesktop!.startDrag(id);
      }, dragId);
      await expect.poll(async () => (await desktop.look()).drags, soon).toMatchObject([{ areThere: true, icon: expect.stringMatching(/drag\.png$/) }]);
      const [drag] = (await desktop.look()).drags;
      expect(drag?.files.map((file) => file.slice(stagingFolder().length))).toEqual([`/${dragId}/0/a.txt`, `/${dragId}/1/folder`]);
      const [file, folder] = drag!.files as [string, string];
      expect(readFileSync(file, 'utf8')).toBe('the text of a');
      expect(readFileSync(join(folder, 'inner', 'c.bin')).equals(content)).toBe(true);
      for (const path of [stagingFolder(), join(stagingFolder(), dragId)]) expect(statSync(path).mode & 0o777).toBe(0o700);
    });

    it('says by its code that an item is gone, and leaves nothing', async () => {
      const before = readdirSync(stagingFolder());
      expect(await stage(inVolume(['/tree/a.txt', '/tree/none']))).toMatchObject({ fault: { code: 'not-found', message: expect.stringContaining('/tree/none') } });
      expect(await stage({ volume: 'other', at: 'live', paths: ['/a'] })).toMatchObject({ fault: { code: 'volume-not-found' } });
      expect(readdirSync(stagingFolder())).toEqual(before);
    });

    it('is refused when it takes up too much, before anything is copied, and points to what takes any amount', async () => {
      const before = readdirSync(stagingFolder());
      await put('many', Object.fromEntries(Array.from({ length: dragEntriesMax }, (_none, index) => [`inner/${index}`, 'x'])));
      const tooMany = { code: 'argument-invalid', message: expect.stringMatching(/more than 1000 files and folders.*Use "Restore to…"/) };
      expect(await stage(inVolume(['/many'], 'live'))).toEqual({ fault: tooMany });
      // Large, and takes no room.
      const local = join(place.folder, 'large');
      writeFileSync(local, '');
      truncateSync(local, dragBytesMax + 1);
      await gather(client.files.put({ volume: 'work', path: '/large', local }));
      const tooBig = { code: 'file-too-large', message: expect.stringMatching(/more than 256\.0 MiB.*Use "Restore to…"/) };
      expect(await stage(inVolume(['/large'], 'live'))).toEqual({ fault: tooBig });
      expect(readdirSync(stagingFolder())).toEqual(before);
    });

    it('keeps the copies of the last few drags alone', async () => {
      const ids: string[] = [];
      for (let time = 0; time <= stagedDragsMax; time++) {
        const { value } = await stage(inVolume(['/tree/a.txt']));
        ids.push((value as { dragId: string }).dragId);
      }
      expect(readdirSync(stagingFolder()).sort()).toEqual(ids.slice(1).sort());
      const before = (await desktop.look()).drags.length;
      await desktop.inPage((id) => {
        window.mirrorpointDesktop!.startDrag(id);
      }, ids[0]);
      await expect.poll(events, soon).toEqual(expect.arrayContaining([expect.stringContaining('are gone already')]));
      expect((await desktop.look()).drags).toHaveLength(before);
    });

    it('leaves no copy behind when the program ends, and none of a program that was killed', async () => {
      const folder = stagingFolder();
      await desktop.order('quit');
      expect(await desktop.ended()).toBe(0);
      expect(existsSync(folder)).toBe(false);
      mkdirSync(join(folder, 'left'), { recursive: true });
      writeFileSync(join(folder, 'left', 'over'), 'x');
      desktop = await place.start('--hidden');
      await expect.poll(() => existsSync(folder) && readdirSync(folder), soon).toEqual([]);
    });
  });
});
