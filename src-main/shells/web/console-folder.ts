import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm run build` leaves the console, unless MIRRORPOINT_CONSOLE_FOLDER says otherwise. */
export function defaultConsoleFolder(): string {
  const own = process.env.MIRRORPOINT_CONSOLE_FOLDER;
  return own !== undefined ? resolve(own) : fileURLToPath(new URL('../../../out/renderer', import.meta.url));
}
