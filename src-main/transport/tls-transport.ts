import { createHash, constants } from 'node:crypto';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { MirrorpointError, reasonOf } from '../base/index.ts';
import { formatAddress, parseAddress } from './address.ts';
import {
  closeGraceMs,
  connectTimeoutMs,
  handshakesPendingMax,
  handshakesPerHostMax,
  handshakeTimeoutMs,
  linksPerListenerMax,
  strangerLifeMs,
  strangersMax,
} from './limits.ts';
import { PendingHandshakes } from './pending-handshakes.ts';
import { connected, listening } from './socket-events.ts';
import { SocketLink } from './socket-link.ts';
import { SocketListener } from './socket-listener.ts';
import { sayAdmitted, sayRefused, waitForAdmission } from './tls-admission.ts';
import type { ConnectOptions, Link, Listener, Transport } from './transport.ts';

/** What a server proves its identity with, both in PEM. The key goes nowhere but into the TLS library. */
export interface TlsCredentials {
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** The things that are spoken over TLS, as the handshake names them (ALPN, RFC 7301). */
const replicationProtocol = 'mirrorpoint/1';
const controlProtocol = 'mirrorpoint-control/1';
const pairingProtocol = 'mirrorpoint-pairing/1';

const notAdmitted = 'does not admit this one: the two were never paired, or this server was revoked there. Make an invitation there, and pair again.';

/** What it means when the server refuses, and what to do. */
const refusals = {
  [replicationProtocol]: notAdmitted,
  [controlProtocol]: notAdmitted,
  [pairingProtocol]: 'takes nobody to pair now: others want to as well, or it stops. Try again in a moment.',
} as const;

/** Where links for questions go, and whose. */
export interface ControlDoor {
  admits(peer: string): boolean;
  onLink(link: Link): void;
}

/** The identity of a server: the SHA-256 of its certificate's DER bytes, 64 hex digits. */
export function identityOfCertificate(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/**
 * Links over TLS 1.3 in which each side has proven the key of a certificate that
 * the other one knows by its digest. Names, dates and issuers in certificates
 * mean nothing here.
 *
 * Sessions are not resumed: no ticket is honoured, and a connection that says it
 * is a resumed one is dropped on either side, since its certificates would not
 * be checked anew. Until `admit` says otherwise nobody is admitted.
 */
export class TlsTransport implements Transport {
  /** The server's own identity. */
  readonly identity: string;
  readonly #credentials: TlsCredentials;
  readonly #links = new Map<SocketLink, string>();
  readonly #listeners = new Set<SocketListener>();
  #admits: (peer: string) => boolean = () => false;
  #control: ControlDoor | undefined;
  #onStranger: ((link: Link) => void) | undefined;
  #strangers = 0;

  constructor(credentials: TlsCredentials) {
    this.#credentials = credentials;
    this.identity = identityOfCertificate(derOf(credentials.certificatePem));
  }

  /** Who may open links here. Asked on every connection. */
  admit(judge: (peer: string) => boolean): void {
    this.#admits = judge;
  }

  /** Who may ask questions, and who answers them; undefined refuses them all. Asked on every connection. */
  receiveControl(control: ControlDoor | undefined): void {
    this.#control = control;
  }

  /** Who takes the links of servers that want to pair; undefined refuses them. */
  receiveStrangers(onStranger: ((link: Link) => void) | undefined): void {
    this.#onStranger = onStranger;
  }

  /** The addresses that are listened to now. */
  get addresses(): readonly string[] {
    return [...this.#listeners].map((listener) => listener.address);
  }

  /** Cuts every link with a peer. */
  cut(peer: string): void {
    for (const [link, other] of this.#links) if (other === peer) link.cut();
  }

  /** Demands `peer`. Fails with 'peer-unknown' when the server there is another one, or does not admit this one. */
  connect(address: string, options: ConnectOptions = {}): Promise<Link> {
    return this.#connect(address, { ...options, protocol: replicationProtocol });
  }

  /** As `connect`, to ask the server there questions instead of sending it blocks. */
  connectToControl(address: string, options: ConnectOptions = {}): Promise<Link> {
    return this.#connect(address, { ...options, protocol: controlProtocol });
  }

  /** Connects to a server that does not know this one yet, and whose identity an invitation tells. */
  connectToPair(address: string, options: ConnectOptions = {}): Promise<Link> {
    return this.#connect(address, { ...options, protocol: pairingProtocol });
  }

  async listen(address: string, onLink: (link: Link) => void): Promise<Listener> {
    const { host, port } = tlsAddress(address);
    const server = tls.createServer({
      ...this.#common(),
      ALPNProtocols: Object.keys(refusals),
      requestCert: true,
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
    });
    server.maxConnections = linksPerListenerMax;
    const pending = new PendingHandshakes({ max: handshakesPendingMax, perHostMax: handshakesPerHostMax });
    server.on('connection', (socket: Socket) => {
      pending.add(socket);
    });
    // A handshake that fails concerns one stranger.
    server.on('tlsClientError', (_error, socket) => {
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      const carrier = pending.take(socket);
      if (carrier === undefined) socket.destroy();
      else this.#accept(socket, carrier, onLink);
    });
    await listening(server, { host, port, address });
    const bound = server.address() as AddressInfo;
    const listener = new SocketListener(server, formatAddress('tls', bound.address, bound.port));
    this.#listeners.add(listener);
    server.once('close', () => this.#listeners.delete(listener));
    return listener;
  }

  #accept(socket: TLSSocket, carrier: Socket, onLink: (link: Link) => void): void {
    const refuse = (): void => {
      socket.on('error', () => undefined);
      sayRefused(socket);
      setTimeout(() => socket.destroy(), closeGraceMs).unref();
    };
    const peer = provenPeer(socket);
    if (peer === undefined || peer === this.identity) {
      refuse();
      return;
    }
    const take = this.#takerOf(socket.alpnProtocol, { peer, onLink });
    if (take === undefined) {
      refuse();
      return;
    }
    sayAdmitted(socket);
    const remote = formatAddress('tls', carrier.remoteAddress ?? '', carrier.remotePort ?? 0);
    take(new SocketLink(socket, remote, { carrier, peerIdentity: peer }));
  }

  /** Who takes a link that speaks this protocol with this peer; undefined when nobody does. */
  #takerOf(protocol: string | false | null, from: { peer: string; onLink: (link: Link) => void }): ((link: SocketLink) => void) | undefined {
    const { peer, onLink } = from;
    const control = this.#control;
    const onStranger = this.#onStranger;
    if (protocol === replicationProtocol && this.#admits(peer)) return (link) => { onLink(this.#track(link, peer)); };
    if (protocol === controlProtocol && control?.admits(peer) === true) return (link) => { control.onLink(this.#track(link, peer)); };
    if (protocol !== pairingProtocol || onStranger === undefined || this.#strangers >= strangersMax) return undefined;
    return (link) => { this.#handStranger(link, onStranger); };
  }

  #handStranger(link: SocketLink, onStranger: (link: Link) => void): void {
    this.#strangers++;
    const life = setTimeout(() => {
      link.cut();
    }, strangerLifeMs).unref();
    void link.ended.then(() => {
      this.#strangers--;
      clearTimeout(life);
    });
    onStranger(link);
  }

  async #connect(address: string, options: ConnectOptions & { protocol: keyof typeof refusals }): Promise<Link> {
    const { host, port } = tlsAddress(address);
    const { peer, protocol, timeoutMs = connectTimeoutMs } = options;
    if (port === 0) throw notThere(address, 'port 0 stands for any free port of a listener');
    if (peer === undefined) {
      throw new MirrorpointError('peer-unknown', `Nobody said which server is to be at ${address}. Name a paired server.`);
    }
    if (peer === this.identity) throw notThere(address, 'the identity wanted there is this server\'s own');
    const deadlineMs = performance.now() + timeoutMs;
    const carrier = net.connect({ host, port, noDelay: true });
    await connected(carrier, address, timeoutMs);
    const socket = tls.connect({ ...this.#common(), socket: carrier, ALPNProtocols: [protocol] });
    const timer = setTimeout(() => carrier.destroy(), Math.max(1, deadlineMs - performance.now()));
    try {
      await secured(socket, address);
      checkPeer(socket, { address, peer });
      await waitForAdmission(socket, address, refusals[protocol]);
      return this.#track(new SocketLink(socket, address, { carrier, peerIdentity: peer }), peer);
    } catch (fault) {
      socket.on('error', () => undefined);
      socket.destroy();
      throw performance.now() >= deadlineMs ? unanswered(address, timeoutMs) : fault;
    } finally {
      clearTimeout(timer);
    }
  }

  #track(link: SocketLink, peer: string): SocketLink {
    this.#links.set(link, peer);
    void link.ended.then(() => this.#links.delete(link));
    return link;
  }

  /** The pins are checked by hand, on the digest: authorities and host names say nothing about who a peer is. */
  #common(): tls.SecureContextOptions & { rejectUnauthorized: false } {
    const { keyPem, certificatePem } = this.#credentials;
    return { key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', rejectUnauthorized: false };
  }
}

function tlsAddress(address: string): { host: string; port: number } {
  const parsed = parseAddress(address);
  if (parsed.scheme === 'tls') return parsed;
  throw new MirrorpointError('address-invalid', `'${address}' is no TLS address: use tls://HOST:PORT.`);
}

function notThere(address: string, why: string): MirrorpointError {
  return new MirrorpointError('address-invalid', `'${address}' cannot be connected to: ${why}.`);
}

function unanswered(address: string, timeoutMs: number): MirrorpointError {
  return new MirrorpointError('link-timeout', `${address} did not answer within ${timeoutMs} ms. Check that the server there is not stuck.`);
}

function derOf(certificatePem: string): Uint8Array {
  return Buffer.from(certificatePem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

/** Who is at the other end, or undefined when this connection does not prove it. */
function provenPeer(socket: TLSSocket): string | undefined {
  if (socket.getProtocol() !== 'TLSv1.3' || socket.isSessionReused()) return undefined;
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  return raw === undefined || raw.length === 0 ? undefined : identityOfCertificate(raw);
}

/** Fails with 'peer-unknown' unless the expected server proved itself on this connection. */
function checkPeer(socket: TLSSocket, expected: { address: string; peer: string }): void {
  const peer = provenPeer(socket);
  if (peer === expected.peer) return;
  throw new MirrorpointError(
    'peer-unknown',
    `The server at ${expected.address} is not the one expected: its identity is ${peer ?? 'not proven'}, and ${expected.peer} was paired. ` +
      'Check the address; if that server was set up anew, revoke its old identity and pair again.',
  );
}

function secured(socket: TLSSocket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error?: unknown): void => {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') {
        const text = `The server at ${address} knows no version of the protocol that this one speaks. Run the same version on both servers.`;
        reject(new MirrorpointError('protocol-too-new', text, { cause: error }));
        return;
      }
      const why = error instanceof Error ? reasonOf(error) : 'it ended the connection';
      reject(
        new MirrorpointError('link-refused', `No secure link to ${address} came about: ${why}. Check that a server of this program listens there.`, {
          cause: error,
        }),
      );
    };
    socket.once('error', failed);
    socket.once('close', failed);
    socket.once('secureConnect', () => {
      socket.off('error', failed);
      socket.off('close', failed);
      resolve();
    });
  });
}
