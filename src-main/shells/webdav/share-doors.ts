import type { Clock, RandomSource } from '../../base/index.ts';
import type { SharePlace } from '../../contract/index.ts';
import type { ShareDoors } from '../../engine/index.ts';
import type { TrustStore } from '../../pairing/index.ts';
import { ownCertificate, readCertificate } from '../web/certificate.ts';
import { CertificateWatch } from '../web/certificate-watch.ts';
import { type ConsoleAddress, parseConsoleAddress, usualAddress } from '../web/console-address.ts';
import type { Certificate } from '../web/web-server.ts';
import { OpenShareDoor } from './share-door.ts';

function filesOf({ certificate, key }: SharePlace): { certificate: string; key: string } | undefined {
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function addressOf({ address }: SharePlace): ConsoleAddress {
  return parseConsoleAddress(address, 'shares');
}

/**
 * The addresses of this machine at which shares are served. Passwords go over
 * the line with each request: other machines are served by HTTPS alone.
 */
export function shareDoors(ports: { clock: Clock; random: RandomSource; identity: TrustStore }): ShareDoors {
  const certificateFor = async (place: SharePlace, { scheme }: ConsoleAddress): Promise<Certificate | undefined> => {
    if (scheme === 'http') return undefined;
    const files = filesOf(place);
    return files === undefined ? ownCertificate(ports.identity, ports.random) : readCertificate(files);
  };
  return {
    async check(place) {
      addressOf(place);
      const files = filesOf(place);
      if (files !== undefined) await readCertificate(files);
    },
    async open(place, hall) {
      if (place === undefined) return OpenShareDoor.open({ address: usualAddress, certificate: undefined }, hall, ports);
      const address = addressOf(place);
      const door = await OpenShareDoor.open({ address, certificate: await certificateFor(place, address) }, hall, ports);
      const files = filesOf(place);
      if (files === undefined || address.scheme === 'http') return door;
      const watch = new CertificateWatch({
        clock: ports.clock,
        tell: (text) => {
          hall.tell(text, 'warning');
        },
      });
      watch.watch(door.address, files, (renewed) => {
        door.renew(renewed);
      });
      const close = (): Promise<void> => {
        watch.close();
        return door.close();
      };
      return { address: door.address, [Symbol.asyncDispose]: close };
    },
  };
}
