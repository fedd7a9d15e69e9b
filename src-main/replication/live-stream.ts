import type { BlockSink, NamedBlock } from '../consistency/index.ts';
import { blockDataBytesMax, type Run } from '../wire/index.ts';
import { LiveChanges } from './live-changes.ts';
import type { Outlet } from './outlet.ts';

/** Messages of changes that wait for the link: they are small, and go on when the blocks are too many. */
const changesWaitingMax = 64;

/**
 * Sends a CP's blocks on while it runs. A block that differs little from the one
 * of the CP's base that it replaces goes as a change of it, which the mirror can
 * make of its own copy, and a new one that is partly zeros as a change of zeros.
 * Others are copied and wait for the link; when that is too much, the rest of the
 * CP is left for the mirror to ask for. So a slow mirror slows nothing here.
 */
export class LiveStream implements BlockSink {
  readonly #outlet: Outlet;
  readonly #blockSizeBytes: number;
  readonly #freeBuffers: Uint8Array[] = [];
  readonly #onPushed: (blocks: number) => void;
  readonly #changes: LiveChanges;
  readonly #zeros: NamedBlock;
  #waitingBytes = 0;
  #changesWaiting = 0;
  #cp = 0;
  #baseCp = 0;
  #isFull = false;
  #messageBytesMax = 0;
  #buffer: Uint8Array | undefined;
  #usedBytes = 0;
  #runs: { vbn: number; count: number }[] = [];

  constructor(options: { outlet: Outlet; blockSizeBytes: number; onPushed: (blocks: number) => void }) {
    this.#outlet = options.outlet;
    this.#blockSizeBytes = options.blockSizeBytes;
    this.#onPushed = options.onPushed;
    this.#zeros = { vbn: 0, birthCp: 0, bytes: new Uint8Array(options.blockSizeBytes) };
    this.#changes = new LiveChanges((changes) => {
      this.#onPushed(changes.length);
      this.#changesWaiting++;
      void this.#outlet.send({ type: 'changes', cp: this.#cp, changes }).then(() => {
        this.#changesWaiting--;
      });
    });
  }

  begin(cp: number, baseCp: number): void {
    this.#drop();
    this.#cp = cp;
    this.#baseCp = baseCp;
    this.#isFull = false;
    void this.#outlet.send({ type: 'begin', cp, baseCp });
  }

  block(vbn: number, bytes: Uint8Array, replaced: NamedBlock | undefined): void {
    if (this.#outlet.isOver || this.#isChange(vbn, bytes, replaced) || this.#isFull) return;
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
    return hasZeros(bytes) && this.#changes.add(vbn, bytes, this.#zeros);
  }

  #add(vbn: number, block: Uint8Array): void {
    if (this.#buffer !== undefined && this.#usedBytes + block.length > this.#messageBytesMax) this.#send();
    if (this.#buffer === undefined) {
      this.#isFull = this.#waitingBytes >= this.#outlet.queueBytesMax;
      if (this.#isFull) return;
      this.#messageBytesMax = this.#outlet.messageBytesMax;
      this.#buffer = this.#freeBuffers.pop() ?? new Uint8Array(blockDataBytesMax);
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
    const dataBytes = this.#usedBytes;
    const data = [buffer.subarray(0, dataBytes)];
    this.#onPushed(dataBytes / this.#blockSizeBytes);
    this.#buffer = undefined;
    this.#usedBytes = 0;
    this.#runs = [];
    this.#waitingBytes += dataBytes;
    void this.#outlet.send({ type: 'blocks', cp: this.#cp, requestId: 0, runs, data }).then(() => {
      this.#waitingBytes -= dataBytes;
      this.#freeBuffers.push(buffer);
    });
  }

  /** Forgets what a CP that failed has left. */
  #drop(): void {
    this.#usedBytes = 0;
    this.#runs = [];
    this.#changes.drop();
  }
}

/** Whether a part of a block is zeros: behind the end of a file, or between the two ends of a node that is not full. */
function hasZeros(block: Uint8Array): boolean {
  const part = block.length / 16;
  return [4 * part, 8 * part, 12 * part, 15 * part].some((start) => {
    for (let index = start; index < start + part; index++) if (block[index] !== 0) return false;
    return true;
  });
}
