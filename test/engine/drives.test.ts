import { describe, expect, it, onTestFinished } from 'vitest';
import { toHex } from '../../src-main/base/index.ts';
import type { Drive } from '../../src-main/contract/index.ts';
import { describeDrives } from '../../src-main/engine/drives.ts';
import type { DriveFacts } from '../../src-main/engine/index.ts';
import { folderContract } from '../suites/folder-contract.ts';
import { MemoryServer } from './memory-engine.ts';
import { MemoryMachine } from './memory-machine.ts';

folderContract('memory', () => {
  const machine = new MemoryMachine();
  machine.add('/mnt');
  const root = '/mnt/root';
  machine.add(root);
  return { machine, root, makeFolder: (path) => machine.add(path), makeFile: (path, sizeBytes) => machine.add(path, sizeBytes) };
});

type Look = DriveFacts['look'];

function seen(more: Partial<Extract<Look, { kind: 'seen' }>> = {}): Look {
  return { kind: 'seen', isClaimed: false, token: 'token', ...more };
}

function described(...attached: readonly [path: string, facts?: Partial<DriveFacts>][]): Drive[] {
  const machine = new MemoryMachine();
  for (const [path, facts] of attached) machine.attach(path, { knownAs: [], ...facts });
  return describeDrives(machine.attached, [
    { name: 'work', devices: ['/dev/sdw', '/dev/disk/by-id/w2'], volumeId: 'aa'.repeat(16) },
    { name: 'lost', devices: ['/dev/sdl'], volumeId: undefined },
  ]);
}

function one(facts: Partial<DriveFacts>): Drive {
  return described(['/dev/sda', facts])[0]!;
}

describe('what is said of a drive', () => {
  it('that is blank and unused: it is free', () => {
    expect(one({ model: 'Disk', serial: 'S1', look: seen() })).toEqual({
      path: '/dev/sda',
      model: 'Disk',
      serial: 'S1',
      sizeBytes: 64 << 20,
      connection: 'sata',
      contents: [],
      use: 'free',
      confirmation: 'S1',
      token: 'token',
    });
  });

  it('with something on it: what that is, and that it can be taken', () => {
    const drive = one({ look: seen({ contents: 'an XFS file system' }) });
    expect(drive).toMatchObject({ use: 'content', contents: ['an XFS file system'], token: 'token' });
    expect(drive.refusal).toBeUndefined();
    const foreign = one({ look: seen({ contents: 'a device of a Mirrorpoint volume', volumeId: 'bb'.repeat(16) }) });
    expect(foreign).toMatchObject({ use: 'content', contents: [`a device of a Mirrorpoint volume, ${'bb'.repeat(16)}`] });
  });

  it.each<[string, Partial<DriveFacts>, Drive['use'], RegExp]>([
    ['that the system stands on', { holdsSystem: true, usedBy: 'it is mounted at /' }, 'system', /left alone: it is mounted at \//],
    ['that is mounted', { usedBy: 'it is mounted at /data' }, 'mounted', /in use: it is mounted at \/data/],
    ['that another program has', { look: seen({ isClaimed: true }) }, 'mounted', /another program/],
    ['of a volume', { knownAs: ['/dev/disk/by-id/w2'], look: seen({ isClaimed: true }) }, 'volume', /belongs to volume 'work'/],
    ['of a volume that is not open', { knownAs: ['/dev/sdl'] }, 'volume', /belongs to volume 'lost'/],
    ['that is a copy of one of a volume', { look: seen({ contents: 'a device', volumeId: 'aa'.repeat(16) }) }, 'volume', /label of volume 'work'.*copy/],
    ['that does not answer', { look: { kind: 'unseen', reason: 'It does not answer.' } }, 'content', /does not answer/],
    ['that is read-only, and blank', { isReadOnly: true }, 'free', /read-only/],
  ])('%s: why it cannot be taken, and no token for it', (_what, facts, use, refusal) => {
    expect(one(facts)).toMatchObject({ use, refusal: expect.stringMatching(refusal), token: '' });
  });

  it('in parts: what is in each, and whom the parts belong to', () => {
    const drives = described(
      ['/dev/sda', { look: seen({ contents: 'a GPT partition table' }), serial: 'S1', model: 'Disk' }],
      ['/dev/sda2', { partOf: '/dev/sda', serial: 'S1', model: 'Disk', knownAs: ['/dev/sdw'], look: seen({ isClaimed: true, contents: 'a device', volumeId: 'aa'.repeat(16) }) }],
      ['/dev/sda1', { partOf: '/dev/sda', serial: 'S1', model: 'Disk' }],
      ['/dev/sda10', { partOf: '/dev/sda' }],
    );
    expect(drives.map(({ path }) => path)).toEqual(['/dev/sda', '/dev/sda1', '/dev/sda2', '/dev/sda10']);
    expect(drives[0]).toMatchObject({
      use: 'volume',
      contents: ['a GPT partition table', '/dev/sda2 (64.0 MiB): a device, \'work\' of this server', '/dev/sda1 (64.0 MiB)', '/dev/sda10 (64.0 MiB)'],
    });
    expect(drives[1]).toMatchObject({ partOf: '/dev/sda', use: 'free', confirmation: '/dev/sda1' });
    expect(drives[2]).toMatchObject({ use: 'volume' });
  });

  it('to be typed before it is erased: its serial number, else its model, else its path', () => {
    expect(one({ serial: 'S1', model: 'Disk' }).confirmation).toBe('S1');
    expect(one({ model: 'Disk' }).confirmation).toBe('Disk');
    expect(one({}).confirmation).toBe('/dev/sda');
  });
});

async function started(): Promise<MemoryServer> {
  const server = new MemoryServer();
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}

describe('a server', () => {
  it('tells the drives of its machine, its own by the settings and by the label', async () => {
    const server = await started();
    server.machine.attach('/dev/sda');
    await server.client.volumes.create({ name: 'work', devices: [{ path: '/dev/sda' }], cpIntervalMs: 0 });
    const volumeId = toHex((await server.engine.shelf.primary('work')).volume.id);
    server.machine.attach('/dev/loop0', { look: seen({ contents: 'a device of a Mirrorpoint volume', volumeId }) });
    const { drives } = await server.client.machine.drives({});
    expect(drives).toMatchObject([
      { path: '/dev/loop0', use: 'volume', contents: ["a device of a Mirrorpoint volume, 'work' of this server"] },
      { path: '/dev/sda', use: 'volume', refusal: expect.stringContaining("'work'") },
    ]);
  });

  it('takes a drive that is still the one that was chosen, and refuses another, leaving no volume behind', async () => {
    const server = await started();
    const { volumes, machine } = server.client;
    for (const path of ['/dev/sda', '/dev/sdb', '/dev/sdc']) server.machine.attach(path);
    const token = async (path: string): Promise<string> => (await machine.drives({})).drives.find((drive) => drive.path === path)!.token;
    const create = (name: string, path: string, chosen: string): Promise<unknown> =>
      volumes.create({ name, devices: [{ path, erase: true, token: chosen }], cpIntervalMs: 0 });
    const [a, b, c] = [await token('/dev/sda'), await token('/dev/sdb'), await token('/dev/sdc')];
    server.machine.attach('/dev/sda', { look: seen({ token: 'another drive' }) });
    await expect(create('work', '/dev/sda', a)).rejects.toMatchObject({ code: 'device-changed' });
    await expect(create('work', '/dev/sda', b)).rejects.toMatchObject({ code: 'device-changed' });
    await expect(create('work', '/dev/sda', '')).rejects.toMatchObject({ code: 'device-changed' });
    expect((await volumes.list({})).volumes).toEqual([]);
    await create('work', '/dev/sda', await token('/dev/sda'));
    const grown = (chosen: string): Promise<unknown> => volumes.grow({ volume: 'work', add: { path: '/dev/sdb', token: chosen } });
    await expect(grown(c)).rejects.toMatchObject({ code: 'device-changed' });
    const before = await volumes.inspect({ volume: 'work' });
    await grown(b);
    expect((await volumes.inspect({ volume: 'work' })).blockCount).toBeGreaterThan(before.blockCount);
    const replaced = async (chosen: string): Promise<void> => {
      for await (const _event of await volumes.replaceDevice({ volume: 'work', old: '/dev/sdb', device: { path: '/dev/sdc', token: chosen } })) continue;
    };
    await expect(replaced(b)).rejects.toMatchObject({ code: 'device-changed' });
    await replaced(c);
    expect((await volumes.inspect({ volume: 'work' })).devices).toEqual(['/dev/sda', '/dev/sdc']);
  });

  it('shows the folders of its machine', async () => {
    const server = await started();
    server.machine.add('/home/pictures');
    expect((await server.client.machine.folder({})).entries).toMatchObject([{ name: 'pictures', path: '/home/pictures', kind: 'directory' }]);
    await expect(server.client.machine.folder({ path: '/elsewhere' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
