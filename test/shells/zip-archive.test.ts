import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ZipArchive } from '../../src-main/shells/headless/zip-archive.ts';
import { directoryEnd, directoryRow } from '../../src-main/shells/headless/zip-records.ts';
import { findDirectory, readZip } from './zip-reader.ts';

const hasUnzip = spawnSync('unzip', ['-v']).status === 0;
if (!hasUnzip) console.warn('archives are not read by unzip: it is not installed here');

const file = { kind: 'file', mode: 0o644, modifiedNs: 1_700_000_000_999_999_999n } as const;

async function* inPieces(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces) yield piece;
}

/** What comes out of an archive that is filled. */
async function archiveOf(fill: (archive: ZipArchive) => Promise<void>): Promise<Buffer> {
  const written: Buffer[] = [];
  const archive = new ZipArchive(async (bytes) => void written.push(Buffer.from(bytes)));
  await fill(archive);
  await archive.end();
  return Buffer.concat(written);
}

function testWithUnzip(archive: Buffer): void {
  if (!hasUnzip) return;
  const folder = mkdtempSync(join(tmpdir(), 'mp-zip-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'a.zip'), archive);
  expect(execFileSync('unzip', ['-tq', join(folder, 'a.zip')], { encoding: 'utf8' })).toContain('No errors detected');
}

describe('an archive', () => {
  it('of nothing is one', async () => {
    expect(readZip(await archiveOf(async () => {}))).toEqual([]);
  });

  it('gives back whatever went in, in whichever pieces', async () => {
    const content = fc.uint8Array({ maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.array(content, { maxLength: 4 }), fc.boolean(), fc.integer({ min: -1_000_000, max: 10_000_000 }))), async (files) => {
        const archive = await archiveOf(async (zip) => {
          for (const [index, [pieces, isLong, seconds]] of files.entries()) {
            // What says that it is long is packed as it comes.
            const sizeBytes = isLong ? 2 << 20 : Buffer.concat(pieces).length;
            await zip.addFile(`f${index}`, { ...file, modifiedNs: BigInt(seconds) * 1_000_000_000n }, { sizeBytes, content: inPieces(...pieces) });
          }
        });
        expect(readZip(archive).map(({ content: found, modifiedSeconds }) => [found.toString('hex'), modifiedSeconds])).toEqual(
          files.map(([pieces, , seconds]) => [Buffer.concat(pieces).toString('hex'), seconds]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('takes pieces over before their giver uses them again', async () => {
    const buffer = Buffer.alloc(1000);
    const reusing = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for (let value = 0; value < 200; value++) yield buffer.fill(value);
    };
    for (const sizeBytes of [200_000, 2 << 20]) {
      const [entry] = readZip(await archiveOf((zip) => zip.addFile('f', file, { sizeBytes, content: reusing() })));
      expect(entry!.content.equals(Buffer.concat(Array.from({ length: 200 }, (_, value) => Buffer.alloc(1000, value))))).toBe(true);
    }
  });

  it('knows files and places beyond four bytes, and more entries than two', async () => {
    const large = await archiveOf(async (zip) => {
      await zip.addFile('large', file, { sizeBytes: 5_000_000_000, content: inPieces(randomBytes(100), randomBytes(2_000_000)) });
      await zip.addFile('small', file, { sizeBytes: 5, content: inPieces(Buffer.from('small')) });
    });
    expect(readZip(large).map(({ name, isLarge, sizeBytes }) => [name, isLarge, sizeBytes])).toEqual([
      ['large', true, 2_000_100],
      ['small', false, 5],
    ]);
    testWithUnzip(large);
    const many = await archiveOf(async (zip) => {
      for (let index = 0; index < 70_000; index++) await zip.addFolder(`d${index}`, { ...file, kind: 'directory' });
    });
    expect(findDirectory(many)).toMatchObject({ entryCount: 70_000, isLarge: true });
    expect(readZip(many)).toHaveLength(70_000);
    const entry = { name: 'x', mode: 0o100644, modifiedSeconds: 0, isDeflated: true, isStreamed: false, isLarge: false };
    const row = directoryRow(entry, { crc: 1, packedBytes: 10, sizeBytes: 20 }, 6_000_000_000);
    expect([row.readUInt32LE(42), row.readBigUInt64LE(row.length - 8)]).toEqual([0xffff_ffff, 6_000_000_000n]);
    expect(directoryEnd({ entryCount: 1, sizeBytes: 100, offsetBytes: 6_000_000_000 }).length).toBe(22 + 20 + 56);
  });

  it('has no name that leads elsewhere when it is unpacked, and none that is too long', async () => {
    const archive = await archiveOf(async (zip) => {
      for (const name of ['a\\..\\..\\b', 'C:x', 'c/C:x']) await zip.addSymlink(name, { ...file, kind: 'symlink' }, 'target');
    });
    expect(readZip(archive).map(({ name }) => name)).toEqual(['a%5C..%5C..%5Cb', 'C%3Ax', 'c/C:x']);
    await expect(archiveOf((zip) => zip.addFolder('x/'.repeat(40_000), { ...file, kind: 'directory' }))).rejects.toMatchObject({ code: 'name-too-long' });
  });

  it('ends with the fault of whoever takes it, or gives to it', async () => {
    const closed = new ZipArchive(() => Promise.reject(new Error('closed')));
    const endless = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for (;;) yield randomBytes(1 << 20);
    };
    await expect(closed.addFile('f', file, { sizeBytes: 1 << 30, content: endless() })).rejects.toThrow('closed');
    const failing = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield randomBytes(10);
      throw new Error('unreadable');
    };
    for (const sizeBytes of [100, 2 << 20]) await expect(archiveOf((zip) => zip.addFile('f', file, { sizeBytes, content: failing() }))).rejects.toThrow('unreadable');
  });
});
