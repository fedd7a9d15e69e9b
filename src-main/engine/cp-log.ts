import type { CpHistoryRecord } from '../contract/index.ts';
import { cpRecordSchema } from '../contract/index.ts';
import type { LineLog } from './ports.ts';

/** Records kept of one volume. */
const recordsMax = 10_000;

/** The history of a volume's CPs, kept across restarts. It informs; nothing depends on it. */
export class CpLog {
  readonly #lines: LineLog;
  readonly #records: CpHistoryRecord[];
  #lineCount: number;
  #saving: Promise<void> = Promise.resolve();

  private constructor(lines: LineLog, records: CpHistoryRecord[], lineCount: number) {
    this.#lines = lines;
    this.#records = records;
    this.#lineCount = lineCount;
  }

  static async open(lines: LineLog): Promise<CpLog> {
    const stored = await lines.read();
    const records = stored.slice(-recordsMax).flatMap(parseRecord);
    return new CpLog(lines, records, stored.length);
  }

  get lastCp(): number {
    return this.#records.at(-1)?.cp ?? 0;
  }

  /** Adds the records that are newer than the last one known. */
  add(records: readonly CpHistoryRecord[]): void {
    const news = records.filter((record) => record.cp > this.lastCp);
    if (news.length === 0) return;
    this.#records.push(...news);
    if (this.#records.length > recordsMax) this.#records.splice(0, this.#records.length - recordsMax);
    this.#saving = this.#saving.then(() => this.#save(news)).catch(() => undefined);
  }

  /** Newest first. */
  page(options: { before?: number | undefined; limit: number }): CpHistoryRecord[] {
    const { before = Infinity, limit } = options;
    const out: CpHistoryRecord[] = [];
    for (let index = this.#records.length - 1; index >= 0 && out.length < limit; index--) {
      const record = this.#records[index]!;
      if (record.cp < before) out.push(record);
    }
    return out;
  }

  /** Waits until what was added is stored, as far as it can be. */
  async close(): Promise<void> {
    await this.#saving;
  }

  async #save(news: readonly CpHistoryRecord[]): Promise<void> {
    if (this.#lineCount + news.length > 2 * recordsMax) {
      const kept = this.#records.map((record) => JSON.stringify(record));
      await this.#lines.replace(kept);
      this.#lineCount = kept.length;
      return;
    }
    await this.#lines.append(news.map((record) => JSON.stringify(record)));
    this.#lineCount += news.length;
  }
}

function parseRecord(line: string): CpHistoryRecord[] {
  try {
    const result = cpRecordSchema.safeParse(JSON.parse(line));
    return result.success ? [result.data] : [];
  } catch {
    return [];
  }
}
