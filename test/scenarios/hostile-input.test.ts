import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checksumOf, setBigU64, setU32 } from '../../src-main/base/index.ts';
import type { RelationshipStatus, VolumeStatus } from '../../src-main/contract/index.ts';
import { encodeFrame, frameBytesMax } from '../../src-main/wire/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const MiB = 1 << 20;

/** Changes a stretch of a file. */
function edit(path: string, offsetBytes: number, lengthBytes: number, change: (bytes: Buffer) => void): void {
  const fd = openSync(path, 'r+');
  const bytes = Buffer.alloc(lengthBytes);
  readSync(fd, bytes, 0, lengthBytes, offsetBytes);
  change(bytes);
  writeSync(fd, bytes, 0, lengthBytes, offsetBytes);
  closeSync(fd);
}

/** Gives a label or root node of 4096 bytes the version, with the checksum at its end that fits. */
function makeNewer(bytes: Buffer): void {
  setU32(bytes, 8, 77);
  setBigU64(bytes, 4088, checksumOf(bytes.subarray(0, 4088)));
}

// The places are those of FORMAT.md.
const labelCopies = [0, 1_114_112];
const rootAreaA = 65_536;
const rootSlotBytes = 65_536;
const rootSlots = 16;

async function firstLink(server: ServerProcess): Promise<RelationshipStatus | undefined> {
  return (await server.client.relationships.list({})).relationships[0];
}

describe('a volume', () => {
  async function detachedVolume(): Promise<{ place: Place; image: string; attach: () => ReturnType<typeof runCommand> }> {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const image = join(folder, 'work.img');
    await succeed(place, 'volume', 'create', 'work', `${image}=64M`);
    await succeed(place, 'mkdir', 'work:/kept');
    await succeed(place, 'volume', 'detach', 'work');
    return { place, image, attach: () => runCommand(place, '--json', 'volume', 'attach', 'work', image) };
  }

  it('whose labels are of a newer version is refused, and opened by a program that knows it', async () => {
    const { place, image, attach } = await detachedVolume();
    const old: Buffer[] = [];
    for (const at of labelCopies) {
      edit(image, at, 4096, (bytes) => {
        old.push(Buffer.from(bytes));
        makeNewer(bytes);
      });
    }
    const refused = await attach();
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'format-too-new']);
    expect(refused.stderr).toMatch(/77/);
    labelCopies.forEach((at, index) => {
      edit(image, at, 4096, (bytes) => old[index]!.copy(bytes));
    });
    expect((await attach()).exitCode).toBe(0);
    expect(await succeed(place, 'ls', 'work:/')).toContain('kept/');
  });

  it('whose newest root is of a newer version is refused', async () => {
    const { image, attach } = await detachedVolume();
    for (let slot = 0; slot < rootSlots; slot++) {
      edit(image, rootAreaA + slot * rootSlotBytes, 4096, (bytes) => {
        if (bytes.some((byte) => byte !== 0)) makeNewer(bytes);
      });
    }
    const refused = await attach();
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'format-too-new']);
    expect(refused.stderr).toMatch(/77/);
  });

  it('opens with one root area wiped, and says so', async () => {
    const { place, image, attach } = await detachedVolume();
    edit(image, rootAreaA, rootSlots * rootSlotBytes, (bytes) => bytes.fill(0));
    const attached = await attach();
    const { recovery } = JSON.parse(attached.stdout) as VolumeStatus;
    expect(recovery?.damagedRootCopies).toBeGreaterThan(0);
    expect(await succeed(place, 'ls', 'work:/')).toContain('kept/');
  });

  it('whose labels are both damaged is refused as damaged, not taken for blank', async () => {
    const { place, image, attach } = await detachedVolume();
    for (const at of labelCopies) edit(image, at + 100, 8, (bytes) => bytes.fill(0xee));
    const refused = await attach();
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'volume-damaged']);
    const created = await runCommand(place, '--json', 'volume', 'create', 'new', image);
    expect([created.exitCode, codeOf(created)]).toEqual([1, 'volume-exists']);
  });
});

describe('a mirror', () => {
  it('that hears garbage, oversized frames and silence goes on for its primary', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await using mirror = await ServerProcess.start(b, '--listen', 'tcp://127.0.0.1:0');
    const address = mirror.ready.listen[0]!;
    const oversized = Buffer.from(encodeFrame(1, new Uint8Array(8))[0]!);
    setU32(oversized, 8, frameBytesMax * 16);
    setBigU64(oversized, 24, checksumOf(oversized.subarray(0, 24)));
    for (const bytes of [randomBytes(4096), Buffer.from('GET / HTTP/1.1\r\n\r\n'), oversized, encodeFrame(60_000, randomBytes(100))[0]!]) {
      const socket = connect(Number(address.slice(address.lastIndexOf(':') + 1)), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    const silent = connect(Number(address.slice(address.lastIndexOf(':') + 1)), '127.0.0.1');
    onTestFinished(() => void silent.destroy());
    await once(silent, 'connect');
    await succeed(a, 'link', 'work', address);
    await using primary = await ServerProcess.start(a);
    await succeed(a, 'mkdir', 'work:/there');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => firstLink(primary), (link) => link?.identical === true);
    expect(await succeed(b, 'ls', 'copy:/')).toContain('there/');
    expect(mirror.isRunning).toBe(true);
  });

  const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;
  if (!isRootOnLinux) console.warn('a mirror without room is not tested: that needs root on Linux');

  it.skipIf(!isRootOnLinux)('whose file system is full stays at its last CP, is told apart, and catches up when there is room', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    const small = join(folder, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', small]);
    onTestFinished(() => {
      execFileSync('umount', [small]);
    });
    await succeed(b, 'volume', 'create', 'copy', `${join(small, 'copy.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'link', 'work', 'ipc://office');
    await using mirror = await ServerProcess.start(b);
    await using primary = await ServerProcess.start(a);
    await succeed(a, 'mkdir', 'work:/before');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => firstLink(primary), (link) => link?.identical === true);
    writeFileSync(join(folder, 'bulk'), randomBytes(24 * MiB));
    await succeed(a, 'put', join(folder, 'bulk'), 'work:/bulk');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => firstLink(primary), (link) => link?.code === 'device-full');
    await succeed(a, 'mkdir', 'work:/serves-on');
    expect(await succeed(b, 'ls', 'copy:/')).toMatch(/before\/\n$/);
    expect(await succeed(b, 'ls', 'copy:/')).not.toContain('bulk');
    execFileSync('mount', ['-o', 'remount,size=64m', small]);
    await succeed(a, 'pause', 'work', 'ipc://office');
    await succeed(a, 'resume', 'work', 'ipc://office');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => firstLink(primary), (link) => link?.identical === true && link.lagCps === 0);
    expect((await runCommand(b, 'compare', join(folder, 'bulk'), 'copy:/bulk')).exitCode).toBe(0);
    await succeed(b, 'volume', 'check', 'copy');
    await mirror.stop();
  });

  it('killed in the middle of its baseline goes on where it was', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=256M`);
    writeFileSync(join(folder, 'bulk'), randomBytes(100 * MiB));
    await succeed(a, 'put', join(folder, 'bulk'), 'work:/bulk');
    rmSync(join(folder, 'copy.img'), { force: true });
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=256M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'link', 'work', 'ipc://office');
    await using primary = await ServerProcess.start(a);
    const mirror = await ServerProcess.start(b);
    await eventually(() => firstLink(primary), (link) => (link?.bytesSent ?? 0) > 50 * MiB);
    await mirror.kill();
    await using _again = await ServerProcess.start(b);
    const link = await eventually(() => firstLink(primary), (now) => now?.identical === true);
    expect(link?.bytesSent).toBeLessThan(135 * MiB);
    expect((await runCommand(b, 'compare', join(folder, 'bulk'), 'copy:/bulk')).exitCode).toBe(0);
    await succeed(b, 'volume', 'check', 'copy');
  });
});
