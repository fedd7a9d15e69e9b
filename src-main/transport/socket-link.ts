import type { Socket } from 'node:net';
import { assert, MirrorpointError, reasonOf } from '../base/index.ts';
import { closeGraceMs, readAheadBytesMax } from './limits.ts';
import { Outstanding } from './outstanding.ts';
import { SocketWriter } from './socket-writer.ts';
import type { Link } from './transport.ts';

interface WaitingReader {
  readonly resolve: (chunk: Uint8Array | undefined) => void;
  readonly reject: (fault: Error) => void;
}

/**
 * A link over a connected socket, which it owns from then on. A peer whose
 * process dies may look like one that ended in order, since the kernel closes
 * its socket: whether a session was complete is for the protocol to say.
 */
export class SocketLink implements Link {
  readonly remote: string;
  readonly peerIdentity?: string;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  /** What carries the socket's bytes: itself, or the TCP socket under an encrypted one. */
  readonly #carrier: Socket;
  readonly #outstanding = new Outstanding();
  readonly #closed: Promise<void>;
  /** Chunks not yet asked for; those before the index were handed out. */
  #chunks: Uint8Array[] = [];
  #chunkIndex = 0;
  #chunkBytes = 0;
  #reader: WaitingReader | undefined;
  #peerEnded = false;
  #cause: unknown;
  #isClosing = false;

  constructor(socket: Socket, remote: string, options: { carrier?: Socket; peerIdentity?: string } = {}) {
    if (options.peerIdentity !== undefined) this.peerIdentity = options.peerIdentity;
    this.#socket = socket;
    this.#writer = new SocketWriter(socket);
    this.#carrier = options.carrier ?? socket;
    this.remote = remote;
    socket.on('data', (chunk: Uint8Array) => {
      this.#onData(chunk);
    });
    socket.on('end', () => {
      this.#peerEnded = true;
      this.#settleReader();
    });
    socket.on('error', (error) => {
      this.#cause ??= error;
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#settleReader();
        resolve();
      });
    });
    socket.resume();
  }

  send(buffers: readonly Uint8Array[]): Promise<void> {
    if (this.#isClosing || !this.#socket.writable) return Promise.reject(this.#fault());
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#outstanding.add(bytes);
    return new Promise((resolve, reject) => {
      this.#writer.write(buffers, (error) => {
        this.#outstanding.remove(bytes);
        if (error) reject(this.#fault(error));
        else resolve();
      });
    });
  }

  receive(): Promise<Uint8Array | undefined> {
    assert(this.#reader === undefined, 'one receive may be pending on a link');
    if (this.#isClosing) return Promise.reject(this.#fault());
    const chunk = this.#nextChunk();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#peerEnded) return Promise.resolve(undefined);
    if (this.#socket.destroyed) return Promise.reject(this.#fault());
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  close(): Promise<void> {
    if (this.#isClosing) return this.#closed;
    this.#stopReading();
    if (this.#socket.destroyed) return this.#closed;
    // What the peer still sends is read and dropped: closing with unread bytes
    // would make the kernel reset the link and lose what was sent.
    this.#socket.resume();
    this.#writer.end();
    const grace = setTimeout(() => {
      this.#socket.destroy();
    }, closeGraceMs);
    return this.#closed.finally(() => {
      clearTimeout(grace);
    });
  }

  /** Drops the link at once, as when the wire is cut: what was not taken or read is lost. */
  cut(): void {
    this.#stopReading();
    // A reset tells the peer that this was no orderly end; local sockets have none.
    if (this.#carrier.remoteAddress !== undefined) this.#carrier.resetAndDestroy();
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves when the link has ended, however that came about. */
  get ended(): Promise<void> {
    return this.#closed;
  }

  #stopReading(): void {
    this.#isClosing = true;
    this.#chunks = [];
    this.#chunkIndex = 0;
    this.#chunkBytes = 0;
    this.#reader?.reject(this.#fault());
    this.#reader = undefined;
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosing) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes >= readAheadBytesMax) this.#socket.pause();
  }

  #nextChunk(): Uint8Array | undefined {
    const chunk = this.#chunks[this.#chunkIndex];
    if (chunk === undefined) return undefined;
    this.#chunkIndex++;
    this.#chunkBytes -= chunk.length;
    if (this.#chunkIndex === this.#chunks.length) {
      this.#chunks = [];
      this.#chunkIndex = 0;
    }
    if (this.#socket.isPaused() && this.#chunkBytes <= readAheadBytesMax / 2) this.#socket.resume();
    return chunk;
  }

  /** Called when nothing more will come: a pending receive learns whether that was in order. */
  #settleReader(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (this.#peerEnded) reader?.resolve(undefined);
    else reader?.reject(this.#fault());
  }

  #fault(error: unknown = this.#cause): MirrorpointError {
    const why = this.#isClosing ? 'it was closed here' : error === undefined ? 'the peer is gone' : reasonOf(error);
    return new MirrorpointError('link-closed', `The link to ${this.remote} carries nothing any more: ${why}. Open it again.`, {
      cause: error,
    });
  }
}
