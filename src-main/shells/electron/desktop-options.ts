import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DesktopOptions {
  /** Starts in the tray, as at login. */
  readonly isHidden: boolean;
  /** Absolute; undefined for the usual one. */
  readonly configFolder: string | undefined;
}

/** Reads `--hidden` and `--config FOLDER` among what Chromium and the system add. */
export function desktopOptions(words: readonly string[]): DesktopOptions {
  const { values } = parseArgs({
    args: [...words],
    options: { hidden: { type: 'boolean' }, config: { type: 'string' } },
    strict: false,
  });
  const { hidden, config } = values;
  return { isHidden: hidden === true, configFolder: typeof config === 'string' && config !== '' ? resolve(config) : undefined };
}
