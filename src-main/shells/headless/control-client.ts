import { connect } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { WebSocket } from 'ws';
import { MirrorpointError } from '../../base/index.ts';
import { faultFromWire, translatingFaults } from '../../contract/index.ts';
import type { CommandClient } from '../web/console-contract.ts';

/** A connection to the server of a configuration folder. */
export interface ControlClient extends AsyncDisposable {
  readonly client: CommandClient;
  close(): Promise<void>;
}

/** Larger than any answer. */
const answerBytesMax = 16 * 1024 * 1024;

function lost(cause: unknown): MirrorpointError {
  return new MirrorpointError(
    'link-closed',
    'The server ended the connection before it answered. Look whether it still runs by `mirrorpoint status`.',
    { cause },
  );
}

/** Connects to the server at an endpoint; undefined when none listens there. */
export async function connectControl(endpoint: string): Promise<ControlClient | undefined> {
  const socket = new WebSocket('ws://localhost/', {
    createConnection: () => connect(endpoint),
    perMessageDeflate: false,
    maxPayload: answerBytesMax,
  });
  socket.binaryType = 'arraybuffer';
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('open', () => {
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
  if (!isOpen) return undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  socket.on('error', () => {
    socket.terminate();
  });
  const translate = (thrown: unknown): unknown => {
    const fault = faultFromWire(thrown);
    const isLost = socket.readyState !== WebSocket.OPEN && !(fault instanceof MirrorpointError);
    return isLost ? lost(thrown) : fault;
  };
  const link = new RPCLink({
    websocket: socket as unknown as globalThis.WebSocket,
    interceptors: [(options) => translatingFaults(() => options.next(), translate)],
  });
  const close = async (): Promise<void> => {
    socket.close();
    await closed;
  };
  return { client: createORPCClient<CommandClient>(link), close, [Symbol.asyncDispose]: close };
}
