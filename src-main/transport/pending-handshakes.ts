import type { Socket } from 'node:net';

function endOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
}

/** The connections of a listener that have not shown who they are: few, and few of one host, so that one host cannot keep all others out. */
export class PendingHandshakes {
  readonly #limits: { readonly max: number; readonly perHostMax: number };
  readonly #pending = new Map<string, Socket>();

  constructor(limits: { max: number; perHostMax: number }) {
    this.#limits = limits;
  }

  /** Takes up a connection, or drops it when there are too many. */
  add(socket: Socket): void {
    const { max, perHostMax } = this.#limits;
    const ofHost = [...this.#pending.values()].filter((other) => other.remoteAddress === socket.remoteAddress).length;
    if (this.#pending.size >= max || ofHost >= perHostMax) {
      socket.destroy();
      return;
    }
    const end = endOf(socket);
    this.#pending.set(end, socket);
    socket.once('close', () => {
      if (this.#pending.get(end) === socket) this.#pending.delete(end);
    });
  }

  /** The connection under an encrypted socket whose handshake is over; undefined when it is gone. */
  take(socket: Socket): Socket | undefined {
    const end = endOf(socket);
    const carrier = this.#pending.get(end);
    this.#pending.delete(end);
    return carrier;
  }
}
