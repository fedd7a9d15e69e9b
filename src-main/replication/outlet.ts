import type { Clock } from '../base/index.ts';
import { blockDataBytesMax, blockSizeBytesMax, type Message } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { liveQueueBytesMax } from './limits.ts';
import type { Packer } from './packer.ts';
import { RateBucket } from './rate-bucket.ts';

/** A message of blocks takes the link for at most so long, so that others are not kept waiting and the limit is kept evenly. */
const messageSeconds = 0.25;

/** What waits for a limited link. */
const queueSeconds = 1;

interface Waiting {
  readonly message: Message | Promise<Message>;
  readonly taken: () => void;
}

/**
 * Where everything goes that a primary sends in quantity, and the roots that
 * end it: in the order given, no faster than the limit, and packed where that
 * pays. Few and small messages, a heartbeat for instance, go past it by
 * `Conversation.tell`. What waits here is bounded by those who send: the live
 * stream by `queueBytesMax`, answers by their number, and roots by theirs.
 */
export class Outlet {
  readonly #conversation: Conversation;
  readonly #bucket: RateBucket;
  readonly #packer: Packer | undefined;
  readonly #queue: Waiting[] = [];
  #isSending = false;

  /** Without a packer everything goes as it is. */
  constructor(options: { conversation: Conversation; clock: Clock; rate: () => number | undefined; packer: Packer | undefined }) {
    this.#conversation = options.conversation;
    this.#bucket = new RateBucket(options.clock, options.rate);
    this.#packer = options.packer;
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
      this.#queue.push({ message: this.#prepare(message), taken });
      if (!this.#isSending) void this.#sendQueue();
    });
  }

  /** Packing of several messages goes on side by side while they wait for their turn. */
  #prepare(message: Message): Message | Promise<Message> {
    if (this.#packer === undefined || message.type !== 'blocks') return message;
    const prepared = this.#packer.prepare(message, this.#bucket.bytesPerSecond);
    if (!(prepared instanceof Promise)) return prepared;
    return prepared.catch((fault: unknown) => {
      this.#conversation.fail(fault);
      return message;
    });
  }

  async #sendQueue(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const message = next.message instanceof Promise ? await next.message : next.message;
      while (this.#bucket.isFull && !this.#conversation.isOver) await this.#bucket.rest();
      this.#transmit(message, next.taken);
    }
    this.#isSending = false;
  }

  #transmit(message: Message, taken: () => void): void {
    const before = this.#conversation.bytesSent;
    const sending = this.#conversation.send(message);
    const bytes = this.#conversation.bytesSent - before;
    this.#bucket.spend(bytes);
    const lineHasTaken = this.#packer?.meter.give(bytes);
    void sending.then(() => {
      lineHasTaken?.();
      taken();
    });
  }

  #within(seconds: number, bounds: { least: number; most: number }): number {
    const rate = this.#bucket.bytesPerSecond ?? Infinity;
    return Math.max(bounds.least, Math.min(bounds.most, rate * seconds));
  }
}
