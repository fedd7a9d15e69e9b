import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

/** What the console's page may load, whoever serves it: its own files and nothing else. Previews of images are blobs of its own. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * The file that the path of an address means, as it stands there with its
 * percent signs, or undefined when it is none of the console's: a path that
 * leaves the folder, a kind of file that the console does not have.
 */
export function consoleFileAt(addressPath: string, consoleFolder: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(addressPath);
  } catch {
    return undefined;
  }
  if (path.includes('\0') || path.includes('\\')) return undefined;
  const file = normalize(join(consoleFolder, path === '/' ? 'index.html' : path));
  if (!file.startsWith(normalize(consoleFolder + sep))) return undefined;
  return extname(file) in contentTypes ? file : undefined;
}

export interface ConsoleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/** One of the console's files, or undefined when it has none at that path. */
export async function readConsoleFile(addressPath: string, consoleFolder: string): Promise<ConsoleFile | undefined> {
  const file = consoleFileAt(addressPath, consoleFolder);
  if (file === undefined) return undefined;
  try {
    return { bytes: new Uint8Array(await readFile(file)), contentType: contentTypes[extname(file)] ?? 'application/octet-stream' };
  } catch {
    return undefined;
  }
}
