import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { type MirrorpointClient, MirrorpointError } from '../../src-main/contract/index.ts';
import type { Carrier, OpenCarrier } from './carrier.ts';
import { withCodedFaults } from './coded-faults.ts';

/** Where the server takes questions, beside the page. */
const rpcPath = '/rpc';

/** Whether the server answers this page's cookie; a socket that was refused does not say why. */
async function isSignedOut(): Promise<boolean> {
  try {
    const answer = await fetch('/', { method: 'HEAD', cache: 'no-store', redirect: 'manual' });
    return answer.status === 401 || answer.status === 403;
  } catch {
    return false;
  }
}

function openSocket(address: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      resolve(socket);
    });
    socket.addEventListener('close', () => {
      reject(new MirrorpointError('link-closed', 'The server does not answer. Look whether it runs.'));
    });
  });
}

/**
 * What the link needs of an open socket. What it would send once the socket is closing is dropped:
 * calls that wait are failed by the close, and taking them back then would fail with nobody to hear it.
 */
function sendingWhileOpen(socket: WebSocket): Pick<WebSocket, 'addEventListener' | 'removeEventListener' | 'send' | 'readyState'> {
  return {
    readyState: WebSocket.OPEN,
    addEventListener: socket.addEventListener.bind(socket),
    removeEventListener: socket.removeEventListener.bind(socket),
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
  };
}

/** Over a WebSocket to the server that the page came from. */
export function socketCarrier(page: Pick<Location, 'protocol' | 'host'>): Carrier {
  const address = `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${rpcPath}`;
  return {
    async open(): Promise<OpenCarrier | 'refused'> {
      let socket: WebSocket;
      try {
        socket = await openSocket(address);
      } catch (fault) {
        if (await isSignedOut()) return 'refused';
        throw fault;
      }
      const closed = new Promise<void>((resolve) => {
        socket.addEventListener('close', () => {
          resolve();
        });
      });
      const link = new RPCLink({
        websocket: sendingWhileOpen(socket),
        interceptors: [withCodedFaults(() => socket.readyState !== WebSocket.OPEN)],
      });
      return {
        client: createORPCClient<MirrorpointClient>(link),
        closed,
        close: () => {
          socket.close();
        },
      };
    },
  };
}
