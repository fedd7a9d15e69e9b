import { readChunkBytesMax, type RootChoice } from '../../../../src-main/contract/index.ts';
import type { VolumeReader } from '../volume-reader.ts';

/** Text is shown up to here. */
export const textBytesMax = 256 * 1024;

/** Pictures that are larger are not fetched. */
export const imageBytesMax = 32 * 1024 * 1024;

/** What of a file can be shown. */
export type Preview =
  | { readonly kind: 'text'; readonly text: string; readonly sizeBytes: number; readonly shownBytes: number; /** Places that are no UTF-8. */ readonly strayCount: number }
  | { readonly kind: 'image'; readonly blob: Blob; readonly sizeBytes: number }
  | { readonly kind: 'large-image'; readonly sizeBytes: number }
  | { readonly kind: 'binary'; readonly sizeBytes: number }
  | { readonly kind: 'empty'; readonly sizeBytes: 0 };

/** How pictures begin. */
const signatures: readonly { readonly type: string; readonly at: number; readonly bytes: readonly number[] }[] = [
  { type: 'image/png', at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { type: 'image/jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { type: 'image/gif', at: 0, bytes: [0x47, 0x49, 0x46, 0x38] },
  { type: 'image/bmp', at: 0, bytes: [0x42, 0x4d] },
  { type: 'image/webp', at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  { type: 'image/avif', at: 4, bytes: [0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69, 0x66] },
];

/** The kind of picture that a file is by its first bytes, whatever its name says. */
export function imageTypeOf(head: Uint8Array): string | undefined {
  return signatures.find(({ at, bytes }) => bytes.every((byte, index) => head[at + index] === byte))?.type;
}

/** Control characters that no text has; tabs, line ends, form feeds and escapes are in some. */
const controlShare = 0.02;

/** The text of some bytes; undefined for what is none. A character that the end cuts off is left out. */
export function textOf(bytes: Uint8Array, isCut: boolean): { text: string; strayCount: number } | undefined {
  if (bytes.includes(0)) return undefined;
  const text = new TextDecoder('utf-8').decode(bytes, { stream: isCut });
  let [stray, controls] = [0, 0];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0xfffd) stray++;
    else if (unit < 32 && ![9, 10, 12, 13, 27].includes(unit)) controls++;
  }
  if ((stray + controls) / Math.max(1, text.length) > controlShare) return undefined;
  return { text, strayCount: stray };
}

async function readParts(reader: VolumeReader, readId: string, lengthBytes: number, signal: AbortSignal): Promise<Blob[]> {
  const parts: Blob[] = [];
  for (let offsetBytes = 0; offsetBytes < lengthBytes; ) {
    const part = await reader.read({ readId, offsetBytes, lengthBytes: Math.min(readChunkBytesMax, lengthBytes - offsetBytes) }, { signal });
    if (part.size === 0) break;
    parts.push(part);
    offsetBytes += part.size;
  }
  return parts;
}

/** Reads what can be shown of a file, all of it from one state. */
export async function readPreview(reader: VolumeReader, place: { at: RootChoice; path: string }, signal: AbortSignal): Promise<Preview> {
  const { readId, sizeBytes } = await reader.openRead(place);
  try {
    if (sizeBytes === 0) return { kind: 'empty', sizeBytes: 0 };
    const head = await readParts(reader, readId, Math.min(sizeBytes, textBytesMax), signal);
    const bytes = new Uint8Array(await new Blob(head).arrayBuffer());
    const type = imageTypeOf(bytes);
    if (type !== undefined) {
      if (sizeBytes > imageBytesMax) return { kind: 'large-image', sizeBytes };
      const whole = sizeBytes <= bytes.length ? head : await readParts(reader, readId, sizeBytes, signal);
      return { kind: 'image', blob: new Blob(whole, { type }), sizeBytes };
    }
    const read = textOf(bytes, sizeBytes > bytes.length);
    return read === undefined ? { kind: 'binary', sizeBytes } : { kind: 'text', ...read, sizeBytes, shownBytes: bytes.length };
  } finally {
    // The connection may be gone, and the read with it.
    await reader.closeRead({ readId }).catch(() => undefined);
  }
}
