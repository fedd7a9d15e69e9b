import type { BlockSink, NamedBlock } from '../consistency/index.ts';
import { blockDataBytesMax, type Run } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { liveQueueBytesMax } from './limits.ts';
import { LiveChanges } from './live-changes.ts';

/** Where a block is looked at to see whether it may be mostly zeros, in parts of its size. */
const zeroProbes = [0.5, 0.625, 0.75, 0.875, 0.9375];

/** Messages of changes that wait for the link. */
const changesWaitingMax = 64;

/**
 * Sends a CP's blocks on while it runs. A block that differs little from the one
 * of the CP's base that it replaces goes as a change of it, which the mirror can
 * make of its own copy, and a new one that is mostly zeros as a change of zeros. Others are copied into a bounded number of buffers, one
 * message each; when all of them wait for the link, the rest of the CP is left
 * for the mirror to ask for. So a slow mirror slows nothing here.
 */
export class LiveStream implements BlockSink {
  readonly #conversation: Conversation;
  readonly #blockSizeBytes: number;
  readonly #freeBuffers: Uint8Array[] = [];
  readonly #onPushed: (blocks: number) => void;
  readonly #changes: LiveChanges;
  readonly #zeros: NamedBlock;
  #changesWaiting = 0;
  #buffersMade = 0;
  #cp = 0;
  #baseCp = 0;
  #isFull = false;
  #buffer: Uint8Array | undefined;
  #usedBytes = 0;
  #runs: { vbn: number; count: number }[] = [];

  constructor(options: { conversation: Conversation; blockSizeBytes: number; onPushed: (blocks: number) => void }) {
    this.#conversation = options.conversation;
    this.#blockSizeBytes = options.blockSizeBytes;
    this.#onPushed = options.onPushed;
    this.#zeros = { vbn: 0, birthCp: 0, bytes: new Uint8Array(options.blockSizeBytes) };
    this.#changes = new LiveChanges((changes) => {
      this.#onPushed(changes.length);
      this.#changesWaiting++;
      void this.#conversation.send({ type: 'changes', cp: this.#cp, changes }).then(() => {
        this.#changesWaiting--;
      });
    });
  }

  begin(cp: number, baseCp: number): void {
    this.#drop();
    this.#cp = cp;
    this.#baseCp = baseCp;
    this.#isFull = false;
    this.#conversation.tell({ type: 'begin', cp, baseCp });
  }

  block(vbn: number, bytes: Uint8Array, replaced: NamedBlock | undefined): void {
    if (this.#conversation.isOver || this.#isChange(vbn, bytes, replaced) || this.#isFull) return;
    this.#add(vbn, bytes);
  }

  /** Sends what is left; the CP's root may follow. */
  finish(): void {
    this.#send();
    this.#changes.flush();
  }

  /** Whether the block was taken as a change. What was born after the base may be on no mirror. */
  #isChange(vbn: number, bytes: Uint8Array, replaced: NamedBlock | undefined): boolean {
    if (this.#changesWaiting >= changesWaitingMax) return false;
    if (replaced !== undefined && replaced.birthCp <= this.#baseCp) return this.#changes.add(vbn, bytes, replaced);
    return zeroProbes.every((part) => bytes[bytes.length * part] === 0) && this.#changes.add(vbn, bytes, this.#zeros);
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
    this.#changes.drop();
  }

  #takeBuffer(): Uint8Array | undefined {
    const free = this.#freeBuffers.pop();
    if (free !== undefined || this.#buffersMade >= liveQueueBytesMax / blockDataBytesMax) return free;
    this.#buffersMade++;
    return new Uint8Array(blockDataBytesMax);
  }
}
