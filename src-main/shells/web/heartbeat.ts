import type { WebSocket } from 'ws';

/** Notices who has gone without a word, as a machine does that fell asleep. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  readonly #silent = new WeakSet<WebSocket>();

  constructor(sockets: ReadonlySet<WebSocket>, everyMs: number) {
    this.#timer = setInterval(() => {
      for (const socket of sockets) this.#ask(socket);
    }, everyMs);
    this.#timer.unref();
  }

  watch(socket: WebSocket): void {
    socket.on('pong', () => this.#silent.delete(socket));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #ask(socket: WebSocket): void {
    if (this.#silent.has(socket)) socket.terminate();
    else {
      this.#silent.add(socket);
      socket.ping();
    }
  }
}
