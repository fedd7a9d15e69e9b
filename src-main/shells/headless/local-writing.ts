import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { LocalAttributes, LocalWriter } from '../../engine/index.ts';
import { isFault } from '../../base/index.ts';
import { systemCall } from './local-faults.ts';

/** Only root may give files away; for others they stay their own. */
export const mayGiveAway = process.getuid?.() === 0;

let nextPart = randomBytes(4).readUInt32LE();

/** What is written is called this until it is whole. */
export function nameBeside(path: string): string {
  const name = Buffer.from(basename(path)).subarray(0, 200).toString('latin1').replace(/[^\x21-\x7e]/g, '_');
  nextPart = (nextPart + 1) >>> 0;
  return join(dirname(path), `.${name}.${nextPart.toString(16).padStart(8, '0')}.part`);
}

/**
 * Seconds for the system's calls that set times. They take a floating-point
 * number, so that a time is exact to the microsecond only.
 */
export function secondsOf(timeNs: bigint): number {
  return (Number(timeNs / 1000n) + 0.5) / 1e6;
}

/** Written bytes after which the system is told to begin with them. */
const flushBehindBytes = 32 << 20;

type ChangeOwner<T> = (file: T, uid: number, gid: number, done: fs.NoParamCallback) => void;

export async function setOwner<T extends string | number>(
  file: T,
  attributes: LocalAttributes,
  call: ChangeOwner<T>,
): Promise<void> {
  if (!mayGiveAway) return;
  await systemCall(String(file), 'given to its owner', (done) =>
    call(file, attributes.uid, attributes.gid, (cause) => done(cause, undefined)),
  );
}

/** Gives a finished file its name. Throws `exists` when that is taken and may not be replaced. */
export async function placeName(made: string, path: string, options: { replace: boolean }): Promise<void> {
  try {
    if (options.replace) {
      await systemCall(path, 'named', (done) => fs.rename(made, path, (cause) => done(cause, undefined)));
      return;
    }
    // A rename would replace in silence what came meanwhile; a link does not.
    await systemCall(path, 'named', (done) => fs.link(made, path, (cause) => done(cause, undefined)));
    await systemCall(made, 'renamed', (done) => fs.unlink(made, (cause) => done(cause, undefined)));
  } catch (fault) {
    if (isFault(fault, 'exists') || options.replace) fs.rmSync(made, { force: true });
    throw fault;
  }
}

/**
 * A new file that gets its name when it is whole. While more is written, the
 * system puts what it has on the disk, so that little is left to do at the end.
 */
export class FileWriter implements LocalWriter {
  readonly #path: string;
  readonly #made: string;
  readonly #fd: number;
  #writtenBytes = 0;
  #unflushedBytes = 0;
  /** Resolves to the fault that was met, of which the system tells once. */
  #flushing: Promise<unknown> | undefined;
  #isClosed = false;
  #isCommitted = false;

  private constructor(path: string, made: string, fd: number) {
    this.#path = path;
    this.#made = made;
    this.#fd = fd;
  }

  static async create(path: string): Promise<FileWriter> {
    const made = nameBeside(path);
    const fd = await systemCall<number>(path, 'made', (done) => fs.open(made, 'wx', 0o600, done));
    return new FileWriter(path, made, fd);
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    let doneBytes = 0;
    while (doneBytes < bytes.length) {
      const at = doneBytes;
      doneBytes += await systemCall<number>(this.#path, 'written', (done) =>
        fs.write(this.#fd, bytes, at, bytes.length - at, offsetBytes + at, done),
      );
    }
    this.#writtenBytes = Math.max(this.#writtenBytes, offsetBytes + bytes.length);
    await this.#flushBehind(bytes.length);
  }

  async commit(options: { sizeBytes: number; attributes: LocalAttributes; replace: boolean }): Promise<void> {
    const { sizeBytes, attributes } = options;
    const path = this.#path;
    await this.#flushed();
    if (this.#writtenBytes < sizeBytes) {
      await systemCall(path, 'written', (done) => fs.ftruncate(this.#fd, sizeBytes, (cause) => done(cause, undefined)));
    }
    await setOwner(this.#fd, attributes, fs.fchown);
    await systemCall(path, 'changed', (done) => fs.fchmod(this.#fd, attributes.mode, (cause) => done(cause, undefined)));
    const seconds = secondsOf(attributes.modifiedNs);
    await systemCall(path, 'dated', (done) => fs.futimes(this.#fd, seconds, seconds, (cause) => done(cause, undefined)));
    await placeName(this.#made, path, options);
    this.#isCommitted = true;
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#flushing;
    await systemCall(this.#path, 'closed', (done) => fs.close(this.#fd, (cause) => done(cause ?? null, undefined)));
    if (!this.#isCommitted) fs.rmSync(this.#made, { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits for the flush before, so that a slow disk is not run ahead of by more than two of them. */
  async #flushBehind(lengthBytes: number): Promise<void> {
    this.#unflushedBytes += lengthBytes;
    if (this.#unflushedBytes < flushBehindBytes) return;
    await this.#flushed();
    this.#unflushedBytes = 0;
    this.#flushing = systemCall(this.#path, 'written', (done) => fs.fdatasync(this.#fd, (cause) => done(cause, undefined))).then(
      () => undefined,
      (fault: unknown) => fault,
    );
  }

  async #flushed(): Promise<void> {
    const fault = await this.#flushing;
    if (fault !== undefined) throw fault;
  }
}
