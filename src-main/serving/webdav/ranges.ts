import { DavRefusal } from './refusal.ts';

/** Bytes of a file, the end left out. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a `Range` asks for; undefined for the whole file, which is also
 * the answer to what is not understood and to several parts at once. Throws 416
 * for a part behind the end.
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const found = /^bytes[ \t]*=[ \t]*([0-9]{0,15})-([0-9]{0,15})[ \t]*$/i.exec(header ?? '');
  if (found === null) return undefined;
  const [first, last] = [found[1] ?? '', found[2] ?? ''];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const start = Math.max(0, sizeBytes - Number(last));
    return start === sizeBytes ? notSatisfiable(sizeBytes) : { start, end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) notSatisfiable(sizeBytes);
  return { start, end: last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}

function notSatisfiable(sizeBytes: number): never {
  throw new DavRefusal(416, `The file ends at byte ${sizeBytes}, before the part that was asked for. Ask for a part of it.`, {
    headers: { 'content-range': `bytes */${sizeBytes}` },
  });
}
