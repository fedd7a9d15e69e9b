import { DavRefusal } from './refusal.ts';
import { addressBytesMax } from './limits.ts';

/** A place in a share, as its address names it: decoded once, and taken apart. */
export interface Address {
  /** The share's name; undefined for the root of the host. */
  readonly share: string | undefined;
  readonly names: readonly string[];
  /** Ends in a slash, as that of a folder. */
  readonly isFolder: boolean;
}

function refused(why: string): DavRefusal {
  return new DavRefusal(400, `The address of the request was refused: ${why}. Write it out from the root, percent-encoded once.`, { code: 'path-escapes' });
}

function decoded(part: string): string {
  let name: string;
  try {
    name = decodeURIComponent(part);
  } catch {
    throw refused('its percent-encoding is not that of UTF-8');
  }
  if (name === '.' || name === '..') throw refused(`it has ${JSON.stringify(name)} in it`);
  if (name.includes('/')) throw refused('a name in it has a slash');
  if (name.includes('\0')) throw refused('a name in it has a zero byte');
  return name;
}

/**
 * Takes the path of an address apart. Names are decoded once, and are what they
 * are then: a backslash, a trailing dot or a percent sign is part of a name.
 */
export function parseAddress(target: string): Address {
  if (target.length > addressBytesMax) throw new DavRefusal(414, `The address of the request has more than ${addressBytesMax} bytes. Choose shorter names.`);
  const path = pathOf(target);
  const [share, ...names] = path.split('/').filter((part) => part !== '').map(decoded);
  return { share, names, isFolder: path.endsWith('/') };
}

function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : /^https?:\/\/[^/?#]*(\/[^?#]*)?/i.exec(target)?.[1];
  if (path === undefined) throw refused('it does not begin with a slash');
  if (target.includes('#')) throw refused('it has a fragment, which is no part of a place');
  return path.replace(/\?.*$/, '');
}

/**
 * The place that a `Destination` names: a path, or an address of this host.
 * Another host is answered by 502, for nothing is fetched from or sent to it.
 */
export function parseDestination(destination: string | undefined, host: string | undefined): Address {
  if (destination === undefined) throw new DavRefusal(400, 'The request has no Destination. Name the place that is to be copied or moved to.');
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(destination);
  if (authority !== null) {
    const isHttp = /^https?:/i.test(destination);
    if (!isHttp || authority[1]?.toLowerCase() !== host?.toLowerCase()) {
      throw new DavRefusal(502, `The Destination is on another server, ${JSON.stringify(authority[1]?.slice(0, 255))}, and this one speaks to no other. Copy it by way of the client.`);
    }
  } else if (!destination.startsWith('/') || destination.startsWith('//')) {
    throw refused('its Destination is neither an address nor a path from the root');
  }
  return parseAddress(destination);
}

/** The address of a place, as answers name it; without a share that of the root. */
export function hrefOf(share: string, names: readonly string[], isFolder: boolean): string {
  if (share === '') return '/';
  return `/${[share, ...names].map(encodeURIComponent).join('/')}${isFolder ? '/' : ''}`;
}

export function pathOfNames(names: readonly string[]): string {
  return `/${names.join('/')}`;
}
