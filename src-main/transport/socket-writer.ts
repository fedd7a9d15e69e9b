import type { Socket } from 'node:net';

/** A buffer from this size on is written by itself. */
const aloneBytesMin = 64 * 1024;

type Taken = (error?: Error | null) => void;

interface Waiting {
  readonly buffer: Uint8Array;
  /** Of the last buffer of a send. */
  readonly taken?: Taken;
}

/**
 * Writes buffers to a socket in order. Small ones leave in one gathered write. A
 * large one goes alone: of several TLS makes one, which is a megabyte of memory
 * to be got and filled for each message of blocks. So a write begins when the
 * one before has been taken, for a socket gathers all that waits in it.
 */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #isWriting = false;
  #isEnding = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(buffers: readonly Uint8Array[], taken: Taken): void {
    for (const buffer of buffers.slice(0, -1)) this.#waiting.push({ buffer });
    this.#waiting.push({ buffer: buffers.at(-1) ?? new Uint8Array(), taken });
    if (!this.#isWriting) this.#writeNext();
  }

  /** Ends the socket behind what was written. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isWriting) this.#socket.end();
  }

  #writeNext(): void {
    const group = this.#nextGroup();
    if (group.length === 0) {
      if (this.#isEnding) this.#socket.end();
      return;
    }
    this.#isWriting = true;
    const done: Taken = (error) => {
      this.#isWriting = false;
      this.#writeNext();
      for (const { taken } of group) taken?.(error);
    };
    const last = group.length - 1;
    if (last > 0) this.#socket.cork();
    for (const [index, { buffer }] of group.entries()) this.#socket.write(buffer, index === last ? done : undefined);
    if (last > 0) this.#socket.uncork();
  }

  #nextGroup(): readonly Waiting[] {
    const isLarge = ({ buffer }: Waiting): boolean => buffer.length >= aloneBytesMin;
    const large = this.#waiting.findIndex(isLarge);
    return this.#waiting.splice(0, large === 0 ? 1 : large < 0 ? this.#waiting.length : large);
  }
}
