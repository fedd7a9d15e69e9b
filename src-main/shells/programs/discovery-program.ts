/**
 * Speaks multicast DNS, in a process of its own: what anybody on the network
 * sends is taken apart by a library here, and the worst that it can do is end
 * this process. The machine is out of its reach.
 */
import type { EventEmitter } from 'node:events';
import { Bonjour } from 'bonjour-service';
import { addressesMax, discoveryTaskSchema, type HeardServer, heardServerSchema } from './discovery-task.ts';
import { taskOf, tell } from './program-life.ts';

/** Of services in DNS-SD (RFC 6763): _mirrorpoint._tcp. */
const serviceType = 'mirrorpoint';

/** How long to wait for the goodbye to leave. */
const goodbyeMs = 500;

/** A responder whose faults, such as a machine without a network, only mean that nobody is found. */
function openBonjour(): Bonjour {
  const opened = new Bonjour({}, () => undefined);
  const { server } = opened as unknown as { server: { mdns: EventEmitter } };
  server.mdns.on('error', () => undefined);
  return opened;
}

/** An address of one link, which means nothing elsewhere. */
function ofOneLink(address: string): boolean {
  return address.toLowerCase().startsWith('fe80:');
}

/** What a service says of itself, when it has the form that it must have. */
function heardServer(service: { txt?: unknown; addresses?: string[]; port: number }): HeardServer | undefined {
  const { name, identity } = (service.txt ?? {}) as { name?: unknown; identity?: unknown };
  const hosts = (service.addresses ?? []).filter((host) => !ofOneLink(host)).slice(0, addressesMax);
  const addresses = hosts.map((host) => `tls://${host.includes(':') ? `[${host}]` : host}:${service.port}`);
  return heardServerSchema.safeParse({ name: typeof name === 'string' ? name : '', identity, addresses }).data;
}

function end(): void {
  setTimeout(() => process.exit(), goodbyeMs);
  bonjour.unpublishAll(() => process.exit());
}

const task = taskOf(discoveryTaskSchema, end);
const bonjour = openBonjour();
if (task.task === 'find') {
  bonjour.find({ type: serviceType }, (service) => {
    const server = heardServer(service);
    if (server !== undefined) void tell(server);
  });
  setTimeout(() => process.exit(), task.listenMs);
} else {
  const { name, identity, port } = task;
  // The part of the identity keeps two servers of one name apart, so that no name has to be tried first.
  bonjour.publish({ name: `${name.slice(0, 40)} ${identity.slice(0, 8)}`, type: serviceType, port, txt: { name, identity }, probe: false });
}
