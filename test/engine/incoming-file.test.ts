import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type MirrorpointError } from '../../src-main/base/index.ts';
import { type CollisionChoice, type MirrorpointClient, openWritesMax, writeChunkBytesMax } from '../../src-main/contract/index.ts';
import { clientOf, type EngineSession } from '../../src-main/engine/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryServer } from './memory-engine.ts';
import { makeFolder, seeTree, texts, writeFile } from './volume-trees.ts';

let server: MemoryServer;
let volume: Volume;
let session: EngineSession;
let files: MirrorpointClient['files'];

beforeEach(async () => {
  server = new MemoryServer();
  await server.start();
  onTestFinished(() => server.stop());
  await server.createVolume('work');
  ({ volume } = await server.engine.shelf.primary('work'));
  session = server.engine.newSession();
  ({ files } = clientOf(server.engine, session));
  await makeFolder(volume, '/into');
});

interface Sending {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly collision?: CollisionChoice;
  readonly modifiedMs?: number;
  readonly partBytes?: number;
}

async function send({ path, bytes, collision, modifiedMs, partBytes = writeChunkBytesMax }: Sending): Promise<{ path: string; isSkipped: boolean }> {
  const { writeId } = await files.beginWrite({ volume: 'work', path, sizeBytes: bytes.length, ...(collision && { collision }), ...(modifiedMs !== undefined && { modifiedMs }) });
  for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += partBytes) {
    await files.write({ writeId, offsetBytes, content: new Blob([Buffer.from(bytes.subarray(offsetBytes, offsetBytes + partBytes))]) });
  }
  return files.endWrite({ writeId });
}

const names = async (): Promise<string[]> => [...(await seeTree(volume, '/into')).keys()];
const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (fault: unknown) => (fault as MirrorpointError).code);

describe('a file that comes in part by part', () => {
  it.each([0, 1, 5000, 2_500_000])('of %d bytes is there whole and durable at its end, and not before', async (sizeBytes) => {
    const bytes = Buffer.alloc(sizeBytes, 'content ');
    const { writeId, isSkipped } = await files.beginWrite({ volume: 'work', path: '/into/file', sizeBytes, modifiedMs: 1_700_000_000_123.5 });
    expect(isSkipped).toBe(false);
    for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += 700_000) {
      await files.write({ writeId, offsetBytes, content: new Blob([bytes.subarray(offsetBytes, offsetBytes + 700_000)]) });
      expect(await names()).not.toContain('/file');
    }
    expect(await files.endWrite({ writeId })).toEqual({ path: '/into/file', isSkipped: false });
    expect(await names()).toEqual(['/file']);
    await server.kill();
    await server.start();
    const { volume: again } = await server.engine.shelf.primary('work');
    const { ino, mode, modifiedNs, sizeBytes: found } = await again.query((reader) => reader.stat(reader.resolvePath('/into/file')));
    expect([mode, modifiedNs, found]).toEqual([0o644, 1_700_000_000_123_500_000n, sizeBytes]);
    const read = Buffer.alloc(sizeBytes);
    await again.readInto(ino, 0, read);
    expect(read.equals(bytes)).toBe(true);
  });

  it('has a hole where nothing was sent, and refuses parts that go back, are too large or lie behind its end', async () => {
    const { writeId } = await files.beginWrite({ volume: 'work', path: '/into/file', sizeBytes: 3_000_000 });
    const part = (offsetBytes: number, length: number): Promise<unknown> => files.write({ writeId, offsetBytes, content: new Blob([Buffer.alloc(length, 'x')]) });
    await part(1_000_000, 10);
    expect(await codeOf(part(1_000_005, 10))).toBe('argument-invalid');
    expect(await codeOf(part(2_000_000, writeChunkBytesMax + 1))).toBe('argument-invalid');
    expect(await codeOf(part(2_999_999, 2))).toBe('argument-invalid');
    await part(2_999_999, 1);
    await files.endWrite({ writeId });
    const { ino, sizeBytes, allocatedBytes } = await volume.query((reader) => reader.stat(reader.resolvePath('/into/file')));
    expect([sizeBytes, allocatedBytes < 100_000]).toEqual([3_000_000, true]);
    const read = Buffer.alloc(sizeBytes);
    await volume.readInto(ino, 0, read);
    expect([read.indexOf('x'), read.lastIndexOf('x'), read.filter((byte) => byte !== 0).length]).toEqual([1_000_000, 2_999_999, 11]);
  });

  it('is refused where something of its name is, unless it was said what to do', async () => {
    await writeFile(volume, '/into/report.txt', { content: 'was there', mode: 0o600, uid: 4 });
    const bytes = Buffer.from('new');
    expect(await codeOf(send({ path: '/into/report.txt', bytes }))).toBe('exists');
    expect(await send({ path: '/into/report.txt', bytes, collision: 'skip' })).toEqual({ path: '/into/report.txt', isSkipped: true });
    expect(await send({ path: '/into/report.txt', bytes, collision: 'keep-both' })).toEqual({ path: '/into/report (2).txt', isSkipped: false });
    expect(await send({ path: '/into/report.txt', bytes, collision: 'keep-both' })).toEqual({ path: '/into/report (3).txt', isSkipped: false });
    expect(await texts(volume, '/into')).toEqual({ 'report.txt': 'was there', 'report (2).txt': 'new', 'report (3).txt': 'new' });
    expect(await send({ path: '/into/report.txt', bytes, collision: 'replace' })).toEqual({ path: '/into/report.txt', isSkipped: false });
    expect((await seeTree(volume, '/into')).get('/report.txt')).toMatchObject({ mode: 0o600, uid: 4, sizeBytes: 3 });
    await makeFolder(volume, '/into/folder');
    expect(await codeOf(send({ path: '/into/folder', bytes, collision: 'replace' }))).toBe('is-a-directory');
    expect(await codeOf(send({ path: '/none/file', bytes }))).toBe('not-found');
    expect(await codeOf(send({ path: '/', bytes }))).toBe('is-a-directory');
    expect((await names()).filter((name) => name.includes('mirrorpoint'))).toEqual([]);
  });

  it('is judged again at its end, when somebody else was faster', async () => {
    const begin = (collision?: CollisionChoice): Promise<{ writeId: string }> => files.beginWrite({ volume: 'work', path: '/into/file', sizeBytes: 0, ...(collision && { collision }) });
    const [refused, skipped, both] = [await begin(), await begin('skip'), await begin('keep-both')];
    await writeFile(volume, '/into/file', { content: 'faster' });
    expect(await codeOf(files.endWrite(refused))).toBe('exists');
    expect(await files.endWrite(skipped)).toEqual({ path: '/into/file', isSkipped: true });
    expect(await files.endWrite(both)).toEqual({ path: '/into/file (2)', isSkipped: false });
    expect(await texts(volume, '/into')).toEqual({ file: 'faster', 'file (2)': '' });
  });

  it('leaves nothing when it is abandoned, ends too early, or its caller or volume goes', async () => {
    const begin = async (path: string): Promise<string> => {
      const { writeId } = await files.beginWrite({ volume: 'work', path, sizeBytes: 10 });
      await files.write({ writeId, offsetBytes: 0, content: new Blob(['half']) });
      return writeId;
    };
    const [abandoned, early] = [await begin('/into/a'), await begin('/into/b')];
    await files.abandonWrite({ writeId: abandoned });
    expect(await codeOf(files.endWrite({ writeId: early }))).toBe('source-changed');
    expect(await codeOf(files.write({ writeId: early, offsetBytes: 4, content: new Blob(['half']) }))).toBe('argument-invalid');
    expect(await names()).toEqual([]);
    await begin('/into/c');
    await session.close();
    expect(await names()).toEqual([]);
    ({ files } = clientOf(server.engine, server.engine.newSession()));
    const last = await begin('/into/d');
    await server.client.volumes.detach({ volume: 'work' });
    expect(await codeOf(files.endWrite({ writeId: last }))).toBe('argument-invalid');
    await server.client.volumes.attach({ name: 'work', devices: ['/work.img'], cpIntervalMs: 0 });
    ({ volume } = await server.engine.shelf.primary('work'));
    expect(await names()).toEqual([]);
    expect((await volume.check()).problems).toEqual([]);
    expect(volume.status().inodeCount).toBe(2);
  });

  it('is one of a bounded number for each caller', async () => {
    const begin = (index: number): Promise<{ writeId: string }> => files.beginWrite({ volume: 'work', path: `/into/${index}`, sizeBytes: 1 });
    for (let index = 0; index < openWritesMax; index++) await begin(index);
    expect(await codeOf(begin(openWritesMax))).toBe('argument-invalid');
    expect((await names()).length).toBe(openWritesMax);
    await session.close();
    expect(await names()).toEqual([]);
  });

  it('is given up when the volume has no room for it', async () => {
    const { writeId } = await files.beginWrite({ volume: 'work', path: '/into/file', sizeBytes: 100 << 20 });
    const piece = new Blob([Buffer.alloc(1 << 20, 'x')]);
    const fill = async (): Promise<void> => {
      for (let part = 0; part < 100; part++) await files.write({ writeId, offsetBytes: part << 20, content: piece });
    };
    expect(await codeOf(fill())).toBe('volume-full');
    expect(await codeOf(files.endWrite({ writeId }))).toBe('argument-invalid');
    expect(await names()).toEqual([]);
    expect(await send({ path: '/into/small', bytes: Buffer.from('fits') })).toEqual({ path: '/into/small', isSkipped: false });
  });
});
