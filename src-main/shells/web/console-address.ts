import { BlockList, isIP, isIPv4 } from 'node:net';
import { MirrorpointError } from '../../base/index.ts';

/** Tried one after another, so that the console is found where it was; then any that is free will do. */
export const usualPorts: readonly number[] = Array.from({ length: 10 }, (_, index) => 7480 + index);

/** Where the console is served. */
export interface ConsoleAddress {
  readonly scheme: 'http' | 'https';
  /** An address of IPv4 or IPv6, without brackets. */
  readonly host: string;
  /** undefined: a usual one, or any that is free; 0: any that is free. */
  readonly port: number | undefined;
}

export const usualAddress: ConsoleAddress = { scheme: 'http', host: '127.0.0.1', port: undefined };

const shape = /^(?:(https?):\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/?#@\s]+))(?::([0-9]{1,5}))?\/?$/;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

export function isLoopback(host: string): boolean {
  return loopback.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
}

function invalid(text: string, why: string, what: string): MirrorpointError {
  return new MirrorpointError('address-invalid', `'${text}' is no address for ${what}: ${why}. Write an IP address and a port, such as 127.0.0.1:7480 or 0.0.0.0:7443.`);
}

/**
 * Takes apart `[http://|https://]HOST[:PORT]`. This machine alone is served
 * without encryption; every other address is https. `what` is served there, in
 * messages. Fails with 'address-invalid'.
 */
export function parseConsoleAddress(text: string, what = 'the console'): ConsoleAddress {
  const match = shape.exec(text);
  if (match === null) throw invalid(text, 'it is not a host and a port', what);
  const [, scheme, inBrackets, plain = '', portText] = match;
  const host = inBrackets ?? (plain === 'localhost' ? '127.0.0.1' : plain);
  if (isIP(host) === 0) throw invalid(text, `'${host}' is no IP address, and names are not looked up`, what);
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && port > 65_535) throw invalid(text, `port ${port} is over 65535`, what);
  const isOwn = isLoopback(host);
  if (scheme === 'http' && !isOwn) throw invalid(text, 'without encryption only this machine is served', what);
  return { scheme: scheme === 'https' || !isOwn ? 'https' : 'http', host, port };
}

export function formatConsoleAddress({ scheme, host, port }: { scheme: string; host: string; port: number }): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
