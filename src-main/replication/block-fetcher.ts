import { checksumOf, MirrorpointError } from '../base/index.ts';
import { type BlockCache, PointerList } from '../blocks/index.ts';
import { pointerBirth, pointerBytes, pointerChecksum } from '../format/index.ts';
import { blockDataBytesMax, type BlocksMessage, type GoneMessage, type Run } from '../wire/index.ts';
import type { BlockIntake } from './block-intake.ts';
import type { Conversation } from './conversation.ts';
import { asksPerBlockMax, wantsInFlightMax } from './limits.ts';

/** The primary no longer holds the root that is being received; a newer one follows. */
export class RootGone extends MirrorpointError {
  constructor(cp: number) {
    super('peer-fault', `The primary no longer holds CP ${cp}; a newer one follows.`);
  }
}

interface Want {
  readonly cp: number;
  /** In the order asked for. */
  readonly pointers: PointerList;
  readonly isAddress: boolean;
  /** Blocks that did not match their pointer. */
  readonly bad: PointerList;
  readonly writes: Promise<void>[];
  next: number;
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/**
 * Gets blocks from the primary: asks for them in long runs, several wants at a
 * time, proves each against its pointer, and writes those that are right. A
 * wrong one is asked for again a bounded number of times.
 */
export class BlockFetcher {
  readonly #conversation: Conversation;
  readonly #intake: BlockIntake;
  readonly #cache: () => BlockCache;
  readonly #blockSizeBytes: number;
  readonly #onPulled: (blocks: number) => void;
  readonly #open = new Map<number, Want>();
  readonly #urgent: (() => void)[] = [];
  readonly #patient: (() => void)[] = [];
  #slotsFree = wantsInFlightMax;
  #lastRequestId = 0;
  #missingBlocks = 0;
  #failure: { readonly fault: unknown } | undefined;

  constructor(options: {
    conversation: Conversation;
    intake: BlockIntake;
    /** Where address blocks go, for the walk that follows. */
    cache: () => BlockCache;
    blockSizeBytes: number;
    onPulled: (blocks: number) => void;
  }) {
    this.#conversation = options.conversation;
    this.#intake = options.intake;
    this.#cache = options.cache;
    this.#blockSizeBytes = options.blockSizeBytes;
    this.#onPulled = options.onPulled;
  }

  /** Blocks known to be missing and not here yet. */
  get missingBlocks(): number {
    return this.#missingBlocks;
  }

  /**
   * Resolves when the blocks of all pointers, in VBN order, are written and
   * proven. Address blocks go before data, since they tell what else is missing.
   * Throws `checksum-mismatch`, `RootGone`, or what `fail` was given.
   */
  async fetch(cp: number, pointers: PointerList, isAddress: boolean): Promise<void> {
    const perWant = Math.floor(blockDataBytesMax / this.#blockSizeBytes);
    const parts: Promise<void>[] = [];
    for (let start = 0; start < pointers.count; start += perWant) {
      const part = new PointerList();
      for (let position = start; position < Math.min(start + perWant, pointers.count); position++) {
        part.push(pointers.bytes, position * pointerBytes);
      }
      parts.push(this.#fetchPart(cp, part, isAddress));
    }
    await Promise.all(parts);
  }

  /** Takes an answer. Resolves when there is room for the next message. */
  async take(message: BlocksMessage): Promise<void> {
    const want = this.#open.get(message.requestId);
    if (want === undefined) return;
    const writes: Promise<void>[] = [];
    message.runs.forEach((run, index) => {
      this.#takeRun(want, { run, data: message.data[index]!, writes });
    });
    const written = Promise.all(writes).then(() => {
      this.#conversation.giveBack(message);
    });
    want.writes.push(written);
    if (want.next === want.pointers.count) {
      this.#open.delete(message.requestId);
      void Promise.all(want.writes).then(want.resolve);
    }
    await this.#intake.room();
  }

  gone(message: GoneMessage): void {
    const want = this.#open.get(message.requestId);
    this.#open.delete(message.requestId);
    want?.reject(new RootGone(message.cp));
  }

  /** Ends every fetch, present and future, with the fault. */
  fail(fault: unknown): void {
    this.#failure ??= { fault };
    for (const want of this.#open.values()) want.reject(fault);
    this.#open.clear();
    for (const wake of [...this.#urgent.splice(0), ...this.#patient.splice(0)]) wake();
  }

  async #fetchPart(cp: number, part: PointerList, isAddress: boolean): Promise<void> {
    this.#missingBlocks += part.count;
    let pointers = part;
    try {
      for (let ask = 1; pointers.count > 0; ask++) {
        if (ask > asksPerBlockMax) throw wrongBlock(pointers);
        await this.#enter(isAddress);
        try {
          pointers = await this.#exchange(cp, pointers, isAddress);
        } finally {
          this.#leave();
        }
      }
    } finally {
      this.#missingBlocks -= part.count;
    }
  }

  /** Asks once; resolves to the pointers whose blocks came wrong. */
  async #exchange(cp: number, pointers: PointerList, isAddress: boolean): Promise<PointerList> {
    this.#throwFailure();
    this.#lastRequestId = (this.#lastRequestId % 0xffff_ffff) + 1;
    const requestId = this.#lastRequestId;
    const bad = new PointerList();
    await new Promise<void>((resolve, reject) => {
      this.#open.set(requestId, { cp, pointers, isAddress, bad, writes: [], next: 0, resolve, reject });
      this.#conversation.tell({ type: 'want', requestId, cp, runs: runsOf(pointers) });
    });
    this.#throwFailure();
    return bad;
  }

  #takeRun(want: Want, from: { run: Run; data: Uint8Array; writes: Promise<void>[] }): void {
    const { run, data, writes } = from;
    const { pointers } = want;
    const size = this.#blockSizeBytes;
    let goodFrom = -1;
    const write = (end: number): void => {
      if (goodFrom >= 0) writes.push(this.#intake.write(run.vbn + goodFrom, data.subarray(goodFrom * size, end * size)));
      goodFrom = -1;
    };
    for (let index = 0; index < run.count; index++) {
      const offset = want.next * pointerBytes;
      const bytes = data.subarray(index * size, (index + 1) * size);
      want.next++;
      if (checksumOf(bytes) !== pointerChecksum(pointers.bytes, offset)) {
        want.bad.push(pointers.bytes, offset);
        write(index);
        continue;
      }
      if (goodFrom < 0) goodFrom = index;
      if (want.isAddress) {
        this.#cache().insert({ vbn: run.vbn + index, birthCp: pointerBirth(pointers.bytes, offset) }, bytes);
      }
    }
    write(run.count);
    this.#onPulled(run.count);
  }

  async #enter(isUrgent: boolean): Promise<void> {
    if (this.#slotsFree === 0) {
      await new Promise<void>((resolve) => {
        (isUrgent ? this.#urgent : this.#patient).push(resolve);
      });
      this.#throwFailure();
      return;
    }
    this.#slotsFree--;
  }

  /** Gives the slot on to the next who waits. */
  #leave(): void {
    const wake = this.#urgent.shift() ?? this.#patient.shift();
    if (wake === undefined) this.#slotsFree++;
    else wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.fault;
    if (this.#intake.hasFailed) {
      throw new MirrorpointError('device-io', 'Blocks could not be written to the mirror. See the fault of its devices.');
    }
  }
}

function runsOf(pointers: PointerList): Run[] {
  const runs: { vbn: number; count: number }[] = [];
  for (let position = 0; position < pointers.count; position++) {
    const vbn = pointers.vbn(position);
    const last = runs.at(-1);
    if (last !== undefined && last.vbn + last.count === vbn) last.count++;
    else runs.push({ vbn, count: 1 });
  }
  return runs;
}

function wrongBlock(pointers: PointerList): MirrorpointError {
  return new MirrorpointError(
    'checksum-mismatch',
    `Block ${pointers.vbn(0)}, born in CP ${pointerBirth(pointers.bytes, 0)}, came from the primary ${asksPerBlockMax} times with bytes ` +
      'that are not those of its CP. The mirror stays at its last CP. Run `mirrorpoint volume check` on the primary.',
  );
}
