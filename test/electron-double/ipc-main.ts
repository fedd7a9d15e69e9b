import { EventEmitter } from 'node:events';

type Handler = (event: unknown, ...words: unknown[]) => unknown;

class IpcMain extends EventEmitter {
  readonly #handlers = new Map<string, Handler>();

  handle(channel: string, handler: Handler): void {
    this.#handlers.set(channel, handler);
  }

  /** Asks as a page's `ipcRenderer.invoke` does. */
  async invoke(channel: string, event: unknown, words: readonly unknown[]): Promise<unknown> {
    const handler = this.#handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return handler(event, ...words);
  }
}

export const ipcMain = new IpcMain();
