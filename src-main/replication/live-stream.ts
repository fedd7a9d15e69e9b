import type { BlockSink } from '../consistency/index.ts';
import { blockDataBytesMax, type Run } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { liveQueueBytesMax } from './limits.ts';

/**
 * Sends a CP's blocks on while it runs. They are copied into a bounded number of
 * buffers, one message each; when all of them wait for the link, the rest of the
 * CP is left for the mirror to ask for. So a slow mirror slows nothing here.
 */
export class LiveStream implements BlockSink {
  readonly #conversation: Conversation;
  readonly #blockSizeBytes: number;
  readonly #freeBuffers: Uint8Array[] = [];
  readonly #onPushed: (blocks: number) => void;
  #buffersMade = 0;
  #cp = 0;
  #isFull = false;
  #buffer: Uint8Array | undefined;
  #usedBytes = 0;
  #runs: { vbn: number; count: number }[] = [];

  constructor(options: { conversation: Conversation; blockSizeBytes: number; onPushed: (blocks: number) => void }) {
    this.#conversation = options.conversation;
    this.#blockSizeBytes = options.blockSizeBytes;
    this.#onPushed = options.onPushed;
  }

  begin(cp: number, baseCp: number): void {
    this.#drop();
    this.#cp = cp;
    this.#isFull = false;
    this.#conversation.tell({ type: 'begin', cp, baseCp });
  }

  blocks(vbn: number, buffers: readonly Uint8Array[]): void {
    let next = vbn;
    for (const bytes of buffers) {
      for (let offset = 0; offset < bytes.length; offset += this.#blockSizeBytes) {
        if (this.#isFull || this.#conversation.isOver) return;
        this.#add(next++, bytes.subarray(offset, offset + this.#blockSizeBytes));
      }
    }
  }

  /** Sends what is left; the CP's root may follow. */
  finish(): void {
    this.#send();
  }

  #add(vbn: number, block: Uint8Array): void {
    if (this.#buffer !== undefined && this.#usedBytes + block.length > this.#buffer.length) this.#send();
    this.#buffer ??= this.#takeBuffer();
    if (this.#buffer === undefined) {
      this.#isFull = true;
      return;
    }
    this.#buffer.set(block, this.#usedBytes);
    this.#usedBytes += block.length;
    const last = this.#runs.at(-1);
    if (last !== undefined && last.vbn + last.count === vbn) last.count++;
    else this.#runs.push({ vbn, count: 1 });
  }

  #send(): void {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#usedBytes === 0) return;
    const runs: Run[] = this.#runs;
    const data = [buffer.subarray(0, this.#usedBytes)];
    this.#onPushed(this.#usedBytes / this.#blockSizeBytes);
    this.#buffer = undefined;
    this.#usedBytes = 0;
    this.#runs = [];
    void this.#conversation.send({ type: 'blocks', cp: this.#cp, requestId: 0, runs, data }).then(() => {
      this.#freeBuffers.push(buffer);
    });
  }

  /** Forgets what a CP that failed has left. */
  #drop(): void {
    this.#usedBytes = 0;
    this.#runs = [];
  }

  #takeBuffer(): Uint8Array | undefined {
    const free = this.#freeBuffers.pop();
    if (free !== undefined || this.#buffersMade >= liveQueueBytesMax / blockDataBytesMax) return free;
    this.#buffersMade++;
    return new Uint8Array(blockDataBytesMax);
  }
}
