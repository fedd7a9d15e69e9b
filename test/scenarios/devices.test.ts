import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { VolumeStatus } from '../../src-main/contract/index.ts';
import { attachLoopDevice, type LoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const MiB = 1 << 20;

function allocatedBytes(path: string): number {
  return statSync(path).blocks * 512;
}

/** A file of this size whose first bytes are someone's. */
function preciousFile(path: string, sizeBytes = 64 * MiB): void {
  writeFileSync(path, 'precious');
  truncateSync(path, sizeBytes);
}

async function inspect(place: Parameters<typeof succeed>[0], volume: string): Promise<VolumeStatus> {
  return JSON.parse(await succeed(place, '--json', 'volume', 'inspect', volume)) as VolumeStatus;
}

describe('images', () => {
  it('that were made by other means are taken blank, and refused with anything in them unless it may be erased', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const [blank, precious] = [join(folder, 'blank.img'), join(folder, 'precious')];
    writeFileSync(blank, '');
    truncateSync(blank, 64 * MiB);
    preciousFile(precious);
    await succeed(place, 'volume', 'create', 'blank', blank);
    const refused = await runCommand(place, '--json', 'volume', 'create', 'work', precious);
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'device-has-content']);
    const added = await runCommand(place, '--json', 'volume', 'grow', 'blank', '--add', precious);
    expect([added.exitCode, codeOf(added)]).toEqual([1, 'device-has-content']);
    expect(readFileSync(precious).subarray(0, 8).toString()).toBe('precious');
    await succeed(place, 'volume', 'create', 'work', precious, '--erase');
  });

  it('that a running server made are never removed when they are named for another volume', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const second = join(folder, 'second.img');
    await succeed(place, 'volume', 'create', 'first', `${join(folder, 'first.img')}=64M`);
    await using _server = await ServerProcess.start(place);
    await succeed(place, 'volume', 'create', 'second', `${second}=64M`);
    await succeed(place, 'mkdir', 'second:/kept');
    await succeed(place, 'volume', 'detach', 'second');
    for (const words of [['grow', 'first', '--add', second], ['create', 'third', second]]) {
      const refused = await runCommand(place, '--json', 'volume', ...words);
      expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'volume-exists']);
    }
    await succeed(place, 'volume', 'attach', 'second', second);
    expect(await succeed(place, 'ls', 'second:/')).toContain('kept/');
  });

  it('take their room at once when preallocated, and no room before it is used otherwise', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const [sparse, whole] = [join(folder, 'sparse.img'), join(folder, 'whole.img')];
    await succeed(place, 'volume', 'create', 'sparse', `${sparse}=64M`);
    await succeed(place, 'volume', 'create', 'whole', `${whole}=64M`, '--preallocate');
    expect(allocatedBytes(sparse)).toBeLessThan(8 * MiB);
    expect(allocatedBytes(whole)).toBeGreaterThanOrEqual(64 * MiB);
    const refused = await runCommand(place, '--json', 'volume', 'create', 'huge', `${join(folder, 'huge.img')}=500T`, '--preallocate');
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'device-full']);
    expect(existsSync(join(folder, 'huge.img'))).toBe(false);
  });

  it.runIf(process.platform === 'linux')('give the room of removed files back when asked to discard', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    writeFileSync(join(folder, 'bulk'), randomBytes(24 * MiB));
    const [shrinking, keeping] = [join(folder, 'shrinking.img'), join(folder, 'keeping.img')];
    await succeed(place, 'volume', 'create', 'shrinking', `${shrinking}=64M`, '--discard');
    await succeed(place, 'volume', 'create', 'keeping', `${keeping}=64M`);
    for (const volume of ['shrinking', 'keeping']) {
      await succeed(place, 'put', join(folder, 'bulk'), `${volume}:/bulk`);
      await succeed(place, 'rm', `${volume}:/bulk`);
      await succeed(place, 'volume', 'check', volume);
    }
    expect(allocatedBytes(keeping)).toBeGreaterThan(24 * MiB);
    expect(allocatedBytes(shrinking)).toBeLessThan(8 * MiB);
  });
});

describe('a volume', () => {
  it('grows by a device and by an enlarged image, the mirror first', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'link', 'work', 'ipc://office');
    await using _mirror = await ServerProcess.start(b);
    await using primary = await ServerProcess.start(a);
    const link = async () => (await primary.client.relationships.list({})).relationships[0];
    await eventually(link, (now) => now?.identical === true);
    const before = await inspect(a, 'work');
    await succeed(b, 'volume', 'grow', 'copy', '--add', `${join(folder, 'copy2.img')}=64M`);
    await succeed(b, 'volume', 'grow', 'copy', '--enlarge', `${join(folder, 'copy.img')}=96M`);
    await succeed(a, 'volume', 'grow', 'work', '--enlarge', `${join(folder, 'work.img')}=96M`);
    await succeed(a, 'volume', 'grow', 'work', '--add', `${join(folder, 'work2.img')}=32M`);
    const after = await inspect(a, 'work');
    expect(after.blockCount).toBeGreaterThan(before.blockCount + (40 * MiB) / 4096);
    writeFileSync(join(folder, 'bulk'), randomBytes(80 * MiB));
    await succeed(a, 'put', join(folder, 'bulk'), 'work:/bulk');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(link, (now) => now?.identical === true && now.lagCps === 0);
    expect((await runCommand(b, 'compare', join(folder, 'bulk'), 'copy:/bulk')).exitCode).toBe(0);
    await succeed(b, 'volume', 'check', 'copy');
    await primary.stop();
    await succeed(a, 'volume', 'check', 'work');
  });

  it('that outgrows its mirror goes on serving, says which is too small, and is mirrored again when the mirror has grown', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'link', 'work', 'ipc://office');
    await using _mirror = await ServerProcess.start(b);
    await using primary = await ServerProcess.start(a);
    const link = async () => (await primary.client.relationships.list({})).relationships[0];
    await eventually(link, (now) => now?.identical === true);
    await succeed(a, 'volume', 'grow', 'work', '--enlarge', `${join(folder, 'work.img')}=128M`);
    await succeed(a, 'mkdir', 'work:/more');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(link, (now) => now?.code === 'peer-too-small');
    expect(await succeed(b, 'ls', 'copy:/')).toBe('');
    await succeed(b, 'volume', 'grow', 'copy', '--enlarge', `${join(folder, 'copy.img')}=128M`);
    // It would be tried again after a while; asked for, it is tried at once.
    await succeed(a, 'pause', 'work', 'ipc://office');
    await succeed(a, 'resume', 'work', 'ipc://office');
    await eventually(link, (now) => now?.identical === true && now.lagCps === 0);
    expect(await succeed(b, 'ls', 'copy:/')).toContain('more/');
  });
});

const noLoops = whyNoLoopDevices();
if (noLoops !== undefined) console.warn(`volumes on drives are not tested: ${noLoops}`);

function loopDevice(folder: string, name: string): LoopDevice {
  const device = attachLoopDevice(join(folder, name), 64 * MiB);
  onTestFinished(() => {
    device.detach();
  });
  return device;
}

describe.skipIf(noLoops !== undefined)('drives', () => {
  it('serve a volume that is mirrored, is refused to others meanwhile, and is opened again', async () => {
    const folder = testFolder();
    const [one, two] = [loopDevice(folder, 'one'), loopDevice(folder, 'two')];
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    mkdirSync(join(folder, 'source'));
    for (let index = 0; index < 20; index++) writeFileSync(join(folder, 'source', `${index}`), randomBytes(10_000 * index));
    await succeed(a, 'volume', 'create', 'work', one.path);
    await succeed(b, 'volume', 'create', 'copy', two.path, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'link', 'work', 'ipc://office');
    await using mirror = await ServerProcess.start(b);
    const primary = await ServerProcess.start(a);
    await succeed(a, 'put', join(folder, 'source'), 'work:/source');
    const thief = placeIn(folder, 'thief');
    const taken = await runCommand(thief, '--json', 'volume', 'attach', 'mine', one.path);
    expect([taken.exitCode, codeOf(taken)]).toEqual([1, 'device-in-use']);
    await succeed(a, 'cp', 'now', 'work');
    const link = async () => (await primary.client.relationships.list({})).relationships[0];
    await eventually(link, (now) => now?.identical === true && now.lagCps === 0);
    await primary.kill();
    await mirror.stop();
    await succeed(a, 'compare', join(folder, 'source'), 'work:/source');
    await succeed(b, 'compare', join(folder, 'source'), 'copy:/source');
    const again = await runCommand(thief, '--json', 'volume', 'create', 'mine', one.path);
    expect([again.exitCode, codeOf(again)]).toEqual([1, 'volume-exists']);
  });
});

describe('an image that was copied', () => {
  it('is the same volume, and is opened alone', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'mkdir', 'work:/kept');
    copyFileSync(join(folder, 'work.img'), join(folder, 'moved.img'));
    rmSync(join(folder, 'work.img'));
    await succeed(b, 'volume', 'attach', 'work', join(folder, 'moved.img'));
    expect(await succeed(b, 'ls', 'work:/')).toContain('kept/');
  });
});
