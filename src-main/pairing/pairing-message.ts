import { type ErrorCode, errorCodes, getU16, MirrorpointError, setU16 } from '../base/index.ts';
import { pairingMessageBytesMax, peerNameBytesMax, secretBytes } from './limits.ts';
import { plainName } from './peer-name.ts';

/** What two servers say while they pair. PROTOCOL.md has the bytes. */
export type PairingMessage =
  | { readonly type: 'ask'; readonly version: number; readonly secret: Uint8Array; readonly name: string }
  | { readonly type: 'offer'; readonly name: string }
  | { readonly type: 'confirm' }
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly code: ErrorCode };

export const pairingVersion = 1;

const typeNumbers = { ask: 1, offer: 2, confirm: 3, accepted: 4, refused: 5 } as const;

const lengthBytes = 2;
const headBytes = lengthBytes + 1;
const codeShape = /^[a-z][a-z-]{0,63}$/;
const knownCodes: ReadonlySet<string> = new Set(errorCodes);

export function encodePairingMessage(message: PairingMessage): Uint8Array {
  const body = bodyOf(message);
  const bytes = new Uint8Array(headBytes + body.length);
  setU16(bytes, 0, 1 + body.length);
  bytes[lengthBytes] = typeNumbers[message.type];
  bytes.set(body, headBytes);
  return bytes;
}

function bodyOf(message: PairingMessage): Uint8Array {
  switch (message.type) {
    case 'ask':
      return Buffer.concat([Uint8Array.of(message.version), message.secret, nameBytes(message.name)]);
    case 'offer':
      return nameBytes(message.name);
    case 'refused':
      return Buffer.from(message.code, 'ascii');
    case 'confirm':
    case 'accepted':
      return new Uint8Array(0);
  }
}

function nameBytes(name: string): Uint8Array {
  return Buffer.from(plainName(name), 'utf8');
}

/** Puts messages together from the bytes of a stranger, of which it keeps one message at most. */
export class PairingReader {
  #kept: Uint8Array = new Uint8Array(0);

  /** Takes the next bytes. Fails with 'frame-too-large' at the first length that no message has. */
  push(chunk: Uint8Array): void {
    const length = this.#kept.length + chunk.length;
    if (length > 2 * pairingMessageBytesMax) throw tooLarge();
    const kept = new Uint8Array(length);
    kept.set(this.#kept);
    kept.set(chunk, this.#kept.length);
    this.#kept = kept;
    if (length >= lengthBytes && getU16(this.#kept, 0) + lengthBytes > pairingMessageBytesMax) throw tooLarge();
  }

  /** The next message, or undefined while it is not whole. Fails with 'message-invalid' and 'frame-too-large'. */
  next(): PairingMessage | undefined {
    const kept = this.#kept;
    if (kept.length < lengthBytes) return undefined;
    const end = lengthBytes + getU16(kept, 0);
    if (end > pairingMessageBytesMax) throw tooLarge();
    if (end < headBytes) throw invalid('it has no type');
    if (kept.length < end) return undefined;
    this.#kept = kept.slice(end);
    return decode(kept[lengthBytes]!, kept.subarray(headBytes, end));
  }
}

function decode(type: number, body: Uint8Array): PairingMessage {
  switch (type) {
    case typeNumbers.ask: {
      const version = body[0];
      if (version === undefined || version === 0) throw invalid('it has no version');
      // A newer program may ask in another form: what is common is the version.
      if (version !== pairingVersion) return { type: 'ask', version, secret: new Uint8Array(secretBytes), name: plainName('') };
      if (body.length < 1 + secretBytes) throw invalid('it has no secret');
      return { type: 'ask', version, secret: body.slice(1, 1 + secretBytes), name: nameOf(body.subarray(1 + secretBytes)) };
    }
    case typeNumbers.offer:
      return { type: 'offer', name: nameOf(body) };
    case typeNumbers.confirm:
      return empty({ type: 'confirm' }, body);
    case typeNumbers.accepted:
      return empty({ type: 'accepted' }, body);
    case typeNumbers.refused:
      return { type: 'refused', code: codeOf(body) };
    default:
      throw invalid(`its type ${type} is not known`);
  }
}

function empty<T extends PairingMessage>(message: T, body: Uint8Array): T {
  if (body.length > 0) throw invalid('it has a body and should have none');
  return message;
}

function nameOf(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > peerNameBytesMax) throw invalid(`a name of ${bytes.length} bytes is not allowed`);
  // Bytes that are no UTF-8 become replacement characters, which are plain.
  return plainName(Buffer.from(bytes).toString('utf8'));
}

function codeOf(bytes: Uint8Array): ErrorCode {
  const text = Buffer.from(bytes).toString('latin1');
  if (!codeShape.test(text)) throw invalid('its code is none');
  // A code that only a newer program knows still is a refusal.
  return knownCodes.has(text) ? (text as ErrorCode) : 'pairing-refused';
}

function invalid(why: string): MirrorpointError {
  return new MirrorpointError('message-invalid', `What came while pairing is no message: ${why}. Run the same version on both servers.`);
}

function tooLarge(): MirrorpointError {
  return new MirrorpointError('frame-too-large', `What came while pairing is larger than ${pairingMessageBytesMax} bytes, which no message is.`);
}
