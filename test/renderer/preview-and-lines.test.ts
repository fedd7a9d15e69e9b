import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDifferences } from '../../src-renderer/views/snapshots/beside/line-differences.ts';
import { imageTypeOf, readPreview, textBytesMax, textOf } from '../../src-renderer/views/snapshots/beside/preview-content.ts';
import type { VolumeReader } from '../../src-renderer/views/snapshots/volume-reader.ts';

const utf8 = new TextEncoder();

/** A volume that has one file, and counts what is open. */
function readerOf(content: Uint8Array<ArrayBuffer>): { reader: VolumeReader; open: Set<string> } {
  const open = new Set<string>();
  const part: Pick<VolumeReader, 'openRead' | 'read' | 'closeRead'> = {
    openRead: async () => {
      open.add('r1');
      return { readId: 'r1', sizeBytes: content.length, cp: 1 };
    },
    read: async ({ offsetBytes, lengthBytes }) => new Blob([content.slice(offsetBytes, offsetBytes + lengthBytes)]),
    closeRead: async ({ readId }) => open.delete(readId),
  };
  return { reader: part as VolumeReader, open };
}

async function previewOf(content: Uint8Array<ArrayBuffer>) {
  const { reader, open } = readerOf(content);
  const preview = await readPreview(reader, { at: 'last', path: '/file' }, new AbortController().signal);
  expect(open.size).toBe(0);
  return preview;
}

describe('the preview of a file', () => {
  it('is its text, up to a bound, without a character that the bound cuts', async () => {
    expect(await previewOf(utf8.encode('Grüße\n'))).toMatchObject({ kind: 'text', text: 'Grüße\n', strayCount: 0 });
    const long = await previewOf(utf8.encode(`a${'ü'.repeat(200_000)}`));
    expect(long).toMatchObject({ kind: 'text', shownBytes: textBytesMax, strayCount: 0 });
    expect(await previewOf(new Uint8Array())).toEqual({ kind: 'empty', sizeBytes: 0 });
  });

  it('says of bytes that are no text that they are none', async () => {
    expect(await previewOf(Uint8Array.from({ length: 500 }, (_, index) => index % 256))).toMatchObject({ kind: 'binary' });
    const stray = utf8.encode(`${'plain text '.repeat(50)}x`);
    stray[5] = 0xff;
    expect(textOf(stray, false)?.strayCount).toBe(1);
  });

  it('is a picture by its first bytes, whatever it is called', async () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...Array.from({ length: 600_000 }, () => 1)]);
    const preview = await previewOf(png);
    expect(preview).toMatchObject({ kind: 'image', sizeBytes: png.length });
    expect(preview.kind === 'image' && preview.blob.size).toBe(png.length);
    expect(imageTypeOf(utf8.encode('GIF89a'))).toBe('image/gif');
    expect(imageTypeOf(utf8.encode('<svg xmlns="x"/>'))).toBeUndefined();
  });
});

describe('two texts by their lines', () => {
  it('give either back, with the least of changes', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });
    fc.assert(
      fc.property(lines, lines, (older, newer) => {
        const all = lineDifferences(older, newer)!;
        const without = (what: string): string[] => all.filter((line) => line.what !== what).map(({ text }) => text);
        expect(without('added')).toEqual(older);
        expect(without('removed')).toEqual(newer);
        expect(all.filter(({ what }) => what === 'same').length).toBe(longestCommon(older, newer));
      }),
    );
  });

  it('that differ in very many lines are only said to differ', () => {
    const numbers = (from: number): string[] => Array.from({ length: 3000 }, (_, index) => String(from + index));
    expect(lineDifferences(numbers(0), numbers(10_000))).toBeUndefined();
  });
});

/** The length of the longest common subsequence, by the plain table. */
function longestCommon(older: readonly string[], newer: readonly string[]): number {
  let above = new Array<number>(newer.length + 1).fill(0);
  for (const line of older) {
    const now = [0];
    for (const [index, other] of newer.entries()) now.push(line === other ? above[index]! + 1 : Math.max(above[index + 1]!, now[index]!));
    above = now;
  }
  return above.at(-1)!;
}
