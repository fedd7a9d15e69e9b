/** One end of a plain TLS link: what a line between two processes of this machine can do. */
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { serveParent } from './child.ts';
import { secondsOf } from './stopwatch.ts';

const pieceBytes = 1 << 20;

function takeAll(socket: TLSSocket): void {
  let totalBytes: number | undefined;
  let receivedBytes = 0;
  socket.on('data', (piece: Buffer) => {
    totalBytes ??= Number(piece.readBigUInt64LE(0));
    receivedBytes += piece.length;
    if (receivedBytes === totalBytes) socket.end('done');
  });
}

const service = {
  /** Resolves to the port. Whoever connects says first how many bytes will come in all. */
  async listen(identity: { keyPem: string; certificatePem: string }): Promise<number> {
    const server = createServer({ key: identity.keyPem, cert: identity.certificatePem, minVersion: 'TLSv1.3' }, takeAll);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  /** Resolves to the seconds until the other end has everything. */
  async send({ port, totalBytes }: { port: number; totalBytes: number }): Promise<number> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const piece = Buffer.alloc(pieceBytes, 'mirror');
    piece.writeBigUInt64LE(BigInt(totalBytes));
    return secondsOf(async () => {
      const answered = new Promise((resolve) => socket.once('data', resolve));
      for (let sent = 0; sent < totalBytes; sent += pieceBytes) {
        const isRoom = socket.write(piece.subarray(0, Math.min(pieceBytes, totalBytes - sent)));
        if (!isRoom) await new Promise((resolve) => socket.once('drain', resolve));
      }
      await answered;
    });
  },
};

export type TlsService = typeof service;

serveParent(service);
