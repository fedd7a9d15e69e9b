import { createORPCClient } from '@orpc/client';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import type { Carrier, OpenCarrier } from './carrier.ts';
import { connectionLost } from './coded-faults.ts';
import { type Host, hostOfWindow } from './host.ts';
import { portCarrier } from './port-carrier.ts';
import { socketCarrier } from './socket-carrier.ts';

/**
 * - `connecting`: not there yet, or there no more, and tried again
 * - `open`: questions are answered
 * - `signed-out`: the server asks to sign in again, in a page of its own
 */
export type ConnectionState = 'connecting' | 'open' | 'signed-out';

/** How long to wait before the next try, from the first on. */
const retryDelaysMs: readonly number[] = [250, 500, 1000, 2000, 5000];

export interface ConsoleClient {
  readonly host: Host;
  /** The engine. The same object for the life of the page; calls wait for nobody and fail with `link-closed` while there is no connection. */
  readonly api: MirrorpointClient;
  readonly state: ConnectionState;
  /** Calls the listener at each change of the state; the result ends that. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Tries at once instead of after the delay. */
  retry(): void;
  close(): void;
}

type Call = (input: unknown, options: unknown) => Promise<unknown>;

/** The procedure at a path of a client. */
function procedureAt(client: MirrorpointClient, path: readonly string[]): Call {
  let at: unknown = client;
  for (const name of path) at = (at as Record<string, unknown>)[name];
  return at as Call;
}

class ReconnectingClient implements ConsoleClient {
  readonly host: Host;
  readonly api: MirrorpointClient;
  readonly #carrier: Carrier;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = 'connecting';
  #open: OpenCarrier | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(host: Host, carrier: Carrier) {
    this.host = host;
    this.#carrier = carrier;
    this.api = createORPCClient<MirrorpointClient>({
      call: (path, input, options) => {
        const open = this.#open;
        if (open === undefined) return Promise.reject(connectionLost());
        return procedureAt(open.client, path)(input, options);
      },
    });
    void this.#run();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  retry(): void {
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#open?.close();
    this.#wake?.();
  }

  /** Keeps a connection for as long as the client lives. */
  async #run(): Promise<void> {
    for (let failures = 0; !this.#isClosed; ) {
      const open = await this.#carrier.open().catch(() => undefined);
      if (open === undefined || open === 'refused') {
        this.#become(open === 'refused' ? 'signed-out' : 'connecting');
        await this.#pause(retryDelaysMs[Math.min(failures++, retryDelaysMs.length - 1)] ?? 0);
        continue;
      }
      failures = 0;
      this.#open = open;
      this.#become('open');
      await open.closed;
      this.#open = undefined;
      this.#become('connecting');
    }
  }

  #become(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Connects the console to its engine, whatever the host; `carrier` takes the place of the host's own. */
export function connectConsole(options: { host?: Host; carrier?: Carrier } = {}): ConsoleClient {
  const host = options.host ?? hostOfWindow(window);
  const own = (): Carrier => (host.desktop === undefined ? socketCarrier(window.location) : portCarrier(host.desktop));
  return new ReconnectingClient(host, options.carrier ?? own());
}
