import { wantsOutstandingMax } from './limits.ts';
import type { Run, WantMessage } from './message.ts';

interface Outstanding {
  readonly runs: readonly Run[];
  runIndex: number;
  blocksDone: number;
}

/**
 * The wants that have not been answered in full. Both ends keep one, so that
 * each can tell an answer in the order asked from one that breaks the protocol.
 * Every call returns why it is refused, or undefined.
 */
export class WantLedger {
  readonly #outstanding = new Map<number, Outstanding>();

  get size(): number {
    return this.#outstanding.size;
  }

  asked(want: WantMessage): string | undefined {
    if (this.#outstanding.has(want.requestId)) return `request ${want.requestId} is still unanswered`;
    if (this.#outstanding.size >= wantsOutstandingMax) return `more than ${wantsOutstandingMax} wants are unanswered`;
    this.#outstanding.set(want.requestId, { runs: want.runs, runIndex: 0, blocksDone: 0 });
    return undefined;
  }

  /** The next blocks of an answer: they must continue where the last ones ended. */
  answered(requestId: number, runs: readonly Run[]): string | undefined {
    const entry = this.#outstanding.get(requestId);
    if (entry === undefined) return `request ${requestId} is not open`;
    for (const run of runs) {
      let { vbn, count } = run;
      while (count > 0) {
        const asked = entry.runs[entry.runIndex];
        if (asked === undefined) return `request ${requestId} is answered with more blocks than were asked for`;
        if (asked.vbn + entry.blocksDone !== vbn) {
          return `request ${requestId} is answered with block ${vbn} where ${asked.vbn + entry.blocksDone} is next`;
        }
        const take = Math.min(count, asked.count - entry.blocksDone);
        vbn += take;
        count -= take;
        entry.blocksDone += take;
        if (entry.blocksDone === asked.count) {
          entry.runIndex++;
          entry.blocksDone = 0;
        }
      }
    }
    if (entry.runIndex === entry.runs.length) this.#outstanding.delete(requestId);
    return undefined;
  }

  gone(requestId: number): string | undefined {
    return this.#outstanding.delete(requestId) ? undefined : `request ${requestId} is not open`;
  }
}
