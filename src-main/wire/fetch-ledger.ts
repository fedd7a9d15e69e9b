import { fetchesOutstandingMax } from './limits.ts';
import type { FetchedMessage, FetchMessage } from './message.ts';

/** One side's fetches that are not answered: each call returns why it is refused, or undefined. */
export class FetchLedger {
  readonly #outstanding = new Map<number, number>();

  asked({ requestId, blocks }: FetchMessage): string | undefined {
    if (this.#outstanding.has(requestId)) return `fetch ${requestId} is still unanswered`;
    if (this.#outstanding.size >= fetchesOutstandingMax) return `more than ${fetchesOutstandingMax} fetches are unanswered`;
    this.#outstanding.set(requestId, blocks.length);
    return undefined;
  }

  answered({ requestId, found }: FetchedMessage): string | undefined {
    const length = this.#outstanding.get(requestId);
    if (length === undefined) return `fetch ${requestId} is not open`;
    const last = found.at(-1);
    if (last !== undefined && last >= length) return `fetch ${requestId} asked for ${length} blocks, and place ${last} is answered`;
    this.#outstanding.delete(requestId);
    return undefined;
  }
}
