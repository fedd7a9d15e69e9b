import type { Clock } from '../base/index.ts';
import type { PairingEvent } from '../contract/index.ts';
import type { TrustedPeer } from '../pairing/index.ts';

/** How often a listener that waits hears that it still does; only then can it be noticed that nobody listens. */
const waitingIntervalMs = 500;

/** The events of one pairing, for the one who listens: an invitation, a question, the end; so they need no limit. */
export class PairingEvents {
  readonly #clock: Clock;
  readonly #waiting: PairingEvent[] = [];
  readonly #ended = Promise.withResolvers<undefined>();
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when nobody listens any more. */
  get ended(): Promise<undefined> {
    return this.#ended.promise;
  }

  tell(event: PairingEvent): void {
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** The events until the pairing has an outcome, which is the last one, or is thrown. `abandon` is called at the end, however it came. */
  async *until(outcome: Promise<TrustedPeer>, abandon: () => void): AsyncGenerator<PairingEvent, void, void> {
    let last: { peer: TrustedPeer } | { fault: unknown } | undefined;
    const settled = outcome
      .then(
        (peer) => (last = { peer }),
        (fault: unknown) => (last = { fault }),
      )
      .then(() => this.#wake?.());
    const current = (): typeof last => last;
    try {
      for (;;) {
        for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) yield event;
        const state = current();
        if (state !== undefined) {
          if ('fault' in state) throw state.fault;
          yield { type: 'paired', peer: state.peer };
          return;
        }
        await this.#wait();
        if (this.#waiting.length === 0 && current() === undefined) yield { type: 'waiting' };
      }
    } finally {
      this.#ended.resolve(undefined);
      abandon();
      await settled;
    }
  }

  async #wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.setTimer(waitingIntervalMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
