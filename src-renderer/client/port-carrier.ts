import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import { type DesktopBridge, type MirrorpointClient } from '../../src-main/contract/index.ts';
import type { Carrier, OpenCarrier } from './carrier.ts';
import { withCodedFaults } from './coded-faults.ts';

/** The data of the message that brings the port. */
const portMessage = 'mirrorpoint-port';

function openPort(port: MessagePort): OpenCarrier {
  const closed = Promise.withResolvers<undefined>();
  port.addEventListener('close', () => {
    closed.resolve(undefined);
  });
  const link = new RPCLink({ port, interceptors: [withCodedFaults(() => isClosed)] });
  let isClosed = false;
  void closed.promise.then(() => {
    isClosed = true;
  });
  port.start();
  return {
    client: createORPCClient<MirrorpointClient>(link),
    closed: closed.promise,
    close: () => {
      port.close();
      closed.resolve(undefined);
    },
  };
}

/** Over a port that the desktop's main process hands to its window. */
export function portCarrier(desktop: DesktopBridge): Carrier {
  return {
    open: () =>
      new Promise((resolve) => {
        const receive = (event: MessageEvent): void => {
          const [port] = event.ports;
          if (event.source !== window || event.data !== portMessage || port === undefined) return;
          window.removeEventListener('message', receive);
          resolve(openPort(port));
        };
        window.addEventListener('message', receive);
        desktop.connect();
      }),
  };
}
