import type { Clock } from '../base/index.ts';
import { blockDataBytesMax, blockSizeBytesMax, type Message } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { liveQueueBytesMax } from './limits.ts';
import { RateBucket } from './rate-bucket.ts';

/** A message of blocks takes the link for at most so long, so that others are not kept waiting and the limit is kept evenly. */
const messageSeconds = 0.25;

/** What waits for a limited link. */
const queueSeconds = 1;

interface Waiting {
  readonly message: Message;
  readonly taken: () => void;
}

/**
 * Where everything goes that a primary sends in quantity, and the roots that
 * end it: in the order given, and no faster than the limit. Few and small
 * messages, a heartbeat for instance, go past it by `Conversation.tell`.
 */
export class Outlet {
  readonly #conversation: Conversation;
  readonly #bucket: RateBucket;
  readonly #queue: Waiting[] = [];
  #isSending = false;

  constructor(options: { conversation: Conversation; clock: Clock; rate: () => number | undefined }) {
    this.#conversation = options.conversation;
    this.#bucket = new RateBucket(options.clock, options.rate);
  }

  get isOver(): boolean {
    return this.#conversation.isOver;
  }

  /** Most block data that a message should carry now; at least one block. */
  get messageBytesMax(): number {
    return this.#within(messageSeconds, { least: blockSizeBytesMax, most: blockDataBytesMax });
  }

  /** Most live blocks that should wait here now. */
  get queueBytesMax(): number {
    return this.#within(queueSeconds, { least: 2 * blockSizeBytesMax, most: liveQueueBytesMax });
  }

  /** Resolves when the link has taken the message, or the conversation is over. What it holds must not change until then. */
  send(message: Message): Promise<void> {
    return new Promise((taken) => {
      this.#queue.push({ message, taken });
      if (!this.#isSending) void this.#sendQueue();
    });
  }

  async #sendQueue(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      while (this.#bucket.isFull && !this.#conversation.isOver) await this.#bucket.rest();
      const before = this.#conversation.bytesSent;
      void this.#conversation.send(next.message).then(next.taken);
      this.#bucket.spend(this.#conversation.bytesSent - before);
    }
    this.#isSending = false;
  }

  #within(seconds: number, bounds: { least: number; most: number }): number {
    const rate = this.#bucket.bytesPerSecond ?? Infinity;
    return Math.max(bounds.least, Math.min(bounds.most, rate * seconds));
  }
}
