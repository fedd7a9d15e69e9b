import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { consoleOrigin, contentSecurityPolicy } from './window-options.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * The file that a request of the window means, or undefined when it is none
 * of the console's: another origin, a path that leaves the folder, a kind of
 * file that the console does not have.
 */
export function consoleFileFor(url: string, consoleFolder: string): string | undefined {
  const address = URL.parse(url);
  if (address === null || `${address.protocol}//${address.host}` !== consoleOrigin) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(address.pathname);
  } catch {
    return undefined;
  }
  if (path.includes('\0') || path.includes('\\')) return undefined;
  const file = normalize(join(consoleFolder, path === '/' ? 'index.html' : path));
  if (!file.startsWith(normalize(consoleFolder + sep))) return undefined;
  return extname(file) in contentTypes ? file : undefined;
}

/** Answers one request of the window from the console's folder. */
export async function serveConsoleFile(url: string, consoleFolder: string): Promise<Response> {
  const file = consoleFileFor(url, consoleFolder);
  if (file === undefined) return new Response('Not found', { status: 404 });
  try {
    return new Response(new Uint8Array(await readFile(file)), {
      headers: {
        'Content-Type': contentTypes[extname(file)] ?? 'application/octet-stream',
        'Content-Security-Policy': contentSecurityPolicy,
        'X-Content-Type-Options': 'nosniff',
      },
    });
  } catch {
    return new Response('Not found', { status: 404 });
  }
}
