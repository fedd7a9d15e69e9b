import { consoleFileAt, contentSecurityPolicy, readConsoleFile } from '../console-files.ts';
import { consoleOrigin } from './window-options.ts';

/** The path in an address of the window, or undefined when that leads elsewhere. */
function pathIn(url: string): string | undefined {
  const address = URL.parse(url);
  return address !== null && `${address.protocol}//${address.host}` === consoleOrigin ? address.pathname : undefined;
}

/** The file that a request of the window means, or undefined when it is none of the console's. */
export function consoleFileFor(url: string, consoleFolder: string): string | undefined {
  const path = pathIn(url);
  return path === undefined ? undefined : consoleFileAt(path, consoleFolder);
}

/** Answers one request of the window from the console's folder. */
export async function serveConsoleFile(url: string, consoleFolder: string): Promise<Response> {
  const path = pathIn(url);
  const file = path === undefined ? undefined : await readConsoleFile(path, consoleFolder);
  if (file === undefined) return new Response('Not found', { status: 404 });
  return new Response(file.bytes, {
    headers: {
      'Content-Type': file.contentType,
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
    },
  });
}
