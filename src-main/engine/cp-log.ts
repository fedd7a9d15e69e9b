import type { CpHistoryRecord } from '../contract/index.ts';
import { cpRecordSchema } from '../contract/index.ts';
import type { LineLog } from './ports.ts';
import { RecordLog } from './record-log.ts';

/** Records kept of one volume. */
const recordsMax = 10_000;

/** The history of a volume's CPs. */
export class CpLog {
  readonly #log: RecordLog<CpHistoryRecord>;

  private constructor(log: RecordLog<CpHistoryRecord>) {
    this.#log = log;
  }

  static async open(lines: LineLog): Promise<CpLog> {
    return new CpLog(await RecordLog.open(lines, { schema: cpRecordSchema, recordsMax }));
  }

  get lastCp(): number {
    return this.#log.records.at(-1)?.cp ?? 0;
  }

  /** Adds the records that are newer than the last one known. */
  add(records: readonly CpHistoryRecord[]): void {
    const { lastCp } = this;
    this.#log.add(records.filter((record) => record.cp > lastCp));
  }

  /** Those after a CP, oldest first. */
  newerThan(cp: number): readonly CpHistoryRecord[] {
    if (this.lastCp <= cp) return [];
    const { records } = this.#log;
    return records.slice(records.findLastIndex((record) => record.cp <= cp) + 1);
  }

  /** Newest first. */
  page(options: { before?: number | undefined; limit: number }): CpHistoryRecord[] {
    const { before = Infinity, limit } = options;
    const { records } = this.#log;
    const out: CpHistoryRecord[] = [];
    for (let index = records.length - 1; index >= 0 && out.length < limit; index--) {
      const record = records[index]!;
      if (record.cp < before) out.push(record);
    }
    return out;
  }

  /** Waits until what was added is stored, as far as it can be. */
  close(): Promise<void> {
    return this.#log.close();
  }
}
