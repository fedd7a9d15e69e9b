/** A request, as the shell hands it over. */
export interface DavRequest {
  readonly method: string;
  /** As it stands in the request, percent-encoded, from the root of the host. */
  readonly target: string;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** A part is good until the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Who asks, and whether this user may change what is in the share. */
  readonly user: string;
  readonly mayWrite: boolean;
  /** Ends the connection, which ends the body, and the taking of the answer. */
  readonly drop: () => void;
}

/** What is answered. Whoever takes it closes it, whether the body was taken or not. */
export interface DavAnswer extends DavReply {
  close(): Promise<void>;
}

/** A part of a body is good until the next is asked for. */
export interface DavReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

export function xmlReply(status: number, text: string, headers: Readonly<Record<string, string>> = {}): DavReply {
  return bytesReply(status, text, { ...headers, 'content-type': 'application/xml; charset=utf-8' });
}

export function textReply(status: number, text: string, headers: Readonly<Record<string, string>> = {}): DavReply {
  return bytesReply(status, `${text}\n`, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
}

export function emptyReply(status: number, headers: Readonly<Record<string, string>> = {}): DavReply {
  // Neither of these has a length.
  return { status, headers: status === 204 || status === 304 ? headers : { ...headers, 'content-length': '0' } };
}

function bytesReply(status: number, text: string, headers: Readonly<Record<string, string>>): DavReply {
  const body = Buffer.from(text, 'utf8');
  return { status, headers: { ...headers, 'content-length': String(body.length) }, body };
}
