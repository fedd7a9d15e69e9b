import { MirrorpointError, type RandomSource, toHex } from '../base/index.ts';
import { openReadsMax, openWritesMax } from '../contract/index.ts';
import type { IncomingFile } from './incoming-file.ts';
import type { ReadableRoot } from './readable-root.ts';

/** A file of one root, open for reading over several calls. */
export interface OpenRead {
  readonly root: ReadableRoot;
  readonly ino: number;
}

/** What one caller holds open. It ends with the connection. */
export class EngineSession implements AsyncDisposable {
  readonly #random: RandomSource;
  readonly #reads = new Map<string, OpenRead>();
  readonly #writes = new Map<string, IncomingFile>();
  readonly #owned = new Set<AsyncDisposable>();
  readonly #onClose: () => void;
  #closing: Promise<void> | undefined;

  constructor(random: RandomSource, onClose: () => void) {
    this.#random = random;
    this.#onClose = onClose;
  }

  /** Keeps the read; the session then owns its root. */
  async keep(read: OpenRead): Promise<string> {
    if (this.#closing !== undefined || this.#reads.size >= openReadsMax) {
      await read.root.close();
      throw new MirrorpointError('argument-invalid', `A connection holds at most ${openReadsMax} files open. Close one first.`);
    }
    const readId = toHex(this.#random.bytes(8));
    this.#reads.set(readId, read);
    return readId;
  }

  read(readId: string): OpenRead {
    const read = this.#reads.get(readId);
    if (read !== undefined) return read;
    throw new MirrorpointError('argument-invalid', `There is no open read ${readId} on this connection. Open the file again.`);
  }

  async drop(readId: string): Promise<void> {
    const read = this.#reads.get(readId);
    this.#reads.delete(readId);
    await read?.root.close();
  }

  /** Keeps a file that comes in part by part; the session then owns it. */
  async keepWrite(file: IncomingFile): Promise<string> {
    if (this.#closing !== undefined || this.#writes.size >= openWritesMax) {
      await file.close();
      throw new MirrorpointError('argument-invalid', `A connection brings in at most ${openWritesMax} files at a time. End one first.`);
    }
    const writeId = toHex(this.#random.bytes(8));
    this.#writes.set(writeId, file);
    return writeId;
  }

  write(writeId: string): IncomingFile {
    const file = this.#writes.get(writeId);
    if (file !== undefined) return file;
    throw new MirrorpointError('argument-invalid', `There is no open write ${writeId} on this connection. Begin to bring in the file again.`);
  }

  /** Forgets a write, and what came in of it unless it has ended. */
  async dropWrite(writeId: string): Promise<void> {
    const file = this.#writes.get(writeId);
    this.#writes.delete(writeId);
    await file?.close();
  }

  /** Forgets what is being brought into a volume. */
  async endWrites(volume: string): Promise<void> {
    for (const [writeId, file] of [...this.#writes]) if (file.volume === volume) await this.dropWrite(writeId);
  }

  /** Takes something over that is to end with the session. */
  async own(resource: AsyncDisposable): Promise<void> {
    if (this.#closing === undefined) this.#owned.add(resource);
    else await resource[Symbol.asyncDispose]();
  }

  /** Closes what is open. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const readId of [...this.#reads.keys()]) await this.drop(readId);
    for (const writeId of [...this.#writes.keys()]) await this.dropWrite(writeId);
    for (const resource of this.#owned) await resource[Symbol.asyncDispose]();
    this.#onClose();
  }
}
