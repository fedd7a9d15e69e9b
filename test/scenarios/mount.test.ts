import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled } from '../bench/command.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { isMounted, MountedVolume, mountObstacle, runIn, tellSkipped } from './mounted-volume.ts';
import { codeOf, eventually, placeIn, succeed } from './scenario-place.ts';

tellSkipped('a mounted volume', mountObstacle);

/** The code of the system's error. */
function failing(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

const cutOff = /ENOTCONN|ECONNABORTED/;
const entriesOfLarge = 20_000;

describe.skipIf(mountObstacle !== undefined)('a mounted volume', () => {
  let mounted: MountedVolume;

  beforeAll(async () => {
    mounted = await MountedVolume.open();
  });

  afterAll(() => mounted[Symbol.asyncDispose]());

  it('is a file system as any other: links, renames, holes, appending, cutting, times, attributes', async () => {
    const at = (...names: string[]): string => join(mounted.at, ...names);
    fs.mkdirSync(at('a', 'b'), { recursive: true });
    fs.writeFileSync(at('a', 'f'), 'one');
    fs.linkSync(at('a', 'f'), at('a', 'b', 'g'));
    fs.symlinkSync('../f', at('a', 'b', 'link'));
    expect(fs.statSync(at('a', 'f')).nlink).toBe(2);
    expect(fs.readFileSync(at('a', 'b', 'link'), 'utf8')).toBe('one');
    fs.appendFileSync(at('a', 'b', 'g'), ' two');
    expect(fs.readFileSync(at('a', 'f'), 'utf8')).toBe('one two');
    fs.renameSync(at('a', 'f'), at('a', 'b', 'h'));
    expect(fs.readdirSync(at('a', 'b')).sort()).toEqual(['g', 'h', 'link']);
    expect(failing(() => fs.renameSync(at('a'), at('a', 'b', 'in-itself')))).toBe('EINVAL');
    expect(failing(() => fs.rmdirSync(at('a')))).toBe('ENOTEMPTY');
    expect(failing(() => fs.writeFileSync(at('x'.repeat(256)), ''))).toBe('ENAMETOOLONG');
    fs.writeFileSync(at('a', 'b', 'h'), 'new', { flag: 'w' });
    expect(fs.readFileSync(at('a', 'b', 'g'), 'utf8')).toBe('new');
    fs.truncateSync(at('a', 'b', 'g'), 1);
    expect(fs.readFileSync(at('a', 'b', 'h'), 'utf8')).toBe('n');
    fs.chmodSync(at('a', 'b', 'h'), 0o4711);
    fs.chownSync(at('a', 'b', 'h'), 12, 34);
    fs.utimesSync(at('a', 'b', 'h'), 1_000_000_000.5, new Date(-5000));
    expect(fs.statSync(at('a', 'b', 'g'))).toMatchObject({ mode: 0o100711, uid: 12, gid: 34, atimeMs: 1_000_000_000_500, mtimeMs: -5000 });
    fs.rmSync(at('a'), { recursive: true });
    const room = fs.statfsSync(mounted.at);
    expect(room.blocks * room.bsize).toBeGreaterThan(400 << 20);
    expect(room.bfree).toBeLessThan(room.blocks);
  });

  it('keeps holes, and files that have lost their name as long as they are open', async () => {
    const path = join(mounted.at, 'sparse');
    const file = fs.openSync(path, 'w+');
    fs.ftruncateSync(file, 1 << 30);
    fs.writeSync(file, 'end', (1 << 30) - 3);
    expect(fs.fstatSync(file).blocks * 512).toBeLessThan(1 << 20);
    fs.unlinkSync(path);
    expect(failing(() => fs.statSync(path))).toBe('ENOENT');
    const end = Buffer.alloc(10);
    expect(fs.readSync(file, end, 0, 10, (1 << 30) - 3)).toBe(3);
    expect(end.toString('utf8', 0, 3)).toBe('end');
    expect(fs.fstatSync(file).nlink).toBe(0);
    fs.closeSync(file);
    await eventually(() => mounted.client.volumes.inspect({ volume: 'work' }), ({ inodeCount }) => inodeCount === 1);
  });

  it('lists large directories whole, also while they are emptied', async () => {
    const large = join(mounted.at, 'large');
    fs.mkdirSync(large);
    for (let index = 0; index < entriesOfLarge; index++) fs.closeSync(fs.openSync(join(large, `entry ${index}`), 'w'));
    expect(new Set(fs.readdirSync(large)).size).toBe(entriesOfLarge);
    const listing = fs.opendirSync(large);
    let seen = 0;
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      fs.unlinkSync(join(large, entry.name));
      seen++;
    }
    listing.closeSync();
    expect(seen).toBe(entriesOfLarge);
    expect(fs.readdirSync(large)).toEqual([]);
  });

  it('shows what others change, and lets others see what programs change', async () => {
    fs.writeFileSync(join(mounted.at, 'mine'), 'mine');
    expect(await succeed(mounted.place, 'cat', 'work:/mine')).toBe('mine');
    fs.writeFileSync(join(mounted.folder, 'theirs'), 'theirs');
    await succeed(mounted.place, 'put', join(mounted.folder, 'theirs'), 'work:/theirs');
    await eventually(async () => fs.existsSync(join(mounted.at, 'theirs')), Boolean);
    expect(fs.readFileSync(join(mounted.at, 'theirs'), 'utf8')).toBe('theirs');
    const file = fs.openSync(join(mounted.at, 'mine'), 'a');
    fs.writeSync(file, ' and more');
    // What a program has written is in the next CP, although it has not closed the file.
    await mounted.client.snapshots.create({ volume: 'work', snapshot: 'now' });
    expect(await succeed(mounted.place, 'cat', 'work@now:/mine')).toBe('mine and more');
    fs.closeSync(file);
  });

  it('renames with all flags that Linux has for that', async (context) => {
    const obstacle = isInstalled('python3') ? undefined : 'python3 is not installed';
    tellSkipped('renaming with flags', obstacle);
    context.skip(obstacle !== undefined);
    fs.writeFileSync(join(mounted.at, 'a'), 'a');
    fs.writeFileSync(join(mounted.at, 'b'), 'b');
    const script = 'import ctypes,sys; c=ctypes.CDLL(None,use_errno=True); r=c.renameat2(-100,sys.argv[1].encode(),-100,sys.argv[2].encode(),int(sys.argv[3])); print(ctypes.get_errno() if r else 0)';
    const rename = (from: string, to: string, flags: number): number => Number(runIn(mounted.at, 'python3', '-c', script, from, to, String(flags)));
    const [noReplace, exchange] = [1, 2];
    expect(rename('a', 'b', noReplace)).toBe(17);
    expect(rename('a', 'b', exchange)).toBe(0);
    expect(fs.readFileSync(join(mounted.at, 'a'), 'utf8')).toBe('b');
    expect(rename('a', 'c', noReplace)).toBe(0);
    expect(['a', 'b', 'c'].map((name) => fs.existsSync(join(mounted.at, name)))).toEqual([false, true, true]);
  });
});

describe.skipIf(mountObstacle !== undefined)('a server that is killed', () => {
  it('keeps what was synced, and leaves a mount that is taken away by a command', async () => {
    await using mounted = await MountedVolume.open({ cpIntervalMs: 0 });
    const file = fs.openSync(join(mounted.at, 'synced'), 'w');
    fs.writeSync(file, 'this is safe');
    fs.fsyncSync(file);
    await mounted.restart();
    expect(failing(() => fs.readdirSync(mounted.at))).toBe('ENOTCONN');
    expect(failing(() => fs.writeSync(file, 'x'))).toMatch(cutOff);
    failing(() => fs.closeSync(file));
    await expect(mounted.mount()).rejects.toMatchObject({ code: 'exists' });
    await mounted.client.mounts.remove({ folder: mounted.at });
    expect(isMounted(mounted.at)).toBe(false);
    await mounted.mount();
    expect(fs.readFileSync(join(mounted.at, 'synced'), 'utf8')).toBe('this is safe');
    await mounted.server.kill();
    // Without any server the command does it by itself.
    await succeed(mounted.place, 'unmount', mounted.at);
    expect(isMounted(mounted.at)).toBe(false);
  });
});

describe.skipIf(mountObstacle !== undefined)('a mount', () => {
  it('of a snapshot is read as it was, and takes no changes', async () => {
    await using mounted = await MountedVolume.open();
    fs.writeFileSync(join(mounted.at, 'f'), 'before');
    await mounted.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    fs.writeFileSync(join(mounted.at, 'f'), 'after');
    const monday = mounted.makeFolder('monday');
    expect(await succeed(mounted.place, 'mount', 'work@monday', monday)).toContain('to be read as of CP');
    expect(fs.readFileSync(join(monday, 'f'), 'utf8')).toBe('before');
    expect(failing(() => fs.writeFileSync(join(monday, 'f'), 'x'))).toBe('EROFS');
    expect(failing(() => fs.unlinkSync(join(monday, 'f')))).toBe('EROFS');
    const listed = JSON.parse(await succeed(mounted.place, '--json', 'mounts')) as { folder: string; isReadOnly: boolean }[];
    expect(listed.map(({ folder, isReadOnly }) => [folder, isReadOnly])).toEqual([[mounted.at, false], [monday, true]]);
    expect(codeOf(await runCommand(mounted.place, '--json', 'unmount', 'work'))).toBe('argument-invalid');
    await succeed(mounted.place, 'unmount', 'work@monday');
    expect([isMounted(monday), isMounted(mounted.at)]).toEqual([false, true]);
  });

  it('of a mirror is read as of the CP that it had, and takes no changes; both sides end when they change their roles', async () => {
    await using mounted = await MountedVolume.open();
    const at = mounted.makeFolder('mirror');
    await using mirror = await ServerProcess.start({ ...placeIn(mounted.folder, 'b') });
    const [path, address] = [join(mounted.folder, 'copy.img'), 'ipc://mount-test'];
    await mirror.client.volumes.create({ name: 'copy', devices: [{ path, sizeBytes: 512 << 20 }], role: 'mirror', listen: [address] });
    fs.writeFileSync(join(mounted.at, 'f'), 'mirrored');
    await mounted.client.relationships.link({ volume: 'work', address });
    const names = async (): Promise<string[]> => (await mirror.client.files.list({ volume: 'copy', path: '/' })).entries.map(({ name }) => name);
    await eventually(() => names().catch((): string[] => []), (found) => found.includes('f'));
    await mirror.client.mounts.add({ volume: 'copy', folder: at });
    expect(fs.readFileSync(join(at, 'f'), 'utf8')).toBe('mirrored');
    expect(failing(() => fs.writeFileSync(join(at, 'f'), 'x'))).toBe('EROFS');
    const file = fs.openSync(join(mounted.at, 'open'), 'w');
    for await (const event of await mounted.client.failover.switchOver({ volume: 'work' })) expect(event.type).not.toBe('problem');
    await eventually(async () => [isMounted(mounted.at), isMounted(at)], ([primary, copy]) => primary === false && copy === false);
    expect(failing(() => fs.writeSync(file, 'x'))).toMatch(cutOff);
    failing(() => fs.closeSync(file));
    await mirror.client.mounts.add({ volume: 'copy', folder: at });
    fs.writeFileSync(join(at, 'f'), 'changed');
    expect(await mirror.stop()).toBe(0);
    expect(isMounted(at)).toBe(false);
  });

  it('that is in use is not taken away, and says by whom; forced, it goes', async () => {
    await using mounted = await MountedVolume.open();
    const inside = spawn('sleep', ['100'], { cwd: mounted.at });
    await once(inside, 'spawn');
    try {
      const refused = await runCommand(mounted.place, '--json', 'unmount', mounted.at);
      expect(codeOf(refused)).toBe('mount-busy');
      expect(refused.stderr).toContain(`sleep (${inside.pid})`);
      expect(fs.readdirSync(mounted.at)).toEqual([]);
      await succeed(mounted.place, 'unmount', mounted.at, '--force');
      expect(isMounted(mounted.at)).toBe(false);
      expect(failing(() => fs.readdirSync(`/proc/${inside.pid}/cwd/`))).toMatch(cutOff);
    } finally {
      inside.kill();
      await once(inside, 'close');
    }
  });

  it('ends with its volume and with the server, although it is in use, and an event says so', async () => {
    await using mounted = await MountedVolume.open();
    const file = fs.openSync(join(mounted.at, 'open'), 'w');
    await mounted.client.volumes.detach({ volume: 'work' });
    expect(isMounted(mounted.at)).toBe(false);
    expect(failing(() => fs.writeSync(file, 'x'))).toMatch(cutOff);
    failing(() => fs.closeSync(file));
    const { events } = await mounted.client.events.list({});
    expect(events.map(({ text }) => text).join('\n')).toContain('its volume was closed or changed its role, although work was in use there by');
    await mounted.client.volumes.attach({ name: 'work', devices: [mounted.image] });
    await mounted.mount();
    expect(await mounted.server.stop()).toBe(0);
    expect(isMounted(mounted.at)).toBe(false);
  });

  it('is refused where it cannot be, and nothing is left of it', async () => {
    await using mounted = await MountedVolume.open();
    const { client, folder } = mounted;
    const at = mounted.makeFolder('at');
    fs.writeFileSync(join(folder, 'file'), '');
    const add = (wanted: { volume?: string; folder?: string; at?: { snapshot: string } }): Promise<unknown> => client.mounts.add({ volume: 'work', folder: at, ...wanted });
    await expect(add({ folder: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'not-found' });
    await expect(add({ folder: join(folder, 'file') })).rejects.toMatchObject({ code: 'not-a-directory' });
    await expect(add({ folder: '/' })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(add({ volume: 'other' })).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(add({ at: { snapshot: 'never' } })).rejects.toMatchObject({ code: 'snapshot-not-found' });
    await expect(add({ folder: mounted.at })).rejects.toMatchObject({ code: 'exists' });
    await expect(client.mounts.remove({ folder: at })).rejects.toMatchObject({ code: 'not-found' });
    expect(isMounted(at)).toBe(false);
    runIn('/', 'umount', mounted.at);
    await eventually(() => client.mounts.list({}), ({ mounts }) => mounts.length === 0);
    const { events } = await client.events.list({});
    expect(events.map(({ text }) => text).join('\n')).toContain('taken away by another program');
    await mounted.server.kill();
    expect(codeOf(await runCommand(mounted.place, '--json', 'mount', 'work', at))).toBe('server-not-running');
  });
});
