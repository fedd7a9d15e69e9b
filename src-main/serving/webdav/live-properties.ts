import type { Attributes } from '../../files/index.ts';
import type { Capacity } from '../served-files.ts';
import { hrefOf } from './address.ts';
import { contentTypeOf } from './content-types.ts';
import { httpDate } from './http-dates.ts';
import type { Lock, ShareLocks } from './locks.ts';
import { etagOf } from './resources.ts';
import { escapeText, writeXml } from './xml-writer.ts';

/** A resource that is described. */
export interface Described {
  readonly share: string;
  /** From the share's root. */
  readonly names: readonly string[];
  readonly attributes: Attributes;
  readonly capacity: () => Capacity;
  /** undefined where nothing can be locked. */
  readonly locks: ShareLocks | undefined;
}

type LiveProperty = (of: Described) => string | undefined;

const supportedLocks = ['exclusive', 'shared']
  .map((scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`)
  .join('');

function isFolder({ attributes }: Described): boolean {
  return attributes.kind === 'directory';
}

/** What the properties of the DAV namespace say of a resource, by their names; undefined where they say nothing. */
const liveProperties: Readonly<Record<string, LiveProperty>> = {
  creationdate: ({ attributes: { createdNs } }) => new Date(Number(createdNs / 1_000_000n)).toISOString().replace(/\.[0-9]{3}Z$/, 'Z'),
  getcontentlength: (of) => (isFolder(of) ? undefined : String(of.attributes.sizeBytes)),
  getcontenttype: (of) => (isFolder(of) ? undefined : contentTypeOf(of.names.at(-1) ?? '')),
  getetag: (of) => (isFolder(of) ? undefined : escapeText(etagOf(of.attributes))),
  getlastmodified: ({ attributes }) => httpDate(attributes.modifiedNs),
  lockdiscovery: ({ share, names, locks }) => (locks === undefined ? '' : locks.covering(`/${names.join('/')}`).map((lock) => activeLock(share, lock, locks)).join('')),
  resourcetype: (of) => (isFolder(of) ? '<D:collection/>' : ''),
  supportedlock: ({ locks }) => (locks === undefined ? '' : supportedLocks),
  'quota-available-bytes': (of) => {
    const { freeBlockCount, blockSizeBytes } = of.capacity();
    return isFolder(of) ? String(freeBlockCount * blockSizeBytes) : undefined;
  },
  'quota-used-bytes': (of) => {
    const { blockCount, freeBlockCount, blockSizeBytes } = of.capacity();
    return isFolder(of) ? String((blockCount - freeBlockCount) * blockSizeBytes) : undefined;
  },
};

/** What is told only to who asks for it by name. */
const askedAlone: ReadonlySet<string> = new Set(['quota-available-bytes', 'quota-used-bytes']);

export const toldLiveNames: readonly string[] = Object.keys(liveProperties).filter((name) => !askedAlone.has(name));

export function isLiveName(name: string): boolean {
  return Object.hasOwn(liveProperties, name);
}

/** A property with its value, or undefined where the resource has none of that name. */
export function liveProperty(name: string, of: Described): string | undefined {
  const value = isLiveName(name) ? liveProperties[name]?.(of) : undefined;
  if (value === undefined) return undefined;
  return value === '' ? `<D:${name}/>` : `<D:${name}>${value}</D:${name}>`;
}

export function activeLock(share: string, lock: Lock, locks: ShareLocks): string {
  const { scope, isDeep, owner, token, path, isFolder: isOnFolder } = lock;
  const root = hrefOf(share, path.split('/').filter((part) => part !== ''), isOnFolder);
  return [
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope>`,
    `<D:depth>${isDeep ? 'infinity' : '0'}</D:depth>`,
    owner === undefined ? '' : writeXml(owner),
    `<D:timeout>Second-${locks.secondsLeft(lock)}</D:timeout>`,
    `<D:locktoken><D:href>${token}</D:href></D:locktoken>`,
    `<D:lockroot><D:href>${escapeText(root)}</D:href></D:lockroot></D:activelock>`,
  ].join('');
}
