import { isFault, reasonOf } from '../../base/index.ts';

/** Where a command writes: standard output and standard error, or what a test puts in their place. */
export interface Streams {
  readonly out: NodeJS.WritableStream & { isTTY?: boolean };
  readonly err: NodeJS.WritableStream & { isTTY?: boolean };
}

/** JSON with big numbers as texts, since readers would round them. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part), indent);
}

/** Names of files may hold what would steer a terminal. */
function printable(text: string): string {
  // A line of output is one line, and shows what would move the cursor.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The results of a command, for people or for programs. */
export class Output {
  readonly json: boolean;
  readonly #streams: Streams;
  #hasProgress = false;

  constructor(options: { json: boolean; streams: Streams }) {
    this.json = options.json;
    this.#streams = options.streams;
  }

  /** The one result of a command: its JSON document, or lines for people. */
  result(document: unknown, lines: () => readonly string[]): void {
    if (this.json) this.#write(`${toJson(document, 2)}\n`);
    else for (const line of lines()) this.line(line);
  }

  /** One item of a stream: a line of JSON, or lines for people. */
  item(document: unknown, lines: () => readonly string[]): void {
    if (this.json) this.#write(`${toJson(document)}\n`);
    else for (const line of lines()) this.line(line);
  }

  line(text: string): void {
    this.clearProgress();
    this.#write(`${printable(text)}\n`);
  }

  /** Something beside the results, for people. */
  note(text: string): void {
    this.clearProgress();
    this.#streams.err.write(`${this.json ? toJson({ note: text }) : printable(text)}\n`);
  }

  /** Shows how far the work is, on a terminal only. */
  progress(text: string): void {
    const { err } = this.#streams;
    if (err.isTTY !== true || this.json) return;
    const width = 'columns' in err && typeof err.columns === 'number' ? err.columns : 80;
    err.write(`\r\u001b[K${printable(text).slice(0, width - 1)}`);
    this.#hasProgress = true;
  }

  clearProgress(): void {
    if (!this.#hasProgress) return;
    this.#streams.err.write('\r\u001b[K');
    this.#hasProgress = false;
  }

  /** What went wrong, why, and what to do next, on standard error. */
  fault(thrown: unknown): void {
    this.clearProgress();
    const { err } = this.#streams;
    if (isFault(thrown)) {
      const { code, message } = thrown;
      err.write(this.json ? `${toJson({ error: { code, message } })}\n` : `mirrorpoint: ${printable(message)} [${code}]\n`);
      return;
    }
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : reasonOf(thrown);
    err.write(`mirrorpoint: a fault in the program, please report it: ${text}\n`);
  }

  /** Bytes of a file, no faster than they are taken. */
  bytes(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#streams.out.write(bytes, (fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  }

  #write(text: string): void {
    this.#streams.out.write(text);
  }
}

/** Rows in columns as wide as need be; numbers are given aligned to the right by a leading '>' in the heading. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const titles = headings.map((heading) => heading.replace(/^>/, ''));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return headings[column]?.startsWith('>') === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [format(titles), ...rows.map(format)];
}
