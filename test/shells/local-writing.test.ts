import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FileWriter } from '../../src-main/shells/headless/local-writing.ts';

const attributes = { mode: 0o640, uid: 0, gid: 0, modifiedNs: 1_700_000_000_123_456_000n };
const pieceBytes = 8 << 20;
const pieceCount = 9;

function madeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mirrorpoint-writing-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** Pieces with a hole between any two, more than is written before the system is told to begin, twice. */
async function writeMuch(writer: FileWriter): Promise<void> {
  for (let index = 0; index < pieceCount; index++) await writer.write(2 * index * pieceBytes, Buffer.alloc(pieceBytes, index + 1));
}

it('makes a large file that is whole, with its holes, length, mode and time', async () => {
  const folder = madeFolder();
  const path = join(folder, 'large');
  const sizeBytes = 2 * pieceCount * pieceBytes;
  {
    await using writer = await FileWriter.create(path);
    await writeMuch(writer);
    expect(readdirSync(folder)).not.toContain('large');
    await writer.commit({ sizeBytes, attributes, replace: false });
  }
  const content = readFileSync(path);
  expect(content.length).toBe(sizeBytes);
  for (let index = 0; index < 2 * pieceCount; index++) {
    const expected = Buffer.alloc(pieceBytes, index % 2 === 0 ? index / 2 + 1 : 0);
    expect(content.subarray(index * pieceBytes, (index + 1) * pieceBytes).equals(expected)).toBe(true);
  }
  const { blocks, mode, mtimeMs } = statSync(path);
  expect(blocks * 512).toBeLessThan(sizeBytes);
  expect(mode & 0o7777).toBe(0o640);
  expect(Math.floor(mtimeMs)).toBe(1_700_000_000_123);
  expect(readdirSync(folder)).toEqual(['large']);
});

it('leaves nothing of a file that was given up while it was being put on the disk', async () => {
  const folder = madeFolder();
  const writer = await FileWriter.create(join(folder, 'large'));
  await writeMuch(writer);
  await writer.close();
  expect(readdirSync(folder)).toEqual([]);
});
