import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { MirrorpointError } from '../base/index.ts';
import { formatAddress, parseAddress } from './address.ts';
import { connectTimeoutMs, linksPerListenerMax } from './limits.ts';
import { connected, listening } from './socket-events.ts';
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
      onLink(new SocketLink(socket, formatAddress('tcp', socket.remoteAddress ?? host, socket.remotePort ?? 0)));
    });
    await listening(server, { host, port, address });
    const bound = server.address() as AddressInfo;
    return new SocketListener(server, formatAddress('tcp', bound.address, bound.port));
  }
}

function tcpAddress(address: string): { host: string; port: number } {
  const parsed = parseAddress(address);
  if (parsed.scheme === 'tcp') return parsed;
  throw new MirrorpointError('address-invalid', `'${address}' is no TCP address: use tcp://127.0.0.1:PORT.`);
}
