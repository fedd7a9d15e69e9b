import { MirrorpointError } from '../base/index.ts';

/** Where a link leads. */
export type Address =
  | { readonly scheme: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly scheme: 'ipc' | 'memory'; readonly name: string };

const nameShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const hostAndPortShape = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/?#@\s]+)):([0-9]{1,5})$/;
const loopbackV4 = /^127\.(?:[0-9]{1,3})\.(?:[0-9]{1,3})\.(?:[0-9]{1,3})$/;

function invalid(address: string, why: string): MirrorpointError {
  return new MirrorpointError(
    'address-invalid',
    `'${address}' is no usable address: ${why}. Use tls://HOST:PORT, tcp://127.0.0.1:PORT, ipc://NAME or memory://NAME.`,
  );
}

/**
 * Takes apart `tls://HOST:PORT`, `tcp://HOST:PORT`, `ipc://NAME` or
 * `memory://NAME`. TCP reaches loopback only, since its bytes are neither
 * encrypted nor its peers known; TLS reaches every machine.
 * Fails with 'address-invalid', saying what is wrong.
 */
export function parseAddress(address: string): Address {
  const separator = address.indexOf('://');
  if (separator < 0) throw invalid(address, 'it has no scheme');
  const scheme = address.slice(0, separator);
  const rest = address.slice(separator + 3);
  if (scheme === 'tcp') return parseTcp(address, rest);
  if (scheme === 'tls') return { scheme, ...parseHostAndPort(address, rest) };
  if (scheme !== 'ipc' && scheme !== 'memory') throw invalid(address, `the scheme '${scheme}' is not known`);
  if (!nameShape.test(rest)) {
    throw invalid(address, 'a name is 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a letter or digit');
  }
  return { scheme, name: rest };
}

function parseHostAndPort(address: string, rest: string): { host: string; port: number } {
  const match = hostAndPortShape.exec(rest);
  if (match === null) throw invalid(address, 'it is not a host and a port');
  const host = (match[1] ?? match[2] ?? '').toLowerCase();
  const port = Number(match[3]);
  if (port > 65_535) throw invalid(address, `port ${port} is over 65535`);
  return { host, port };
}

function parseTcp(address: string, rest: string): Address {
  const { host, port } = parseHostAndPort(address, rest);
  // The name is not looked up, so that nothing but this machine can answer for it.
  if (host === 'localhost') return { scheme: 'tcp', host: '127.0.0.1', port };
  const loopback = host.includes(':') ? host === '::1' : isLoopbackV4(host);
  if (!loopback) {
    throw invalid(address, `TCP is not encrypted, so it reaches only this machine, and '${host}' is elsewhere`);
  }
  return { scheme: 'tcp', host, port };
}

function isLoopbackV4(host: string): boolean {
  return loopbackV4.test(host) && host.split('.').every((part) => Number(part) <= 255);
}

export function formatAddress(scheme: 'tcp' | 'tls', host: string, port: number): string {
  return host.includes(':') ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`;
}
