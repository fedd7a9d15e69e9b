import type { TLSSocket } from 'node:tls';
import { MirrorpointError, reasonOf } from '../base/index.ts';

/**
 * What the listening side says first: 'MPT' and 1 when it takes the link, or 0
 * when it refuses. A client of TLS 1.3 has its connection before the server has
 * seen its certificate, and would otherwise not learn why the link ends.
 */
const admissionBytes = 4;
const admitted = Buffer.from('MPT1');
const refused = Buffer.from('MPT0');

export function sayAdmitted(socket: TLSSocket): void {
  socket.write(admitted);
}

export function sayRefused(socket: TLSSocket): void {
  socket.end(refused);
}

/**
 * Waits for the other side's word. Fails with 'peer-unknown' when it refuses,
 * saying what that means, and with 'link-closed' when it says nothing.
 */
export function waitForAdmission(socket: TLSSocket, address: string, meaning: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (fault?: MirrorpointError): void => {
      socket.off('readable', onReadable);
      socket.off('error', onEnd);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      if (fault === undefined) resolve();
      else reject(fault);
    };
    const onReadable = (): void => {
      const word = socket.read(admissionBytes) as Buffer | null;
      if (word === null) return;
      if (word.equals(admitted)) settle();
      else settle(word.equals(refused) ? new MirrorpointError('peer-unknown', `The server at ${address} ${meaning}`) : strange(address));
    };
    const onEnd = (error?: unknown): void => {
      const why = error instanceof Error ? reasonOf(error) : 'it ended the link';
      settle(new MirrorpointError('link-closed', `${address} said nothing: ${why}. Try again.`, { cause: error }));
    };
    socket.on('readable', onReadable);
    socket.on('error', onEnd);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
  });
}

function strange(address: string): MirrorpointError {
  return new MirrorpointError('frame-invalid', `What answers at ${address} does not speak this program's protocol. Check the address.`);
}
