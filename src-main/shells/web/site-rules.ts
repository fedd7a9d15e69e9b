import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from './console-address.ts';

/** One address at which the console is served, as far as requests are judged by it. */
export interface Site {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** Names and addresses, in small letters, by which browsers may reach it beside the address that they connect to. */
  readonly names: ReadonlySet<string>;
}

const hostShape = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?$/;

const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** An address of IPv4 that a socket of IPv6 shows. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** One way to write an address of a host, since IPv6 has many. */
function inOneWay(host: string): string {
  return host.startsWith('[') ? (URL.parse(`http://${host}`)?.hostname ?? host) : host;
}

/**
 * Whether a request's Host is this server's own. A foreign page that has its
 * name resolve to this machine (DNS rebinding) sends its own name.
 */
export function isOwnHost(site: Site, host: string | undefined, localAddress: string): boolean {
  const [, name = '', port] = hostShape.exec(host?.toLowerCase() ?? '') ?? [];
  if (name === '' || Number(port ?? (site.scheme === 'https' ? 443 : 80)) !== site.port) return false;
  const own = plainAddress(localAddress);
  const connectedTo = isIP(own) === 6 ? `[${own}]` : own;
  if (inOneWay(name) === inOneWay(connectedTo) || site.names.has(name)) return true;
  return isLoopback(own) && ownNames.has(inOneWay(name));
}

/** Whether a request comes from a page that is not the console's own; a link elsewhere may lead to the console's page. */
function isForeign(site: Site, { host, origin, ...headers }: IncomingHttpHeaders, isForPage: boolean): boolean {
  if (origin !== undefined) return origin !== `${site.scheme}://${host ?? ''}`;
  // Of browsers that say so. A page at another port of this machine is of the same site, and not our own.
  const from = headers['sec-fetch-site'];
  if (from === undefined || from === 'same-origin' || from === 'none') return false;
  return !(isForPage && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document');
}

/** Why a request is answered by 403, if it is. */
export function refusalOf(site: Site, request: IncomingMessage, { isForPage = false } = {}): 'host' | 'origin' | undefined {
  const { headers, method, socket } = request;
  if (!isOwnHost(site, headers.host, socket.localAddress ?? '')) return 'host';
  if (isForeign(site, headers, isForPage && method === 'GET')) return 'origin';
  // Every browser says where something comes from that may change things, and who opens a socket.
  const mustSay = (method !== 'GET' && method !== 'HEAD') || headers.upgrade !== undefined;
  return mustSay && headers.origin === undefined ? 'origin' : undefined;
}
