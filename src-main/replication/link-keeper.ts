import { assert, type CancelTimer, type Clock, MirrorpointError } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { retryDelayMs } from './retry.ts';

/** What came of a link: why it ended, and whether a session came about on it. */
export interface LinkOutcome {
  readonly fault: MirrorpointError | undefined;
  readonly wasReady: boolean;
}

export interface LinkKeeperOptions {
  readonly clock: Clock;
  /** The next link: one that this side opens, or one that the peer has opened. */
  readonly connect: (signal: AbortSignal) => Promise<Link>;
  /** Works over a link until it ends or the signal tells it to end in order, and closes it. */
  readonly use: (link: Link, signal: AbortSignal) => Promise<LinkOutcome>;
  /** Called when a link has ended, or could not be had. */
  readonly onEnd: (fault: MirrorpointError | undefined) => void;
}

/**
 * Keeps links to a peer coming, one at a time, for as long as it is neither
 * paused nor closed. Which role is spoken over them is its user's business, and
 * so is which of the two servers opens them.
 */
export class LinkKeeper {
  readonly #options: LinkKeeperOptions;
  #running: Promise<void> | undefined;
  #isPaused = false;
  #isClosed = false;
  #current: { readonly work: Promise<LinkOutcome>; readonly end: AbortController } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: LinkKeeperOptions) {
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Starts to connect. Called once. */
  start(): void {
    assert(this.#running === undefined, 'a keeper of links starts once');
    this.#running = this.#run();
  }

  /** Ends the link in order, and has no other until `resume`. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#interrupt();
  }

  /** Goes on after `pause`; while it waits for its next attempt, makes it now. */
  resume(): void {
    this.#isPaused = false;
    this.#wake?.();
  }

  /** Gives up the link there is for the next one, without waiting. */
  renew(): void {
    this.#wake?.();
    this.#current?.end.abort();
  }

  /** Ends the link, and has no other. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#interrupt();
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#isClosed) {
      if (this.#isPaused) {
        await this.#sleep(undefined);
        continue;
      }
      const end = new AbortController();
      this.#current = { work: this.#connectAndUse(end.signal), end };
      const outcome = await this.#current.work;
      this.#current = undefined;
      attempt = outcome.wasReady ? 0 : attempt + 1;
      this.#options.onEnd(outcome.fault);
      if (!end.signal.aborted) await this.#sleep(retryDelayMs(outcome.fault, Math.max(0, attempt - 1)));
    }
  }

  async #connectAndUse(signal: AbortSignal): Promise<LinkOutcome> {
    let link: Link;
    try {
      link = await this.#options.connect(signal);
    } catch (fault) {
      if (fault instanceof MirrorpointError) return { fault: signal.aborted ? undefined : fault, wasReady: false };
      throw fault;
    }
    if (!signal.aborted) return this.#options.use(link, signal);
    await link.close();
    return { fault: undefined, wasReady: false };
  }

  async #interrupt(): Promise<void> {
    this.#wake?.();
    this.#current?.end.abort();
    await this.#current?.work;
  }

  /** Waits for the delay, for ever without one, or until woken. */
  #sleep(delayMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let cancel: CancelTimer = () => undefined;
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      if (delayMs !== undefined) cancel = this.#options.clock.setTimer(delayMs, this.#wake);
    });
  }
}
