import { z } from 'zod';
import { getU32, MirrorpointError, setU32 } from '../base/index.ts';

const lengthBytes = 4;
const idOffset = 4;
const headLengthOffset = 8;
const headOffset = 12;

/** Bytes that the length counts before the head. */
const fixedBytes = headOffset - lengthBytes;

const headerSchema = z.string().max(1000).regex(/^[\x20-\x7e]*$/).optional();

/** What of HTTP the coding of the procedures needs: the kind of the body, and the name of a blob. */
const headersSchema = z.object({ 'content-type': headerSchema, 'content-disposition': headerSchema });
type ControlHeaders = z.infer<typeof headersSchema>;

const headSchema = z.union([
  z.object({ path: z.string().startsWith('/'), headers: headersSchema }),
  z.object({ status: z.int().min(200).max(599), headers: headersSchema }),
]);

/** A question has a path, an answer a status. */
export type ControlHead = z.infer<typeof headSchema>;

export interface ControlMessage {
  /** Of the question, chosen by who asks; the answer has the same. */
  readonly id: number;
  readonly head: ControlHead;
  readonly body: Uint8Array;
}

/** The headers that travel. */
export function controlHeadersOf(headers: Headers): ControlHeaders {
  return {
    'content-type': headers.get('content-type') ?? undefined,
    'content-disposition': headers.get('content-disposition') ?? undefined,
  };
}

/** The same for the coding of the procedures. */
export function webHeadersOf(headers: ControlHeaders): Headers {
  return new Headers(Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** A message as buffers to send one behind the other. PROTOCOL.md has the bytes. */
export function encodeControlMessage({ id, head, body }: ControlMessage): Uint8Array[] {
  const headText = Buffer.from(JSON.stringify(head), 'utf8');
  const start = new Uint8Array(headOffset + headText.length);
  setU32(start, 0, fixedBytes + headText.length + body.length);
  setU32(start, idOffset, id);
  setU32(start, headLengthOffset, headText.length);
  start.set(headText, headOffset);
  return [start, body];
}

/** Puts messages together from chunks. It keeps one message at most, and refuses a larger one at its length. */
export class ControlReader {
  readonly #bytesMax: number;
  #length: Uint8Array = new Uint8Array(0);
  #message: Uint8Array | undefined;
  #gotBytes = 0;

  constructor(options: { bytesMax: number }) {
    this.#bytesMax = options.bytesMax;
  }

  /** The messages that the chunk ends. Fails with 'frame-too-large' and 'frame-invalid'. */
  *push(chunk: Uint8Array): Generator<ControlMessage, void, void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#message === undefined) {
        const wantedBytes = lengthBytes - this.#length.length;
        this.#length = Buffer.concat([this.#length, rest.subarray(0, wantedBytes)]);
        rest = rest.subarray(wantedBytes);
        if (this.#length.length < lengthBytes) return;
        this.#begin(getU32(this.#length, 0));
      }
      const message = this.#message!;
      const part = rest.subarray(0, message.length - this.#gotBytes);
      message.set(part, this.#gotBytes);
      this.#gotBytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#gotBytes < message.length) return;
      this.#message = undefined;
      this.#length = new Uint8Array(0);
      yield decodeMessage(message);
    }
  }

  #begin(bytes: number): void {
    if (bytes > this.#bytesMax) {
      throw new MirrorpointError('frame-too-large', `A message of ${bytes} bytes came, and none may have more than ${this.#bytesMax}. Run the same version on both servers.`);
    }
    if (bytes < fixedBytes) throw strange();
    this.#message = new Uint8Array(bytes);
    this.#gotBytes = 0;
  }
}

function decodeMessage(bytes: Uint8Array): ControlMessage {
  const id = getU32(bytes, idOffset - lengthBytes);
  const headBytes = getU32(bytes, headLengthOffset - lengthBytes);
  if (headBytes > bytes.length - fixedBytes) throw strange();
  const headText = Buffer.from(bytes.subarray(fixedBytes, fixedBytes + headBytes)).toString('utf8');
  return { id, head: decodeHead(headText), body: bytes.subarray(fixedBytes + headBytes) };
}

function decodeHead(text: string): ControlHead {
  try {
    return headSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw strange(cause);
  }
}

function strange(cause?: unknown): MirrorpointError {
  return new MirrorpointError('frame-invalid', 'What came is no message of this protocol. Run the same version on both servers.', { cause });
}
