import { MirrorpointError } from '../base/index.ts';
import { blockDataBytesMax, type Run, type WantMessage } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { answersInFlightMax } from './limits.ts';
import type { Outlet } from './outlet.ts';

/** Runs read from the devices at the same time for one answer. */
const readsAtOnce = 16;

export interface WantAnswersOptions {
  readonly conversation: Conversation;
  readonly outlet: Outlet;
  readonly blockSizeBytes: number;
  /** Size of the VBN space. */
  readonly blockCount: () => number;
  readonly readBlocks: (vbn: number, buffers: Uint8Array[]) => Promise<void>;
  /** Whether the root of a CP is held for this mirror. */
  readonly isHeld: (cp: number) => boolean;
  readonly onPulled: (blocks: number) => void;
}

/** Answers the mirror's wants in the order they came, a few side by side, as fast as the link takes them. */
export class WantAnswers {
  readonly #options: WantAnswersOptions;
  readonly #queue: WantMessage[] = [];
  readonly #buffers: Uint8Array[] = [];
  #answering = 0;

  constructor(options: WantAnswersOptions) {
    this.#options = options;
  }

  /** Takes a want. Throws `message-invalid` when it names blocks outside of the volume. */
  take(want: WantMessage): void {
    const { blockCount } = this.#options;
    const outside = want.runs.find((run) => run.vbn + run.count > blockCount());
    if (outside !== undefined) {
      throw new MirrorpointError(
        'message-invalid',
        `The mirror asks for block ${outside.vbn + outside.count - 1} of a volume of ${blockCount()} blocks. Update the older of the two servers.`,
      );
    }
    this.#queue.push(want);
    if (this.#answering < answersInFlightMax) void this.#answerQueue();
  }

  async #answerQueue(): Promise<void> {
    const { conversation } = this.#options;
    this.#answering++;
    const buffer = this.#buffers.pop() ?? new Uint8Array(blockDataBytesMax);
    try {
      for (let want = this.#queue.shift(); want !== undefined && !conversation.isOver; want = this.#queue.shift()) {
        await this.#answer(want, buffer);
      }
    } catch (fault) {
      conversation.fail(fault);
    } finally {
      this.#buffers.push(buffer);
      this.#answering--;
    }
  }

  async #answer(want: WantMessage, buffer: Uint8Array): Promise<void> {
    const { conversation, outlet, blockSizeBytes, isHeld, onPulled } = this.#options;
    const { requestId, cp } = want;
    for (const runs of cutIntoMessages(want.runs, Math.floor(outlet.messageBytesMax / blockSizeBytes))) {
      if (!isHeld(cp)) {
        void outlet.send({ type: 'gone', requestId, cp });
        return;
      }
      const data = await this.#read(runs, buffer);
      if (conversation.isOver) return;
      onPulled(data.length / blockSizeBytes);
      await outlet.send({ type: 'blocks', cp: 0, requestId, runs, data: [data] });
    }
  }

  async #read(runs: readonly Run[], buffer: Uint8Array): Promise<Uint8Array> {
    const { readBlocks, blockSizeBytes } = this.#options;
    let offset = 0;
    for (let start = 0; start < runs.length; start += readsAtOnce) {
      const reads = runs.slice(start, start + readsAtOnce).map((run) => {
        const end = offset + run.count * blockSizeBytes;
        const part = buffer.subarray(offset, end);
        offset = end;
        return readBlocks(run.vbn, [part]);
      });
      await Promise.all(reads);
    }
    return buffer.subarray(0, offset);
  }
}

/** Cuts runs into groups of at most so many blocks. */
export function cutIntoMessages(runs: readonly Run[], blocksMax: number): Run[][] {
  const groups: Run[][] = [];
  let group: Run[] = [];
  let room = blocksMax;
  for (const run of runs) {
    let { vbn, count } = run;
    while (count > 0) {
      const take = Math.min(count, room);
      group.push({ vbn, count: take });
      vbn += take;
      count -= take;
      room -= take;
      if (room > 0) continue;
      groups.push(group);
      group = [];
      room = blocksMax;
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
