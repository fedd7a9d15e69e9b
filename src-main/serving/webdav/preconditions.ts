import { parseHttpDate, secondsOf } from './http-dates.ts';

/** What preconditions compare with: the file as it is; undefined where there is none. */
export interface Version {
  readonly etag: string;
  readonly modifiedNs: bigint;
}

export type PreconditionHeaders = Readonly<Record<string, string | undefined>>;

function namesEtag(header: string, etag: string | undefined, options: { isWeak: boolean }): boolean {
  if (etag === undefined) return false;
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (options.isWeak ? tag.replace(/^W\//, '') : tag) === etag);
}

/**
 * What the conditions of a request come to (RFC 9110, section 13.2.2): to go on,
 * or the status that is answered instead.
 */
export function judgePreconditions(headers: PreconditionHeaders, version: Version | undefined, isRead: boolean): 'go on' | 304 | 412 {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const unmodifiedSince = parseHttpDate(headers['if-unmodified-since'] ?? '');
  const modifiedSince = parseHttpDate(headers['if-modified-since'] ?? '');
  if (ifMatch !== undefined) {
    if (!namesEtag(ifMatch, version?.etag, { isWeak: false })) return 412;
  } else if (unmodifiedSince !== undefined && version !== undefined && secondsOf(version.modifiedNs) > unmodifiedSince) return 412;
  if (ifNoneMatch !== undefined) {
    if (namesEtag(ifNoneMatch, version?.etag, { isWeak: true })) return isRead ? 304 : 412;
  } else if (isRead && modifiedSince !== undefined && version !== undefined && secondsOf(version.modifiedNs) <= modifiedSince) return 304;
  return 'go on';
}

/** Whether a `Range` counts: `If-Range` names what the client has the other part of. */
export function rangeCounts(ifRange: string | undefined, version: Version): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return ifRange.trim() === version.etag;
  // Two changes in the second that a date names would go unseen: what is a date is only believed when it is exact.
  return parseHttpDate(ifRange) === secondsOf(version.modifiedNs);
}

/** Whether the request depends on what is there, so that it must be so still when it takes effect. */
export function isConditional(headers: PreconditionHeaders): boolean {
  return ['if', 'if-match', 'if-none-match', 'if-unmodified-since'].some((name) => headers[name] !== undefined);
}
