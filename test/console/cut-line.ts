import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A line between a browser and the servers of its machine, as a proxy, that can be cut and mended. */
export class CutLine implements AsyncDisposable {
  readonly #proxy: Server;
  readonly #sockets = new Set<Duplex>();
  #isCut = false;

  private constructor() {
    this.#proxy = createServer((asked, answer) => {
      const { method, headers } = asked;
      const onward = httpRequest(asked.url ?? '', { method, headers, agent: false }, (told) => {
        answer.writeHead(told.statusCode ?? 502, told.headers);
        told.pipe(answer);
      });
      onward.on('error', () => answer.destroy());
      asked.pipe(onward);
    });
    this.#proxy.on('connection', (socket: Duplex) => {
      this.#keep(socket);
      if (this.#isCut) socket.destroy();
    });
    this.#proxy.on('connect', (asked, socket: Duplex) => {
      const { hostname, port } = new URL(`http://${asked.url ?? ''}`);
      const onward = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      this.#keep(onward);
      for (const [one, other] of [[onward, socket], [socket, onward]] as const) one.on('close', () => other.destroy());
    });
  }

  static async open(): Promise<CutLine> {
    const line = new CutLine();
    await new Promise<void>((resolve) => line.#proxy.listen(0, '127.0.0.1', resolve));
    return line;
  }

  /** For a browser context, whose own machine is to be reached over the line as well. */
  get proxy(): { server: string; bypass: string } {
    return { server: `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`, bypass: '<-loopback>' };
  }

  /** Ends every connection, and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#proxy.close(resolve));
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
