import type { Protocol } from 'electron';
import { consoleFileAt, contentSecurityPolicy, readConsoleFile } from '../console-files.ts';
import { consolePathOf, consoleScheme } from './console-address.ts';

/** Before Electron is ready: the scheme counts as secure and has an origin, like https. */
export function registerConsoleScheme(protocol: Pick<Protocol, 'registerSchemesAsPrivileged'>): void {
  protocol.registerSchemesAsPrivileged([{ scheme: consoleScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
}

/** Has the window's addresses answered from the console's folder. */
export function serveConsole(on: Pick<Protocol, 'handle'>, consoleFolder: string): void {
  on.handle(consoleScheme, (request) => serveConsoleFile(request, consoleFolder));
}

/** The file that a request of the window means, or undefined when it is none of the console's. */
export function consoleFileFor(url: string, consoleFolder: string): string | undefined {
  const path = consolePathOf(url);
  return path === undefined ? undefined : consoleFileAt(path, consoleFolder);
}

/** Answers one request of the window from the console's folder. */
export async function serveConsoleFile(request: { url: string; method: string }, consoleFolder: string): Promise<Response> {
  if (request.method !== 'GET') return new Response('Not allowed', { status: 405 });
  const path = consolePathOf(request.url);
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
