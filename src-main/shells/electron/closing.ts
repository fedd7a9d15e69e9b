import type { App } from 'electron';
import { reasonOf } from '../../base/index.ts';
import { closingMsMax } from './limits.ts';

export interface ClosingParts {
  /** Says that the program is ending. Called once. */
  readonly onBegin: () => void;
  /** Ends everything in order, the last CPs included. */
  readonly close: () => Promise<void>;
  /** Shows a fault of the closing, and returns when it was read. */
  readonly tell: (text: string) => void;
  /** How long the closing may take; `closingMsMax` unless given. */
  readonly waitMsMax?: number;
}

/**
 * Holds the end of the program until everything has closed in order. Whoever
 * asks again meanwhile waits for the same end.
 */
export class Closing {
  readonly #app: Pick<App, 'on' | 'exit'>;
  readonly #parts: ClosingParts;
  #hasBegun = false;

  constructor(app: Pick<App, 'on' | 'exit'>, parts: ClosingParts) {
    this.#app = app;
    this.#parts = parts;
    app.on('before-quit', (event) => {
      event.preventDefault();
      if (this.#hasBegun) return;
      this.#hasBegun = true;
      void this.#close();
    });
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  async #close(): Promise<void> {
    const { onBegin, close, tell, waitMsMax = closingMsMax } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve(`The last CP took longer than ${waitMsMax / 1000} s, and was given up.`);
      }, waitMsMax);
    });
    let trouble: string | undefined;
    try {
      onBegin();
      trouble = await Promise.race([close().then(() => undefined), tooLong]);
    } catch (fault) {
      trouble = `The server could not end in order: ${reasonOf(fault)}`;
    }
    clearTimeout(timer);
    if (trouble !== undefined) tell(`${trouble} What was acknowledged is in the journals, and is there again at the next start.`);
    // No page and no handler is asked again.
    this.#app.exit(trouble === undefined ? 0 : 1);
  }
}
