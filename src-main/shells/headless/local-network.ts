import type { EventEmitter } from 'node:events';
import { networkInterfaces } from 'node:os';
import { Bonjour } from 'bonjour-service';
import type { NearbyServer } from '../../contract/index.ts';
import { plainName } from '../../pairing/index.ts';

/*
 * Multicast DNS runs in the process of a command, never in the server's: what
 * anybody on the network sends is taken apart by a library there, and the worst
 * it can do is end that command.
 */

/** Of services in DNS-SD (RFC 6763): _mirrorpoint._tcp. */
const serviceType = 'mirrorpoint';

/** How long to listen for answers, and how many to keep. */
const listenMs = 1500;
const nearbyMax = 64;
const addressesMax = 8;

const identityShape = /^[0-9a-f]{64}$/;

/** An address of one link, which means nothing elsewhere. */
function ofOneLink(address: string): boolean {
  return address.toLowerCase().startsWith('fe80:');
}

/** A responder whose faults, such as a machine without a network, only mean that nobody is found. */
function openBonjour(): Bonjour {
  const bonjour = new Bonjour({}, () => undefined);
  const { server } = bonjour as unknown as { server: { mdns: EventEmitter } };
  server.mdns.on('error', () => undefined);
  return bonjour;
}

/** The addresses of this machine at which others reach it, those of IPv4 first. */
export function machineHosts(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reached = all.filter((one) => !one.internal && !ofOneLink(one.address));
  const families = ['IPv4', 'IPv6'].map((family) => reached.filter((one) => one.family === family));
  return families.flat().map((one) => one.address);
}

/** Says by multicast DNS that a server invites at a port, until the result is called. */
export function announceInvitation(server: { name: string; identity: string; port: number }): () => void {
  const { name, identity, port } = server;
  const bonjour = openBonjour();
  // The part of the identity keeps two servers of one name apart.
  bonjour.publish({ name: `${name.slice(0, 40)} ${identity.slice(0, 8)}`, type: serviceType, port, txt: { name, identity } });
  return () => {
    bonjour.unpublishAll(() => {
      bonjour.destroy();
    });
  };
}

/** Listens for a short while for servers that invite. What they say is not proven. */
export async function findInviting(): Promise<NearbyServer[]> {
  const bonjour = openBonjour();
  const found = new Map<string, NearbyServer>();
  const browser = bonjour.find({ type: serviceType }, (service) => {
    const { name, identity } = (service.txt ?? {}) as { name?: unknown; identity?: unknown };
    if (typeof identity !== 'string' || !identityShape.test(identity) || found.size >= nearbyMax) return;
    const hosts = (service.addresses ?? []).filter((host) => !ofOneLink(host)).slice(0, addressesMax);
    const addresses = hosts.map((host) => `tls://${host.includes(':') ? `[${host}]` : host}:${service.port}`);
    found.set(identity, { identity, name: typeof name === 'string' ? plainName(name) : '', addresses });
  });
  await new Promise((resolve) => setTimeout(resolve, listenMs));
  browser.stop();
  bonjour.destroy();
  return [...found.values()];
}
