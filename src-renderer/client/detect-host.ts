/** Where the console runs: in the desktop window, or in a browser. */
export type ConsoleHost = 'desktop' | 'browser';

/** The desktop window's preload script leaves its mark; a browser has none. */
export function detectHost(scope: object = globalThis): ConsoleHost {
  return 'mirrorpointHost' in scope && scope.mirrorpointHost === 'desktop' ? 'desktop' : 'browser';
}
