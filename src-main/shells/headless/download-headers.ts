import type { ListedEntry } from '../../contract/index.ts';

/**
 * What makes a browser store what it fetches under a name, and nothing else:
 * plain letters for old ones, and the name itself as RFC 5987 has it.
 */
export function asAttachment(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/gu, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Tells one content of a file from any other that was at its address. */
export function entityTag({ ino, generation, sizeBytes, changedNs }: ListedEntry): string {
  return `"${ino.toString(16)}-${generation.toString(16)}-${sizeBytes.toString(16)}-${changedNs.toString(16)}"`;
}

/** Whether a list of tags, as `If-None-Match` has it, names one. */
export function namesTag(list: string, tag: string): boolean {
  return list.trim() === '*' || list.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

export interface ByteRange {
  readonly startBytes: number;
  /** Behind the last one. */
  readonly endBytes: number;
}

/**
 * The one range that a `Range` header asks for; undefined for what is answered
 * with the whole: no header, several ranges, or none that RFC 9110 knows.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=([0-9]*)-([0-9]*)$/.exec(header?.replaceAll(/\s/g, '') ?? '');
  if (match === null) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const lengthBytes = Math.min(Number(last), sizeBytes);
    return lengthBytes === 0 ? 'unsatisfiable' : { startBytes: sizeBytes - lengthBytes, endBytes: sizeBytes };
  }
  const startBytes = Number(first);
  const endBytes = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== '' && Number(last) < startBytes) return undefined;
  return startBytes >= sizeBytes ? 'unsatisfiable' : { startBytes, endBytes };
}
