import { type RestoreSource, restoreSourceSchema } from './restore-schemas.ts';

/** Where a browser's console fetches files from. */
export const downloadPath = '/download';

/** How long an address may be: a request's head has to hold it with all else. */
const downloadAddressMax = 12_000;

function toBase64Url(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The address of a download: one file as it is, a folder or several items as an archive. */
export function downloadAddress(source: RestoreSource): string {
  return `${downloadPath}?what=${toBase64Url(JSON.stringify(source))}`;
}

/** Whether all of a download goes into one address. */
export function canDownload(source: RestoreSource): boolean {
  return downloadAddress(source).length <= downloadAddressMax;
}

/** What a download's address asks for; undefined when it is none. */
export function parseDownload(what: string): RestoreSource | undefined {
  try {
    const binary = atob(what.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return restoreSourceSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data;
  } catch {
    return undefined;
  }
}
