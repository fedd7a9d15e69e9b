import { execFileSync } from 'node:child_process';
import { appendFileSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { wholeFileBytesMax } from '../../src-main/engine/index.ts';
import { SourceReader } from '../../src-main/shells/headless/source-reader.ts';

function lab(): { reader: SourceReader; folder: string; write: (name: string, content: string | Buffer) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'mirrorpoint-source-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  return { reader: new SourceReader(), folder, write };
}

async function contentOf(reader: SourceReader, path: string, sizeBytes: number): Promise<string> {
  using read = await reader.read(path, sizeBytes);
  return Buffer.from(read.bytes).toString();
}

it('reads many files at once, each with its content and what the system says of it', async () => {
  const { reader, write } = lab();
  const names = Array.from({ length: 300 }, (_, index) => `file ${index}`);
  const paths = names.map((name) => write(name, name));
  expect(await Promise.all(names.map((name, index) => contentOf(reader, paths[index]!, name.length)))).toEqual(names);
  using read = await reader.read(paths[7]!, 6);
  const { dev, ino, mtimeNs, birthtimeNs, uid, gid, mode } = lstatSync(paths[7]!, { bigint: true });
  expect(read.stat).toEqual({
    kind: 'file',
    mode: Number(mode & 0o7777n),
    uid: Number(uid),
    gid: Number(gid),
    sizeBytes: 6,
    modifiedNs: mtimeNs,
    linkCount: 1,
    identity: `${dev}:${ino}`,
    bornNs: birthtimeNs,
  });
});

it('reads no more than it was asked for, and tells of what is there by now', async () => {
  const { reader, write } = lab();
  const path = write('log', 'one');
  appendFileSync(path, ' two');
  using grown = await reader.read(path, 3);
  expect(Buffer.from(grown.bytes).toString()).toBe('one');
  expect(grown.stat.sizeBytes).toBe(7);
  using shrunk = await reader.read(path, 100);
  expect(Buffer.from(shrunk.bytes).toString()).toBe('one two');
  using nothing = await reader.read(write('empty', ''), 0);
  expect(nothing.bytes.length).toBe(0);
});

it('tells the fault of each file alone: one that vanished, a link in its place, a folder', async () => {
  const { reader, folder, write } = lab();
  const whole = write('whole', 'whole');
  symlinkSync(whole, join(folder, 'link'));
  mkdirSync(join(folder, 'folder'));
  const paths = ['vanished', 'link', 'folder', 'whole'].map((name) => join(folder, name));
  const outcomes = await Promise.allSettled(paths.map((path) => contentOf(reader, path, 5)));
  expect(outcomes).toMatchObject([
    { status: 'rejected', reason: { code: 'not-found', message: expect.stringContaining(`${paths[0]!} could not be opened`) as string } },
    { status: 'rejected', reason: { code: 'too-many-symbolic-links' } },
    { status: 'rejected', reason: { code: 'is-a-directory', message: expect.stringContaining(`${paths[2]!} could not be read`) as string } },
    { status: 'fulfilled', value: 'whole' },
  ]);
});

it.skipIf(process.platform === 'win32')('waits for no writer of a pipe that took the place of a file', async () => {
  const { reader, folder } = lab();
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await expect(reader.read(join(folder, 'pipe'), 10)).rejects.toMatchObject({ message: expect.stringContaining('could not be read') as string });
});

it('examines many paths, follows no link, and leaves open what is not there', async () => {
  const { reader, folder, write } = lab();
  const path = write('file', 'text');
  symlinkSync(path, join(folder, 'link'));
  const [file, link, none, inner] = await reader.examine([path, join(folder, 'link'), join(folder, 'none'), folder]);
  expect(file).toMatchObject({ kind: 'file', sizeBytes: 4 });
  expect([link?.kind, none, inner?.kind]).toEqual(['symlink', undefined, 'directory']);
  await expect(reader.examine([join(path, 'below')])).rejects.toMatchObject({ code: 'not-a-directory' });
});

it('holds a bounded amount: further files wait until something is given back', async () => {
  const { reader, write } = lab();
  const large = write('large', Buffer.alloc(wholeFileBytesMax, 'x'));
  const reads = Array.from({ length: 20 }, () => reader.read(large, wholeFileBytesMax));
  let readCount = 0;
  for (const read of reads) void read.then(() => readCount++);
  const first = await Promise.all(reads.slice(0, 8));
  // The thread answers in order, so whatever it had taken on would be here by then.
  await reader.examine([large]);
  expect(readCount).toBe(8);
  for (const read of first) {
    read[Symbol.dispose]();
    read[Symbol.dispose]();
  }
  for (const read of await Promise.all(reads.slice(8, 16))) read[Symbol.dispose]();
  for (const read of await Promise.all(reads.slice(16))) {
    expect(Buffer.from(read.bytes).equals(Buffer.alloc(wholeFileBytesMax, 'x'))).toBe(true);
    read[Symbol.dispose]();
  }
});
