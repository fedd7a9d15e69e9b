import { type CollisionChoice, type ErrorCode, isFault, type MirrorpointClient, MirrorpointError, writeChunkBytesMax } from '../../../../src-main/contract/index.ts';
import { forEachAtOnce } from './at-once.ts';
import { isSame, type SendPlan } from './incoming-plan.ts';
import { filesAtOnceMax } from './limits.ts';

/** A file that was left out, and why. */
export interface LeftOut {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Who hears how it goes, and says whether it goes on. */
export interface SendWatch {
  readonly signal: AbortSignal;
  onBytes(bytes: number, path: string): void;
  onFile(result: 'sent' | 'skipped'): void;
  onLeftOut(left: LeftOut): void;
  /** Which connection it is, counted; what was begun is forgotten with it. */
  line(): number;
  /** Resolves when there is a connection again, or rejects when nobody waits for it. */
  connected(): Promise<void>;
}

type Files = Pick<MirrorpointClient['files'], 'beginWrite' | 'write' | 'endWrite' | 'abandonWrite' | 'makeDirectory' | 'stat'>;

interface Sending {
  readonly path: string;
  readonly file: File;
  readonly collision: CollisionChoice;
}

/** Faults after which no other file would get there either. */
const endingCodes: ReadonlySet<ErrorCode> = new Set(['volume-full', 'volume-is-mirror', 'volume-not-found', 'volume-read-only', 'device-full', 'cancelled', 'peer-superseded']);

function cancelled(): MirrorpointError {
  return new MirrorpointError('cancelled', 'It was cancelled. Files that were whole by then stay; none is there in part.');
}

async function partOf(file: File, offsetBytes: number, path: string): Promise<Blob> {
  try {
    const part = file.slice(offsetBytes, offsetBytes + writeChunkBytesMax);
    return new Blob([await part.arrayBuffer()]);
  } catch (cause) {
    throw new MirrorpointError('source-changed', `${path} could not be read from this computer any more: it was moved, changed or locked. Look for it, and add it again.`, { cause });
  }
}

/** Brings files of this computer into a volume, part by part, several at a time. A file is there whole or not at all. */
export class FileSender {
  readonly #files: Files;
  readonly #volume: string;
  readonly #watch: SendWatch;

  constructor(files: Files, volume: string, watch: SendWatch) {
    this.#files = files;
    this.#volume = volume;
    this.#watch = watch;
  }

  /** Rejects with the fault that ended it; files that only they could not be brought in are reported. */
  async send(plan: SendPlan): Promise<void> {
    for (const path of plan.folders) await this.#persist(() => this.#files.makeDirectory({ volume: this.#volume, path, parents: true }));
    await forEachAtOnce(plan.files, filesAtOnceMax, async (one) => {
      try {
        await this.#sendOne(one);
      } catch (fault) {
        if (!isFault(fault) || endingCodes.has(fault.code)) throw fault;
        this.#watch.onLeftOut({ path: one.path, code: fault.code, message: fault.message });
      }
    });
  }

  async #sendOne(one: Sending): Promise<void> {
    let isAgain = false;
    await this.#persist(async () => {
      // It may have got there although nobody heard of it, when the connection broke at its end.
      const there = isAgain ? await this.#files.stat({ volume: this.#volume, at: 'live', path: one.path }).catch(() => undefined) : undefined;
      if (there !== undefined && isSame(one, there)) {
        this.#watch.onFile('sent');
        return;
      }
      isAgain = true;
      await this.#sendParts(one);
    });
  }

  async #sendParts({ path, file, collision }: Sending): Promise<void> {
    const line = this.#watch.line();
    const begun = await this.#files.beginWrite({ volume: this.#volume, path, sizeBytes: file.size, modifiedMs: file.lastModified, collision });
    const { writeId } = begun;
    let sentBytes = 0;
    try {
      while (sentBytes < file.size && !begun.isSkipped) {
        if (this.#watch.signal.aborted) throw cancelled();
        const content = await partOf(file, sentBytes, path);
        this.#checkLine(line);
        await this.#files.write({ writeId, offsetBytes: sentBytes, content });
        sentBytes += content.size;
        this.#watch.onBytes(content.size, path);
      }
      this.#checkLine(line);
      const { isSkipped } = await this.#files.endWrite({ writeId });
      this.#watch.onFile(isSkipped ? 'skipped' : 'sent');
    } catch (fault) {
      this.#watch.onBytes(-sentBytes, path);
      // With the connection the server has forgotten it by itself.
      if (!isFault(fault, 'link-closed')) await this.#files.abandonWrite({ writeId }).catch(() => undefined);
      throw fault;
    }
  }

  /** What another connection has begun is not known on this one. */
  #checkLine(line: number): void {
    if (line !== this.#watch.line()) throw new MirrorpointError('link-closed', 'The connection broke while the file was read. It is sent again.');
  }

  /** Begins anew what the end of a connection has broken off. */
  async #persist(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      if (this.#watch.signal.aborted) throw cancelled();
      try {
        await work();
        return;
      } catch (fault) {
        if (!isFault(fault, 'link-closed')) throw fault;
        await this.#watch.connected();
      }
    }
  }
}
