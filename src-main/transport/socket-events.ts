import type { Server, Socket } from 'node:net';
import { MirrorpointError } from '../base/index.ts';
import { connectFault, listenFault } from './socket-faults.ts';

/** Resolves when the server listens. Fails with 'address-in-use', 'not-permitted' or 'address-invalid'. */
export function listening(server: Server, options: { host: string; port: number; address: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenFault(options.address, error));
    });
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** Resolves when the socket has connected. Fails with 'link-refused' or 'link-timeout', and destroys the socket then. */
export function connected(socket: Socket, address: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (fault: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(fault);
    };
    const timer = setTimeout(() => {
      failed(
        new MirrorpointError('link-timeout', `${address} did not answer within ${timeoutMs} ms. Check that the server there is not stuck.`),
      );
    }, timeoutMs);
    socket.once('error', (error) => {
      failed(connectFault(address, error));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve();
    });
  });
}
