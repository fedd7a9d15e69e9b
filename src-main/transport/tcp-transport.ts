import net from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { MirrorpointError } from '../base/index.ts';
import { formatTcpAddress, parseAddress } from './address.ts';
import { connectTimeoutMs, linksPerListenerMax } from './limits.ts';
import { connectFault, listenFault } from './socket-faults.ts';
import { SocketLink } from './socket-link.ts';
import { SocketListener } from './socket-listener.ts';
import type { ConnectOptions, Link, Listener, Transport } from './transport.ts';

/** Links over TCP on this machine's loopback. */
export class TcpTransport implements Transport {
  async connect(address: string, options: ConnectOptions = {}): Promise<Link> {
    const { host, port } = tcpAddress(address);
    if (port === 0) {
      throw new MirrorpointError('address-invalid', `'${address}' cannot be connected to: port 0 stands for any free port of a listener.`);
    }
    const timeoutMs = options.timeoutMs ?? connectTimeoutMs;
    const socket = net.connect({ host, port, noDelay: true });
    await connected(socket, address, timeoutMs);
    return new SocketLink(socket, address);
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    const { host, port } = tcpAddress(address);
    const server = net.createServer({ noDelay: true, pauseOnConnect: true });
    server.maxConnections = linksPerListenerMax;
    server.on('connection', (socket) => {
      onLink(new SocketLink(socket, formatTcpAddress(socket.remoteAddress ?? host, socket.remotePort ?? 0)));
    });
    await listening(server, { host, port, address });
    const bound = server.address() as AddressInfo;
    return new SocketListener(server, formatTcpAddress(bound.address, bound.port));
  }
}

function tcpAddress(address: string): { host: string; port: number } {
  const parsed = parseAddress(address);
  if (parsed.scheme === 'tcp') return parsed;
  throw new MirrorpointError('address-invalid', `'${address}' is no TCP address: use tcp://127.0.0.1:PORT.`);
}

function listening(server: Server, options: { host: string; port: number; address: string }): Promise<void> {
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

function connected(socket: Socket, address: string, timeoutMs: number): Promise<void> {
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
