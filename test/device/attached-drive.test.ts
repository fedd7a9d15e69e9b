import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, test } from 'vitest';
import { SeededRandom, toHex } from '../../src-main/base/index.ts';
import { AttachedDrive, contentsText, createDevice, DeviceSet, type DriveListing, examineDrive, listDrives, openDevice, probePath } from '../../src-main/device/index.ts';
import { deviceContract } from '../suites/device-contract.ts';
import { holdInAnotherProcess } from './holder-process.ts';
import { attachLoopDevice, hasProgram, whyNoLoopDevices } from './loop-device.ts';
import type { LoopDevice } from './loop-device.ts';
import { temporaryFolder } from './temporary-folder.ts';

const mebibyte = 1_048_576;
const folder = temporaryFolder();
const obstacle = whyNoLoopDevices();
let fileCount = 0;

function attach(sizeBytes: number): LoopDevice {
  return attachLoopDevice(join(folder, `backing-${fileCount++}`), sizeBytes);
}

/** A drive that is attached. */
function listed(path: string): DriveListing {
  const found = listDrives().find((drive) => drive.path === path);
  if (found === undefined) throw new Error(`${path} is not listed`);
  return found;
}

function run(command: string, ...parameters: string[]): void {
  execFileSync(command, parameters, { stdio: 'ignore' });
}

if (obstacle === undefined) {
  deviceContract('attached drive (loop device)', () => {
    const loop = attach(8 * mebibyte);
    return {
      open: () => AttachedDrive.open(loop.path),
      reopen: () => AttachedDrive.open(loop.path, { erase: false, readOnly: true }),
      cleanUp: () => {
        loop.detach();
        return Promise.resolve();
      },
    };
  });
} else {
  console.warn(`Attached drives are NOT tested here: ${obstacle}.`);
  test.skip(`attached drives: ${obstacle}`, () => undefined);
}

describe.runIf(obstacle === undefined)('an attached drive', () => {
  const loops: LoopDevice[] = [];

  function attachForTest(sizeBytes = 16 * mebibyte): string {
    const loop = attach(sizeBytes);
    loops.push(loop);
    return loop.path;
  }

  afterEach(() => {
    for (const loop of loops.splice(0)) loop.detach();
  });

  it('has the size of the drive, and an identity to tell it apart by', async () => {
    const path = attachForTest(5 * mebibyte + 512);
    await using drive = await AttachedDrive.open(path);
    expect(drive.sizeBytes).toBe(5 * mebibyte + 512);
    expect(drive.identity).toMatchObject({ path, model: 'loop device', sizeBytes: 5 * mebibyte + 512 });
    expect(drive.identity.serial).toContain('backing-');
  });

  it('is claimed by one opening: another in this process or a second one is refused', async () => {
    const path = attachForTest();
    const drive = await AttachedDrive.open(path);
    await expect(AttachedDrive.open(path)).rejects.toMatchObject({ code: 'device-in-use' });
    const other = await holdInAnotherProcess(path);
    expect(other.answer).toMatch(/^refused .* is in use/);
    await other.kill();
    await drive.close();
    const holder = await holdInAnotherProcess(path);
    expect(holder.answer).toBe('held');
    await expect(AttachedDrive.open(path)).rejects.toMatchObject({ code: 'device-in-use' });
    await holder.kill();
    await (await AttachedDrive.open(path)).close();
  });

  it('is opened although another process looks at it, which claims it for a moment', async () => {
    const path = attachForTest();
    const claim = openSync(path, constants.O_RDONLY | constants.O_EXCL);
    const opening = AttachedDrive.open(path);
    closeSync(claim);
    await (await opening).close();
  });

  it.runIf(hasProgram('mkfs.ext4'))('is refused while it is mounted, even to be erased, saying where', async () => {
    const path = attachForTest();
    run('mkfs.ext4', '-q', path);
    const mountPoint = join(folder, 'mount point');
    mkdirSync(mountPoint, { recursive: true });
    run('mount', path, mountPoint);
    try {
      const opening = AttachedDrive.open(path, { erase: true });
      await expect(opening).rejects.toMatchObject({ code: 'device-in-use' });
      await expect(opening).rejects.toThrow(`mounted at ${mountPoint}`);
      expect(listed(path)).toMatchObject({ mountPoints: [mountPoint], holdsSystem: false, reason: expect.stringContaining(mountPoint) });
      expect(contentsText((await examineDrive(listed(path))).contents)).toContain('ext4');
    } finally {
      run('umount', mountPoint);
    }
    await (await AttachedDrive.open(path, { erase: true })).close();
  });

  const makers: [string, string, string[], string][] = [
    ['an ext4 file system', 'mkfs.ext4', ['-q'], 'ext4'],
    ['swap space', 'mkswap', [], 'swap'],
    ['a FAT file system', 'mkfs.vfat', [], 'FAT'],
    ['an XFS file system', 'mkfs.xfs', [], 'XFS'],
    ['a Btrfs file system', 'mkfs.btrfs', [], 'Btrfs'],
  ];
  for (const [what, program, parameters, expected] of makers) {
    it.runIf(hasProgram(program))(`that holds ${what} is refused, saying so, unless it is to be erased`, async () => {
      const path = attachForTest(320 * mebibyte);
      run(program, ...parameters, path);
      const opening = AttachedDrive.open(path);
      await expect(opening).rejects.toMatchObject({ code: 'device-has-content' });
      await expect(opening).rejects.toThrow(expected);
      await (await AttachedDrive.open(path, { erase: true })).close();
      await (await AttachedDrive.open(path)).close();
      if (hasProgram('blkid')) expect(() => execFileSync('blkid', ['-p', path])).toThrow();
    });
  }

  it.runIf(hasProgram('sfdisk'))('that is partitioned is refused, by the table at its beginning or its end', async () => {
    for (const label of ['gpt', 'dos']) {
      const path = attachForTest();
      execFileSync('sfdisk', ['-q', path], { input: `label: ${label}\n,4M\n`, stdio: ['pipe', 'ignore', 'ignore'] });
      await expect(AttachedDrive.open(path)).rejects.toThrow(label === 'gpt' ? 'GPT partition' : 'MBR partition');
      if (label === 'gpt') run('dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', 'count=2', 'conv=notrunc');
      if (label === 'gpt') await expect(AttachedDrive.open(path)).rejects.toThrow('GPT partition');
    }
  });

  it('that holds bytes of unknown meaning is refused', async () => {
    const path = attachForTest();
    execFileSync('dd', [`of=${path}`, 'bs=512', 'seek=1000', 'conv=notrunc'], { input: 'x', stdio: ['pipe', 'ignore', 'ignore'] });
    await expect(AttachedDrive.open(path)).rejects.toMatchObject({ code: 'device-has-content' });
  });

  it('of a volume is opened as such, and not taken for a new volume', async () => {
    const path = attachForTest();
    const random = new SeededRandom(1);
    const options = {
      volumeId: random.bytes(16),
      setId: random.bytes(16),
      blockSizeBytes: 4096,
      journalBytes: 65_536,
      random,
    };
    const set = await DeviceSet.create([await createDevice(path)], options);
    await set.close();
    const again = await createDevice(path);
    await expect(DeviceSet.create([again], options)).rejects.toMatchObject({ code: 'volume-exists' });
    await again.close();
    const device = await openDevice(path);
    await using opened = await DeviceSet.open([device]);
    expect(opened.volumeId).toEqual(options.volumeId);
    expect(await examineDrive(listed(path))).toMatchObject({ contents: { kind: 'mirrorpoint', volumeId: toHex(options.volumeId) }, isClaimed: true });
  });

  it('is erased only while it is the one that was chosen, with what it held then', async () => {
    const path = attachForTest();
    const { token, isClaimed } = await examineDrive(listed(path));
    expect(isClaimed).toBe(false);
    await (await AttachedDrive.open(path, { token })).close();
    const write = (text: string, atBytes: number): void => {
      execFileSync('dd', [`of=${path}`, 'bs=512', `seek=${atBytes / 512}`, 'conv=notrunc'], { input: text, stdio: ['pipe', 'ignore', 'ignore'] });
    };
    for (const atBytes of [512_000, 16 * mebibyte - 512]) {
      const before = (await examineDrive(listed(path))).token;
      write('somebody wrote this', atBytes);
      await expect(AttachedDrive.open(path, { erase: true, token: before })).rejects.toMatchObject({ code: 'device-changed' });
      const drive = await AttachedDrive.open(path, { readOnly: true });
      const found = new Uint8Array(512);
      await drive.read(atBytes, [found]);
      await drive.close();
      expect(Buffer.from(found).toString()).toContain('somebody wrote this');
    }
    const other = attachForTest();
    const now = await examineDrive(listed(path));
    await expect(AttachedDrive.open(other, { erase: true, token: now.token })).rejects.toMatchObject({ code: 'device-changed' });
    await expect(createDevice(join(folder, 'no-drive.img'), { sizeBytes: mebibyte, token: now.token })).rejects.toMatchObject({ code: 'device-changed' });
    await (await createDevice(path, { erase: true, token: now.token })).close();
  });

  it('that is read-only is refused for writing, and can be read', async () => {
    const path = attachForTest();
    run('blockdev', '--setro', path);
    try {
      await expect(AttachedDrive.open(path)).rejects.toMatchObject({ code: 'device-unsuitable' });
      await using drive = await AttachedDrive.open(path, { readOnly: true });
      await expect(drive.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'not-permitted' });
    } finally {
      // The kernel keeps this for the next use of the loop device.
      run('blockdev', '--setrw', path);
    }
  });
});

describe.runIf(process.platform === 'linux')('the drives of this machine', () => {
  it('each have a path, a size and how they are attached; memory is none of them', () => {
    for (const drive of listDrives()) {
      expect(probePath(drive.path)).toBe('block-device');
      expect(drive.sizeBytes).toBeGreaterThan(0);
      expect(drive.connection).toMatch(/^[a-z-]+$/);
      expect(drive.path).not.toMatch(/zram|ram\d/);
    }
  });

  it('the one that the system runs from is never usable', async (context) => {
    const root = listDrives().find((drive) => drive.mountPoints.includes('/'));
    if (!root) return context.skip('the root file system is on no block device here');
    expect(root).toMatchObject({ holdsSystem: true, reason: expect.stringContaining('mounted at /') });
    const opening = AttachedDrive.open(root.path, { erase: false });
    await expect(opening).rejects.toMatchObject({ code: 'device-in-use' });
    await expect(opening).rejects.toThrow('holds the running system');
  });

  it('what is no block device is refused by its own code', async () => {
    await expect(AttachedDrive.open('/dev/null')).rejects.toMatchObject({ code: 'device-unsuitable' });
    await expect(AttachedDrive.open('/dev/no-such-drive')).rejects.toMatchObject({ code: 'device-not-found' });
  });
});
