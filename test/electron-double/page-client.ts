/** The console's own client, for tests to ask the engine from inside a page. */
import { connectConsole, type ConsoleClient } from '../../src-renderer/client/index.ts';

declare global {
  interface Window {
    /** Left by this, where a test has run it in a page. */
    pageClient: {
      /** Resolves when the engine is reached. Whoever opens it closes it. */
      open(): Promise<Pick<ConsoleClient, 'api' | 'close'>>;
    };
  }
}

window.pageClient = {
  async open() {
    const client = connectConsole();
    await new Promise<void>((resolve) => {
      client.onState((state) => {
        if (state === 'open') resolve();
      });
    });
    return {
      api: client.api,
      close: () => {
        client.close();
      },
    };
  },
};
