/**
 * Transport: links that carry bytes between two servers. TLS between machines,
 * TCP on loopback, node-ipc between processes of one machine, memory within one
 * process.
 *
 * - A link is an ordered stream of bytes; framing belongs to its users.
 * - Reading is pulled: a reader that waits holds its sender back, and neither
 *   side keeps more than a named maximum.
 * - Addresses are checked before anything is opened; nothing but loopback is
 *   reached over TCP.
 * - A TLS link stands between two servers whose certificates were both checked
 *   on that very connection: no session is ever resumed, and who is not admitted
 *   by its certificate's digest is refused.
 * - Whoever opens a link or listener closes it; a listener does not own the
 *   links that it has handed out.
 */
export * from './limits.ts';
export type * from './transport.ts';
export { parseAddress } from './address.ts';
export type { Address } from './address.ts';
export { IpcTransport } from './ipc-transport.ts';
export { createMemoryPair, MemoryLink } from './memory-link.ts';
export { MemoryTransport } from './memory-transport.ts';
export type { WrapLink } from './memory-transport.ts';
export { SocketLink } from './socket-link.ts';
export { TcpTransport } from './tcp-transport.ts';
export { identityOfCertificate, TlsTransport } from './tls-transport.ts';
export type { ControlDoor, TlsCredentials } from './tls-transport.ts';
export { createTransports } from './transports.ts';
