import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DriveFacts } from '../../src-main/engine/index.ts';
import { startByNode } from '../../src-main/shells/headless/child-program.ts';
import { machineDevices } from '../../src-main/shells/headless/machine-devices.ts';
import { MachineDrives } from '../../src-main/shells/headless/machine-drives.ts';
import { machineFolder } from '../../src-main/shells/headless/machine-folder.ts';
import { drivesReportSchema } from '../../src-main/shells/programs/drives-task.ts';
import { foreignDrives } from '../../src-main/shells/programs/foreign-drives.ts';
import { attachLoopDevice, hasProgram, type LoopDevice, whyNoLoopDevices } from '../device/loop-device.ts';
import { holdInAnotherProcess } from '../device/holder-process.ts';
import { folderContract } from '../suites/folder-contract.ts';
import { SilentDrive, whyNoSilence } from './silent-drive.ts';

const mebibyte = 1 << 20;

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

folderContract('this machine', () => ({
  machine: { folder: machineFolder },
  root: testFolder(),
  makeFolder: (path) => {
    mkdirSync(path);
  },
  makeFile: (path, sizeBytes) => {
    writeFileSync(path, '');
    truncateSync(path, sizeBytes);
  },
}));

/** Opens a drive for itself; whoever looks at all drives of the machine may have it for a moment. */
async function openAlone(path: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_EXCL);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'EBUSY' || tries > 1000) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('a folder of this machine', () => {
  it('shows links as what they lead to, and leaves out those that lead nowhere, sockets and pipes', async () => {
    const root = testFolder();
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'file'), 'four');
    for (const [target, link] of [['folder', 'to-folder'], ['file', 'to-file'], ['nothing', 'to-nothing'], ['loop', 'loop']]) symlinkSync(join(root, target!), join(root, link!));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
    onTestFinished(() => void server.close());
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const { entries } = await machineFolder(root);
    expect(entries.map(({ name, kind, sizeBytes }) => [name, kind, sizeBytes])).toEqual([
      ['folder', 'directory', 0],
      ['to-folder', 'directory', 0],
      ['file', 'file', 4],
      ['to-file', 'file', 4],
    ]);
  });

  it('is found under its plain path, whatever stands behind it', async () => {
    const root = testFolder();
    expect(await machineFolder(`${root}/x/..//`)).toMatchObject({ path: root, parent: tmpdir() });
    await expect(machineFolder(`${root}/\0`)).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)('on a read-only file system is not writable', async () => {
    const root = testFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', root]);
    onTestFinished(() => void execFileSync('umount', [root]));
    expect(await machineFolder(root)).toMatchObject({ isWritable: false, entries: [] });
  });
});

const noLoops = whyNoLoopDevices();
const noSilence = noLoops ?? whyNoSilence();
if (noLoops !== undefined) console.warn(`The drives of this machine are NOT tested here: ${noLoops}.`);
else if (noSilence !== undefined) console.warn(`Drives that do not answer are NOT tested here: ${noSilence}.`);

const machine = new MachineDrives(startByNode());

function attach(folder: string, sizeBytes = 32 * mebibyte): LoopDevice {
  const loop = attachLoopDevice(join(folder, `backing-${Math.random()}`), sizeBytes);
  onTestFinished(() => {
    loop.detach();
  });
  return loop;
}

async function factsOf(path: string, asked: readonly string[] = [], drives = machine): Promise<DriveFacts> {
  const all = await drives.list(asked);
  const facts = all.find((drive) => drive.path === path);
  if (facts === undefined) throw new Error(`${path} is not among ${all.map((drive) => drive.path).join(', ')}`);
  return facts;
}

describe.skipIf(noLoops !== undefined)('the drives of this machine', () => {
  it('are listed with what tells them apart, and which of the paths asked about lead to them', async () => {
    const folder = testFolder();
    const loop = attach(folder);
    symlinkSync(loop.path, join(folder, 'link'));
    expect(await factsOf(loop.path, [join(folder, 'link'), loop.path, '/dev/null', '/no/such', folder])).toEqual({
      path: loop.path,
      model: 'loop device',
      serial: loop.backingFile,
      sizeBytes: 32 * mebibyte,
      connection: 'loop',
      isReadOnly: false,
      holdsSystem: false,
      look: { kind: 'seen', contents: undefined, volumeId: undefined, isClaimed: false, token: expect.stringMatching(/^[0-9a-f]{64}$/) },
      knownAs: [join(folder, 'link'), loop.path],
    });
  });

  it('the one that the system runs from is told', async (context) => {
    const source = execFileSync('findmnt', ['-no', 'SOURCE', '/'], { encoding: 'utf8' }).trim();
    if (!source.startsWith('/dev/')) return context.skip('the root file system is on no drive here');
    expect(await factsOf(source)).toMatchObject({ holdsSystem: true, usedBy: expect.stringContaining('mounted at /') });
  });

  it.runIf(hasProgram('mkfs.ext4'))('that are mounted, or held by another program, are told, with what is on them', async () => {
    const folder = testFolder();
    const loop = attach(folder);
    execFileSync('mkfs.ext4', ['-q', loop.path]);
    expect((await factsOf(loop.path)).look).toMatchObject({ contents: 'an ext2, ext3 or ext4 file system', isClaimed: false });
    const at = join(folder, 'mounted');
    mkdirSync(at);
    execFileSync('mount', [loop.path, at]);
    try {
      expect(await factsOf(loop.path)).toMatchObject({ usedBy: expect.stringContaining(`mounted at ${at}`), look: { contents: expect.stringContaining('ext4') } });
    } finally {
      execFileSync('umount', [at]);
    }
    const held = await openAlone(loop.path);
    try {
      expect(await factsOf(loop.path)).toMatchObject({ look: { kind: 'seen', isClaimed: true } });
    } finally {
      closeSync(held);
    }
  });

  it('are each listed by those who look at once as if they were alone', async () => {
    const loop = attach(testFolder());
    const [one, two, three] = await Promise.all([factsOf(loop.path, [loop.path]), factsOf(loop.path), factsOf(loop.path, ['/dev/null', loop.path])]);
    for (const { look } of [one, two, three]) expect(look).toMatchObject({ isClaimed: false });
    expect([one.knownAs, two.knownAs, three.knownAs]).toEqual([[loop.path], [], [loop.path]]);
  });

  it('are claimed all before any is erased: when one is not what was chosen, the others keep what they hold', async () => {
    const folder = testFolder();
    const [one, two] = [attach(folder), attach(folder)];
    for (const { path } of [one, two]) execFileSync('dd', [`of=${path}`, 'bs=512', 'seek=4', 'conv=notrunc'], { input: 'precious', stdio: ['pipe', 'ignore', 'ignore'] });
    const token = async (path: string): Promise<string> => {
      const { look } = await factsOf(path);
      return look.kind === 'seen' ? look.token : '';
    };
    const [first, second] = [await token(one.path), await token(two.path)];
    const claimed = await machineDevices.create(one.path, { erase: true, token: first });
    await expect(machineDevices.create(two.path, { erase: true, token: first })).rejects.toMatchObject({ code: 'device-changed' });
    await machineDevices.undoCreate(claimed);
    expect(await token(one.path)).toBe(first);
    const taken = await machineDevices.create(two.path, { erase: true, token: second });
    await machineDevices.erase(taken);
    await taken.close();
    expect((await factsOf(two.path)).look).toMatchObject({ contents: undefined });
  });

  it.skipIf(noSilence !== undefined)('that do not answer keep nobody: they are told as such, not asked for ever, and seen when they are back', { timeout: 180_000 }, async () => {
    const folder = testFolder();
    const [quiet, other] = [attach(folder), attach(folder)];
    const silence = new SilentDrive(quiet.path);
    onTestFinished(() => silence.remove());
    const drives = new MachineDrives(startByNode(silence.startedBy), { answerMsMax: 10_000 });
    expect((await factsOf(quiet.path, [], drives)).look).toEqual({ kind: 'unseen', reason: expect.stringContaining('does not answer') });
    expect((await factsOf(other.path, [], drives)).look).toMatchObject({ kind: 'seen' });
    // Two programs wait for it in the end, and no third one does.
    const waiting = async (): Promise<number> => {
      expect((await factsOf(quiet.path, [], drives)).look).toMatchObject({ kind: 'unseen' });
      return silence.waitingCount;
    };
    await expect.poll(waiting, { timeout: 100_000 }).toBe(2);
    await waiting();
    await expect.poll(() => silence.waitingCount).toBe(2);
    silence.answer();
    await expect.poll(async () => (await factsOf(quiet.path, [], drives)).look.kind, { timeout: 100_000, interval: 100 }).toBe('seen');
  });

  it('that cannot be listed, because the program says nothing, are a fault with a code', async () => {
    await expect(new MachineDrives(startByNode(['/no/such/program'])).list([])).rejects.toMatchObject({ code: 'device-io' });
  });

  it('held by a server of another process are told', async () => {
    const loop = attach(testFolder());
    const holder = await holdInAnotherProcess(loop.path);
    expect((await factsOf(loop.path)).look).toMatchObject({ isClaimed: true });
    await holder.kill();
    expect((await factsOf(loop.path)).look).toMatchObject({ isClaimed: false });
  });
});

describe('the disks of a system on which none can be taken', () => {
  it('are listed by what the system says of them', () => {
    const disks = [
      { device: '\\\\.\\PHYSICALDRIVE0', name: 'Samsung SSD 990 ', serialNum: ' S7', size: 1_000_204_886_016, interfaceType: 'PCIe' },
      { device: 'disk4', name: 'Portable', serialNum: '', size: 2_000_398_934_016, interfaceType: 'USB' },
      { device: 'disk5', name: '', serialNum: '', size: 0, interfaceType: '' },
      { device: '', name: 'nowhere', serialNum: '', size: 1, interfaceType: 'USB' },
    ];
    const drives = foreignDrives(disks);
    expect(drivesReportSchema.parse({ report: 'listed', drives })).toEqual({ report: 'listed', drives });
    expect(drives).toMatchObject([
      { path: '\\\\.\\PHYSICALDRIVE0', model: 'Samsung SSD 990', serial: 'S7', connection: 'pcie' },
      { path: 'disk4', connection: 'usb', sizeBytes: 2_000_398_934_016 },
      { path: 'disk5', connection: 'other' },
    ]);
  });
});
