import { join } from 'node:path';
import { fileTextStore } from '../headless/stored-files.ts';
import { type WindowState, windowStateSchema } from './window-bounds.ts';

/** Where the window's place is remembered. What cannot be read or written is no fault: the window is somewhere else then. */
export class WindowStateFile {
  readonly #store: ReturnType<typeof fileTextStore>;
  #last: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#store = fileTextStore(join(folder, 'window.json'));
  }

  async read(): Promise<WindowState | undefined> {
    try {
      const text = await this.#store.read();
      return text === undefined ? undefined : windowStateSchema.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  write(state: WindowState): void {
    const text = JSON.stringify(state);
    if (text === this.#last) return;
    this.#last = text;
    this.#writing = this.#writing.then(() => this.#store.write(text)).catch(() => undefined);
  }

  /** Resolves when everything is written. */
  settled(): Promise<void> {
    return this.#writing;
  }
}
