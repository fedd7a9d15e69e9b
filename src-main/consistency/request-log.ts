import { getU32, MirrorpointError, setU32 } from '../base/index.ts';
import type { Journal, RecoveredBatch } from './journal.ts';

/** Payload of one batch: more than this goes to the devices by a CP, which writes it once instead of twice. */
const batchBytesMax = 4 << 20;

/** A request that is not durable yet. */
interface Waiting<Request> {
  readonly request: Request;
  /** Bytes that it takes in the journal, about. */
  readonly bytes: number;
}

/**
 * The requests since the last CP, in order, and how far they are durable. Many
 * callers that wait for durability share one batch (group commit). A request is
 * encoded when its batch is written, with the file contents of that moment: a
 * batch is replayed whole or not at all, so contents of later requests in the
 * same batch do no harm.
 */
export class RequestLog<Request> {
  readonly #journal: Journal;
  readonly #encode: (request: Request) => Uint8Array;
  readonly #takeCp: (cause: 'sync' | 'journal') => Promise<unknown>;
  readonly #resident: <T>(operation: () => T) => Promise<T>;
  #waiting: Waiting<Request>[] = [];
  /** Sequence number of `#waiting[0]`. */
  #firstWaiting: number;
  #durable: number;
  #bytes = 0;
  #writing: Promise<void> | undefined;
  /** Batches that failed to be written: nothing after one can be found, so only a CP asked for later helps. */
  #breaks = 0;
  /** How many of them a CP has mended. */
  #mended = 0;

  constructor(options: {
    journal: Journal;
    nextSequence: number;
    encode: (request: Request) => Uint8Array;
    takeCp: (cause: 'sync' | 'journal') => Promise<unknown>;
    /** Runs a synchronous operation that may need blocks (BlockCache.run). */
    resident: <T>(operation: () => T) => Promise<T>;
  }) {
    this.#journal = options.journal;
    this.#encode = options.encode;
    this.#takeCp = options.takeCp;
    this.#resident = options.resident;
    this.#firstWaiting = options.nextSequence;
    this.#durable = options.nextSequence;
  }

  /** Sequence number of the next request. */
  get sequence(): number {
    return this.#firstWaiting + this.#waiting.length;
  }

  /** Requests that are not durable yet. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  append(request: Request, bytes: number): void {
    this.#waiting.push({ request, bytes });
    this.#bytes += bytes;
  }

  /** A CP that includes every request below the sequence number is durable. */
  release(sequence: number): void {
    this.#durable = Math.max(this.#durable, sequence);
    this.#forget(sequence);
  }

  /** Resolves when every request appended so far is durable. */
  async commit(): Promise<void> {
    const target = this.sequence;
    while (this.#durable < target) {
      if (this.#writing !== undefined) await this.#writing.catch(() => undefined);
      else if (this.#breaks > this.#mended || this.#bytes > Math.min(batchBytesMax, this.#journal.sizeBytes / 4)) {
        const breaks = this.#breaks;
        await this.#takeCp('sync');
        this.#mended = Math.max(this.#mended, breaks);
      } else {
        this.#writing = this.#writeBatch();
        try {
          await this.#writing;
        } finally {
          this.#writing = undefined;
        }
      }
    }
  }

  async #writeBatch(): Promise<void> {
    const { firstSequence, payload } = await this.#resident(() => this.#encodeWaiting());
    const requestCount = payload.length / 2;
    const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0);
    if (!this.#journal.fits(payloadBytes)) {
      await this.#takeCp('journal');
      return;
    }
    try {
      await this.#journal.append({ firstSequence, requestCount, payload });
    } catch (fault) {
      this.#breaks++;
      throw fault;
    }
    this.release(firstSequence + requestCount);
    if (this.#journal.usedBytes > this.#journal.sizeBytes / 2) {
      // The other half goes on taking requests; a fault of this CP reaches whoever needs the next one.
      this.#takeCp('journal').catch(() => undefined);
    }
  }

  /** What waits, each request behind its length. */
  #encodeWaiting(): { firstSequence: number; payload: Uint8Array[] } {
    const payload = this.#waiting.flatMap(({ request }) => {
      const encoded = this.#encode(request);
      const lengthBytes = new Uint8Array(4);
      setU32(lengthBytes, 0, encoded.length);
      return [lengthBytes, encoded];
    });
    return { firstSequence: this.#firstWaiting, payload };
  }

  #forget(sequence: number): void {
    const count = Math.min(sequence - this.#firstWaiting, this.#waiting.length);
    if (count <= 0) return;
    for (const { bytes } of this.#waiting.splice(0, count)) this.#bytes -= bytes;
    this.#firstWaiting += count;
  }
}

/** The encoded requests of a batch, with their sequence numbers. Throws `volume-damaged` when their lengths do not fit. */
export function* requestsIn(batch: RecoveredBatch): Generator<{ sequence: number; encoded: Uint8Array }> {
  let offset = 0;
  for (let index = 0; index < batch.requestCount; index++) {
    const start = offset + 4;
    const end = start <= batch.payload.length ? start + getU32(batch.payload, offset) : Infinity;
    if (end > batch.payload.length) {
      throw new MirrorpointError(
        'volume-damaged',
        'A batch in the journal has a right checksum and wrong lengths. Open the mirror instead, and make this volume anew from it.',
      );
    }
    yield { sequence: batch.firstSequence + index, encoded: batch.payload.subarray(start, end) };
    offset = end;
  }
}
