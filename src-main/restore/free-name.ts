/** Bytes of UTF-8 in a name, in volumes and on most systems. */
const nameBytesMax = 255;

/** Names that are tried beside one that is taken. */
export const freeNamesTriedMax = 1000;

const encoder = new TextEncoder();

/** What stands behind a name that was made like this before. */
const earlierMark = { restored: / \(restored(?: [0-9]+)?\)$/, numbered: / \([0-9]+\)$/ };

/** Whether a name beside another says that it was restored, or only counts. */
export type BesideKind = keyof typeof earlierMark;

/** A name in two: what it is called, and the extension with its dot. */
function splitExtension(name: string): { stem: string; extension: string } {
  const extension = /(?<=[^.])(?:\.tar)?\.[^.\s]{1,16}$/.exec(name)?.[0] ?? '';
  return { stem: name.slice(0, name.length - extension.length), extension };
}

/** As much of a text as fits, in whole characters. */
function cutToBytes(text: string, bytesMax: number): string {
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(bytesMax)).read);
}

/**
 * A name beside one that is taken: `report (restored).docx`, then `report
 * (restored 2).docx`; or, for what was not restored, `report (2).docx` and so
 * on. No longer than a name may be.
 */
export function nameBeside(name: string, options: { attempt: number; isFolder: boolean; kind: BesideKind }): string {
  const { attempt, isFolder, kind } = options;
  const { stem, extension } = isFolder ? { stem: name, extension: '' } : splitExtension(name);
  const restored = attempt <= 1 ? ' (restored)' : ` (restored ${attempt})`;
  const mark = kind === 'restored' ? restored : ` (${attempt + 1})`;
  const tail = `${mark}${extension}`;
  return `${cutToBytes(stem.replace(earlierMark[kind], ''), nameBytesMax - encoder.encode(tail).length)}${tail}`;
}
