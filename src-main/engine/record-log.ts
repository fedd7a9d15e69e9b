import type { z } from 'zod';
import type { LineLog } from './ports.ts';

/** The last records of some kind, kept across restarts. They inform; nothing depends on them. */
export class RecordLog<T> {
  readonly #lines: LineLog;
  readonly #recordsMax: number;
  readonly #records: T[];
  #lineCount: number;
  #saving: Promise<void> = Promise.resolve();

  private constructor(lines: LineLog, recordsMax: number, stored: { records: T[]; lineCount: number }) {
    this.#lines = lines;
    this.#recordsMax = recordsMax;
    this.#records = stored.records;
    this.#lineCount = stored.lineCount;
  }

  /** Reads what was stored; lines that are no records are passed over. */
  static async open<T>(lines: LineLog, options: { schema: z.ZodType<T>; recordsMax: number }): Promise<RecordLog<T>> {
    const { schema, recordsMax } = options;
    const stored = await lines.read();
    const records = stored.slice(-recordsMax).flatMap((line) => parseRecord(line, schema));
    return new RecordLog(lines, recordsMax, { records, lineCount: stored.length });
  }

  /** Oldest first. */
  get records(): readonly T[] {
    return this.#records;
  }

  /** Holds at once, and is stored soon. */
  add(news: readonly T[]): void {
    if (news.length === 0) return;
    this.#records.push(...news);
    if (this.#records.length > this.#recordsMax) this.#records.splice(0, this.#records.length - this.#recordsMax);
    this.#saving = this.#saving.then(() => this.#save(news)).catch(() => undefined);
  }

  /** Waits until what was added is stored, as far as it can be. */
  async close(): Promise<void> {
    await this.#saving;
  }

  async #save(news: readonly T[]): Promise<void> {
    if (this.#lineCount + news.length > 2 * this.#recordsMax) {
      const kept = this.#records.map((record) => JSON.stringify(record));
      await this.#lines.replace(kept);
      this.#lineCount = kept.length;
      return;
    }
    await this.#lines.append(news.map((record) => JSON.stringify(record)));
    this.#lineCount += news.length;
  }
}

function parseRecord<T>(line: string, schema: z.ZodType<T>): T[] {
  try {
    const result = schema.safeParse(JSON.parse(line));
    return result.success ? [result.data] : [];
  } catch {
    return [];
  }
}
