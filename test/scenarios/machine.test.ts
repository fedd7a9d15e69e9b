import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Drive } from '../../src-main/contract/index.ts';
import { attachLoopDevice, type LoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, placeIn, succeed, testFolder } from './scenario-place.ts';

const noLoops = whyNoLoopDevices();
if (noLoops !== undefined) console.warn(`choosing drives is not tested: ${noLoops}`);

function loopDevice(folder: string, name: string): LoopDevice {
  const device = attachLoopDevice(join(folder, name), 64 << 20);
  onTestFinished(() => {
    device.detach();
  });
  return device;
}

async function drivesOf(place: Place): Promise<Drive[]> {
  return (JSON.parse(await succeed(place, '--json', 'volume', 'drives')) as { drives: Drive[] }).drives;
}

function write(path: string, text: string): void {
  execFileSync('dd', [`of=${path}`, 'bs=512', 'seek=100', 'conv=notrunc'], { input: text, stdio: ['pipe', 'ignore', 'ignore'] });
}

describe.skipIf(noLoops !== undefined)('an administrator who looks at the drives', () => {
  it('sees what each holds and whose it is, and takes the one that was looked at, or none', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const [free, full, spare] = [loopDevice(folder, 'free'), loopDevice(folder, 'full'), loopDevice(folder, 'spare')];
    write(full.path, 'somebody wrote this');
    await using server = await ServerProcess.start(place);
    const { machine, volumes } = server.client;
    const find = async (loop: LoopDevice): Promise<Drive> => (await machine.drives({})).drives.find(({ path }) => path === loop.path)!;
    expect(await find(free)).toMatchObject({ model: 'loop device', serial: free.backingFile, sizeBytes: 64 << 20, contents: [], use: 'free', confirmation: free.backingFile });
    const chosen = await find(full);
    expect(chosen).toMatchObject({ use: 'content', contents: ['data without a known signature'] });
    expect(chosen.refusal).toBeUndefined();
    const create = (token: string): ReturnType<typeof volumes.create> =>
      volumes.create({ name: 'work', devices: [{ path: free.path, erase: true }, { path: full.path, erase: true, token }] });

    // Something else is there by the time of the order: refused, and both drives are as they were.
    write(full.path, 'and this later');
    await expect(create(chosen.token)).rejects.toMatchObject({ code: 'device-changed' });
    expect((await volumes.list({})).volumes).toEqual([]);
    expect(execFileSync('dd', [`if=${full.path}`, 'bs=512', 'skip=100', 'count=1', 'status=none'], { encoding: 'utf8' })).toContain('and this later');
    await create((await find(full)).token);

    // Now they are the volume's, whoever asks.
    expect(await find(full)).toMatchObject({ use: 'volume', refusal: expect.stringContaining("'work'"), contents: ["a device of a Mirrorpoint volume, 'work' of this server"] });
    const other = placeIn(folder, 'b');
    expect((await drivesOf(other)).find(({ path }) => path === free.path)).toMatchObject({ use: 'mounted', refusal: expect.stringContaining('another program') });
    const shown = await succeed(place, 'volume', 'drives');
    expect(shown).toMatch(new RegExp(`${full.path} +64.0 MiB +loop device .* a volume here`));
    expect(shown).toContain(`${free.path} belongs to volume 'work' of this server.`);

    // A device is added and replaced by what was looked at, in the same way.
    const before = (await find(spare)).token;
    write(spare.path, 'news');
    await expect(volumes.grow({ volume: 'work', add: { path: spare.path, erase: true, token: before } })).rejects.toMatchObject({ code: 'device-changed' });
    await volumes.grow({ volume: 'work', add: { path: spare.path, erase: true, token: (await find(spare)).token } });
    expect((await volumes.inspect({ volume: 'work' })).devices).toEqual([free.path, full.path, spare.path]);
  });

  it('has the one that the system runs from refused, also by its own path', async () => {
    const place = placeIn(testFolder(), 'a');
    const system = (await drivesOf(place)).find(({ use }) => use === 'system');
    if (system === undefined) return;
    expect(system).toMatchObject({ token: '', refusal: expect.stringContaining('must be left alone') });
    const refused = await runCommand(place, '--json', 'volume', 'create', 'work', system.path, '--erase');
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'device-in-use']);
  });
});

describe('a server', () => {
  it('is given another name, which is told at once and kept, with what is shown on the desktop', async () => {
    const place = placeIn(testFolder(), 'a');
    await succeed(place, 'settings', 'set', '--name', 'attic');
    const nothing = await runCommand(place, '--json', 'settings', 'set');
    expect([nothing.exitCode, codeOf(nothing)]).toEqual([2, 'argument-invalid']);
    {
      await using server = await ServerProcess.start(place);
      expect((await server.client.server.status({})).serverName).toBe('attic');
      expect(await succeed(place, 'settings', 'set', '--notifications', 'problem')).toMatch(/name +attic\nnotifications +problems alone/);
      expect(await succeed(place, 'settings', 'set', '--name', 'cellar')).toMatch(/name +cellar/);
      for (const words of [['--name', 'a\u202eb'], ['--name', ' '], ['--notifications', 'loud']]) {
        const refused = await runCommand(place, '--json', 'settings', 'set', ...words);
        expect([refused.exitCode, codeOf(refused)]).toEqual([2, 'argument-invalid']);
      }
      expect(await succeed(place, 'status')).toContain('Server cellar');
    }
    expect(JSON.parse(await succeed(place, '--json', 'settings', 'show'))).toEqual({ serverName: 'cellar', notifications: 'problem' });
  });
});
