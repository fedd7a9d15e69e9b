import { checksumOf, isFault, type Clock } from '../base/index.ts';
import { blockDataBytesMax, fetchBlocksMax, type FetchedMessage, type FetchMessage, type Message, type SoughtBlock } from '../wire/index.ts';
import { fetchesInFlightMax, fetchWaitMsMax, soughtBlocksMax } from './limits.ts';

interface Sought {
  readonly block: SoughtBlock;
  readonly settle: (bytes: Uint8Array | undefined) => void;
}

/** What a conversation needs to answer the other side's fetches. */
export interface OwnBlocks {
  readonly blockSizeBytes: number;
  /** Size of the VBN space here. */
  readonly blockCount: () => number;
  /** Reads this side's own devices, unproven. */
  readonly readBlocks: (vbn: number, buffers: Uint8Array[]) => Promise<void>;
}

/** The session's way out. */
interface Speaking {
  readonly isOver: boolean;
  tell(message: Message): void;
  fail(fault: unknown): void;
  giveBack(message: FetchedMessage): void;
}

/**
 * Both halves of heal in one session: asks the other side for blocks that the
 * devices here do not give, and answers what the other side asks. A side gives
 * only what it has proven, and whoever gets it proves it again; so nothing is
 * ever healed from a bad copy. Blocks sought at the same time travel together.
 */
export class HealExchange {
  readonly #speaking: Speaking;
  readonly #clock: Clock;
  readonly #own: OwnBlocks;
  readonly #waiting: Sought[] = [];
  readonly #open = new Map<number, readonly Sought[]>();
  #lastRequestId = 0;
  #isOver = false;
  #isPumpDue = false;

  constructor(options: { speaking: Speaking; clock: Clock; own: OwnBlocks }) {
    this.#speaking = options.speaking;
    this.#clock = options.clock;
    this.#own = options.own;
  }

  /**
   * The block's bytes, proven; undefined when the other side has no right copy, or
   * does not answer in time. Called after the mirror has told its state.
   */
  fetch(block: SoughtBlock): Promise<Uint8Array | undefined> {
    if (this.#isOver || this.#waiting.length >= soughtBlocksMax) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const cancelTimer = this.#clock.setTimer(fetchWaitMsMax, () => {
        sought.settle(undefined);
      });
      const sought: Sought = {
        block,
        settle: (bytes) => {
          cancelTimer();
          resolve(bytes);
        },
      };
      this.#waiting.push(sought);
      this.#pumpSoon();
    });
  }

  /** Takes the other side's question, which is answered in the background, or its answer. */
  hear(message: FetchMessage | FetchedMessage): void {
    if (message.type === 'fetched') this.#take(message);
    else void this.#answer(message);
  }

  /** The session is over: whoever still waits gets nothing. */
  end(): void {
    this.#isOver = true;
    for (const sought of [...this.#waiting.splice(0), ...[...this.#open.values()].flat()]) sought.settle(undefined);
    this.#open.clear();
  }

  /** What is sought in one turn goes into one message. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const perFetch = Math.min(fetchBlocksMax, blockDataBytesMax / this.#own.blockSizeBytes);
    while (this.#waiting.length > 0 && this.#open.size < fetchesInFlightMax && !this.#isOver && !this.#speaking.isOver) {
      const part = this.#waiting.splice(0, perFetch);
      const requestId = ++this.#lastRequestId;
      this.#open.set(requestId, part);
      this.#speaking.tell({ type: 'fetch', requestId, blocks: part.map(({ block }) => block) });
    }
  }

  #take(message: FetchedMessage): void {
    const part = this.#open.get(message.requestId);
    this.#open.delete(message.requestId);
    message.found.forEach((place, index) => {
      const sought = part?.[place];
      const bytes = message.data[index]!;
      if (sought !== undefined && checksumOf(bytes) === sought.block.checksum) sought.settle(bytes.slice());
    });
    for (const sought of part ?? []) sought.settle(undefined);
    this.#speaking.giveBack(message);
    this.#pump();
  }

  async #answer({ requestId, blocks }: FetchMessage): Promise<void> {
    try {
      const read = await Promise.all(blocks.map((block) => this.#readOwn(block)));
      const found = read.flatMap((bytes, place) => (bytes === undefined ? [] : [place]));
      this.#speaking.tell({ type: 'fetched', requestId, found, data: found.map((place) => read[place]!) });
    } catch (fault) {
      this.#speaking.fail(fault);
    }
  }

  /** A block of this side's devices, if it is the one that is sought. */
  async #readOwn({ vbn, checksum }: SoughtBlock): Promise<Uint8Array | undefined> {
    const { readBlocks, blockCount, blockSizeBytes } = this.#own;
    if (vbn >= blockCount()) return undefined;
    const bytes = new Uint8Array(blockSizeBytes);
    try {
      await readBlocks(vbn, [bytes]);
    } catch (fault) {
      if (isFault(fault, 'device-io')) return undefined;
      throw fault;
    }
    return checksumOf(bytes) === checksum ? bytes : undefined;
  }
}
