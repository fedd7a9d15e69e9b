import { type ErrorCode, MirrorpointError } from '../../base/index.ts';
import { davDocument, escapeText } from './xml-writer.ts';
import { type DavReply, textReply, xmlReply } from './exchange.ts';

/** A request that is not carried out, with the status that says so to the client. */
export class DavRefusal extends MirrorpointError {
  readonly status: number;
  /** Inside of the `error` element: the condition that failed, by the names of RFC 4918. */
  readonly condition: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, more: { code?: ErrorCode; condition?: string; headers?: Readonly<Record<string, string>> } = {}) {
    super(more.code ?? 'argument-invalid', message);
    this.name = 'DavRefusal';
    this.status = status;
    this.condition = more.condition;
    this.headers = more.headers ?? {};
  }
}

/** What a fault of the files means to a client of HTTP; other codes are faults of the server. */
const statusOfCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  'argument-invalid': 400,
  'message-invalid': 400,
  'name-invalid': 400,
  'name-too-long': 400,
  'path-escapes': 400,
  'volume-read-only': 403,
  'volume-is-mirror': 403,
  'not-permitted': 403,
  'not-found': 404,
  'snapshot-not-found': 404,
  'too-many-symbolic-links': 404,
  exists: 405,
  'not-a-directory': 409,
  'is-a-directory': 409,
  'directory-not-empty': 409,
  'file-too-large': 413,
  'too-many-links': 507,
  'attribute-too-large': 507,
  'volume-full': 507,
  'device-full': 507,
  'device-closed': 503,
  'volume-not-found': 503,
  'volume-in-use': 503,
  cancelled: 503,
};

export function statusOf(fault: MirrorpointError): number {
  return fault instanceof DavRefusal ? fault.status : (statusOfCode[fault.code] ?? 500);
}

export function replyOf(fault: MirrorpointError): DavReply {
  const status = statusOf(fault);
  if (!(fault instanceof DavRefusal)) return textReply(status, fault.message);
  if (fault.condition === undefined) return textReply(status, fault.message, fault.headers);
  const why = `<M:reason xmlns:M="urn:mirrorpoint">${escapeText(fault.message)}</M:reason>`;
  return xmlReply(status, davDocument('error', `${fault.condition}${why}`), fault.headers);
}
