import path from 'node:path';
import type { Socket } from 'node:net';
import { IPCModule } from 'node-ipc';
import { MirrorpointError, Mutex } from '../base/index.ts';
import { parseAddress } from './address.ts';
import { checkFolder, clearStaleEndpoint, endpointPath, prepareFolder } from './ipc-endpoint.ts';
import { connectTimeoutMs, linksPerListenerMax } from './limits.ts';
import { connectFault, listenFault } from './socket-faults.ts';
import { SocketLink } from './socket-link.ts';
import { SocketListener } from './socket-listener.ts';
import type { ConnectOptions, Link, Listener, Transport } from './transport.ts';

/** Listeners of one process begin one after another: what one clears away must not be what another has just made. */
const beginnings = new Mutex();

/**
 * Links between processes of one machine, by name. node-ipc makes the endpoint
 * and hands over the connected socket; bytes and back-pressure are the link's,
 * since node-ipc in raw mode reads without a limit.
 */
export class IpcTransport implements Transport {
  readonly #folder: string;

  /** The folder holds the sockets. It is made when missing, and refused when others can write in it. */
  constructor(options: { folder: string }) {
    this.#folder = path.resolve(options.folder);
  }

  async connect(address: string, options: ConnectOptions = {}): Promise<Link> {
    const name = ipcName(address);
    const endpoint = endpointPath(this.#folder, name);
    await checkFolder(this.#folder);
    const timeoutMs = options.timeoutMs ?? connectTimeoutMs;
    const ipc = createIpc(this.#folder);
    const socket = await connectedSocket(ipc, { address, name, endpoint, timeoutMs });
    return new SocketLink(socket, address);
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    const endpoint = endpointPath(this.#folder, ipcName(address));
    await prepareFolder(this.#folder);
    const ipc = createIpc(this.#folder);
    await beginnings.run(async () => {
      await clearStaleEndpoint(endpoint, address);
      await started(ipc, { address, endpoint });
    });
    ipc.server.on('connect', (socket) => {
      onLink(new SocketLink(takeOver(socket), `${address}#peer`));
    });
    const { server } = ipc.server;
    if (server === false) throw listenFault(address, new Error('node-ipc has no server'));
    return new SocketListener(server, address);
  }
}

function ipcName(address: string): string {
  const parsed = parseAddress(address);
  if (parsed.scheme === 'ipc') return parsed.name;
  throw new MirrorpointError('address-invalid', `'${address}' is no ipc address: use ipc://NAME.`);
}

/** An instance that prints nothing, frames nothing, removes no socket and connects once. */
function createIpc(folder: string): IPCModule {
  const ipc = new IPCModule();
  Object.assign(ipc.config, {
    socketRoot: `${folder}${path.sep}`,
    appspace: '',
    silent: true,
    logger: () => undefined,
    rawBuffer: true,
    unlink: false,
    secureSocketRoot: true,
    maxConnections: linksPerListenerMax,
    maxRetries: 0,
    stopRetrying: true,
  });
  return ipc;
}

/** The socket without node-ipc's own reader, paused until its link reads. */
function takeOver(socket: Socket): Socket {
  socket.pause();
  socket.removeAllListeners('data');
  return socket;
}

function started(ipc: IPCModule, options: { address: string; endpoint: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    ipc.serve(options.endpoint, resolve);
    ipc.server.on('error', (error) => {
      reject(listenFault(options.address, error));
    });
    ipc.server.start();
  });
}

function connectedSocket(
  ipc: IPCModule,
  options: { address: string; name: string; endpoint: string; timeoutMs: number },
): Promise<Socket> {
  const { address, name, endpoint, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const failed = (fault: Error): void => {
      clearTimeout(timer);
      ipc.disconnect(name);
      reject(fault);
    };
    const timer = setTimeout(() => {
      failed(
        new MirrorpointError('link-timeout', `${address} did not answer within ${timeoutMs} ms. Check that the server there is not stuck.`),
      );
    }, timeoutMs);
    ipc.connectTo(name, endpoint);
    const client = ipc.of[name];
    if (client === undefined) {
      failed(connectFault(address, new Error('node-ipc made no client')));
      return;
    }
    client.on('error', (error) => {
      failed(connectFault(address, error));
    });
    client.on('connect', () => {
      clearTimeout(timer);
      resolve(takeOver(client.socket));
    });
  });
}
