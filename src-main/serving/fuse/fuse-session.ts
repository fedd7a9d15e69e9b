import { isFault } from '../../base/index.ts';
import type { ServedFiles } from '../served-files.ts';
import * as attributes from './attribute-requests.ts';
import * as content from './content-requests.ts';
import * as directories from './directory-requests.ts';
import { errno, errnoOf } from './errno.ts';
import { encodeError, encodeInit } from './kernel-reply.ts';
import { decodeInit, isWriteRequest, KernelRequest, opcodes } from './kernel-request.ts';
import { keptTrustSeconds, liveTrustSeconds, requestsCopiedMax } from './limits.ts';
import type { MountedState } from './mounted-state.ts';
import * as names from './name-requests.ts';
import { OpenHandles } from './open-handles.ts';
import { ReplyBuffers } from './reply-buffers.ts';

/** The oldest version whose requests are laid out as they are read here. */
const oldestMinor = 31;

type Answering = (state: MountedState, request: KernelRequest) => Promise<Uint8Array> | Uint8Array;

/** What is not here is answered by `ENOSYS`; the kernel does without it then, or does it itself, as it does with locks and flushes. */
const answering: ReadonlyMap<number, Answering> = new Map<number, Answering>([
  [opcodes.lookup, names.lookup],
  [opcodes.getattr, attributes.getAttributes],
  [opcodes.setattr, attributes.setAttributes],
  [opcodes.readlink, attributes.readLink],
  [opcodes.symlink, names.makeSymlink],
  [opcodes.mknod, names.makeNode],
  [opcodes.mkdir, names.makeDirectory],
  [opcodes.unlink, names.unlink],
  [opcodes.rmdir, names.removeDirectory],
  [opcodes.rename, names.rename],
  [opcodes.rename2, names.rename],
  [opcodes.link, names.makeLink],
  [opcodes.open, content.openFile],
  [opcodes.read, content.readFile],
  [opcodes.write, content.writeFile],
  [opcodes.statfs, attributes.statFileSystem],
  [opcodes.release, content.release],
  [opcodes.fsync, content.syncAll],
  [opcodes.setxattr, attributes.setExtended],
  [opcodes.getxattr, attributes.getExtended],
  [opcodes.listxattr, attributes.listExtended],
  [opcodes.removexattr, attributes.removeExtended],
  [opcodes.opendir, directories.openDirectory],
  [opcodes.readdir, directories.readDirectory],
  [opcodes.readdirplus, directories.readDirectory],
  [opcodes.releasedir, content.release],
  [opcodes.fsyncdir, content.syncAll],
  [opcodes.syncfs, content.syncAll],
  [opcodes.create, names.createFile],
  [opcodes.fallocate, content.allocateFile],
  [opcodes.lseek, content.seekFile],
  [opcodes.copyFileRange, content.copyRange],
]);

export interface FuseSessionOptions {
  /** Lets the kernel gather writes, and be the one who knows sizes and times: only where nobody else changes the volume. */
  readonly writeBack?: boolean;
  /** A fault of the program was met while a request was answered, which got `EIO`. */
  readonly onFault: (thrown: unknown) => void;
}

/** Takes an answer to the kernel, at once or in a while. */
export type SendReply = (reply: Uint8Array) => Promise<void> | undefined;

/**
 * Answers the Linux kernel for one mount: requests in, answers out, each as
 * bytes. Requests may be handed over while others are being answered, and are
 * answered as they get done; what must come after another the kernel sends
 * after its answer. An interrupt is passed over: every request ends by itself.
 */
export class FuseSession implements AsyncDisposable {
  readonly #state: MountedState;
  readonly #options: FuseSessionOptions;
  #running = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** Takes the files over, and closes them with itself. */
  constructor(files: ServedFiles, options: FuseSessionOptions) {
    this.#options = options;
    this.#state = {
      files,
      handles: new OpenHandles(),
      buffers: new ReplyBuffers(),
      keptRemoved: new Set(),
      blockSizeBytes: files.capacity().blockSizeBytes,
      trustSeconds: files.isReadOnly ? keptTrustSeconds : liveTrustSeconds,
    };
  }

  get isReadOnly(): boolean {
    return this.#state.files.isReadOnly;
  }

  /** Requests that are being answered. */
  get running(): number {
    return this.#running;
  }

  /**
   * Answers one request by calling `send`, which is done with the answer when it
   * resolves, and at once where it resolves to nothing. The bytes of the request are needed
   * until the result resolves, or not any more when there is none. Never rejects.
   */
  handle(bytes: Uint8Array, send: SendReply): Promise<void> | undefined {
    if (this.#running >= requestsCopiedMax || isWriteRequest(bytes)) return this.#handle(bytes, send);
    void this.#handle(bytes.slice(), send);
    return undefined;
  }

  async #handle(bytes: Uint8Array, send: SendReply): Promise<void> {
    this.#running++;
    try {
      const reply = await this.#reply(bytes);
      if (reply === undefined) return;
      await send(reply);
      this.#state.buffers.giveBack(reply);
    } catch (thrown) {
      // Only a request that is none, or a `forget`, which nobody waits for.
      if (!isFault(thrown)) this.#options.onFault(thrown);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Waits for what is being answered, lets go of what programs had open, and closes the files. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #reply(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const request = new KernelRequest(bytes);
    const { opcode, unique } = request;
    if (opcode === opcodes.interrupt || opcode === opcodes.destroy) return undefined;
    if (opcode === opcodes.forget || opcode === opcodes.batchForget) {
      await names.forget(this.#state, request);
      return undefined;
    }
    try {
      if (this.#closing !== undefined) return encodeError(unique, errno.EIO);
      if (opcode === opcodes.init) return this.#greet(request);
      const answer = answering.get(opcode);
      return answer === undefined ? encodeError(unique, errno.ENOSYS) : await answer(this.#state, request);
    } catch (thrown) {
      if (!isFault(thrown)) this.#options.onFault(thrown);
      return encodeError(unique, errnoOf(thrown));
    }
  }

  #greet(request: KernelRequest): Uint8Array {
    const { major, minor, readAheadBytes, flags } = decodeInit(request);
    if (major !== 7 || minor < oldestMinor) return encodeError(request.unique, errno.EPROTO);
    return encodeInit(request.unique, { readAheadBytes, flags, writeBack: this.#options.writeBack === true });
  }

  async #end(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const { files, handles, keptRemoved } = this.#state;
    handles.clear();
    keptRemoved.clear();
    await files[Symbol.asyncDispose]();
  }
}
