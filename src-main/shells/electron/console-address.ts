/** The scheme and the one host under which the window's own files are served. */
export const consoleScheme = 'app';
const consoleHost = 'console';

export const consoleOrigin = `${consoleScheme}://${consoleHost}`;

/** The path in an address of the console, or undefined when it leads elsewhere. */
export function consolePathOf(url: string): string | undefined {
  const address = URL.parse(url);
  // An address of such a scheme has the opaque origin `null`.
  return address !== null && `${address.protocol}//${address.host}` === consoleOrigin ? address.pathname : undefined;
}

/** Whether an address is the console's own page or one of its files. */
export function isConsoleAddress(url: string): boolean {
  return consolePathOf(url) !== undefined;
}
