import { MirrorpointError } from '../base/index.ts';
import type { Link } from '../transport/index.ts';

/** The links that a peer opens to this side, for a keeper of links. Of several that wait the newest counts: the peer has given the others up. */
export class AcceptedLinks {
  #waiting: Link | undefined;
  #taker: ((link: Link) => void) | undefined;

  /** Takes a link that the peer has opened; returns whether somebody waited for it. */
  offer(link: Link): boolean {
    if (this.#taker !== undefined) {
      this.#taker(link);
      return true;
    }
    void this.#waiting?.close();
    this.#waiting = link;
    return false;
  }

  /** The next link. Throws `link-closed` when the signal says that it is not wanted any more. */
  connect(signal: AbortSignal): Promise<Link> {
    const link = this.#waiting;
    this.#waiting = undefined;
    if (link !== undefined) return Promise.resolve(link);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#taker = undefined;
        reject(new MirrorpointError('link-closed', 'The other server was not waited for any longer.'));
      };
      this.#taker = (taken) => {
        this.#taker = undefined;
        signal.removeEventListener('abort', giveUp);
        resolve(taken);
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Closes the link that waits. */
  async close(): Promise<void> {
    const link = this.#waiting;
    this.#waiting = undefined;
    await link?.close();
  }
}
