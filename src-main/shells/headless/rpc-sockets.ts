import type { WebSocket } from 'ws';
import { z } from 'zod';

/** Larger than any question. */
export const messageBytesMax = 4 * 1024 * 1024;

/** Answers that may wait for a slow reader; more than all that one connection can have asked for in good faith. */
const waitingBytesMax = 64 * 1024 * 1024;

/** Between the text of a message and the bytes that belong to it; no byte of UTF-8 is this one. */
const beforeBytes = 0xff;

const headersSchema = z.strictObject({
  'content-type': z.string().max(200).optional(),
  'content-disposition': z.string().max(1000).optional(),
  'last-event-id': z.string().max(200).optional(),
});

/** A question, or the end of one. Streams are taken by no procedure. */
const messageSchema = z.union([
  z.strictObject({
    i: z.string().min(1).max(64),
    p: z.strictObject({ u: z.string().regex(/^\/[A-Za-z0-9/]*$/), b: z.unknown().optional(), h: headersSchema.optional() }),
  }),
  z.strictObject({ i: z.string().min(1).max(64), t: z.literal(4), p: z.null().optional() }),
]);

const boundaryShape = /^multipart\/form-data; ?boundary="?([A-Za-z0-9'()+_,./:=?-]{1,70})"?$/;

/** Whether the bytes of a question are what its headers announce: parts of a form, from the first boundary to the last. */
function areParts(type: string | undefined, bytes: Uint8Array): boolean {
  if (type?.startsWith('multipart/') !== true) return true;
  const boundary = boundaryShape.exec(type)?.[1];
  if (boundary === undefined) return false;
  const held = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = `\r\n--${boundary}--`;
  return held.subarray(0, boundary.length + 4).equals(Buffer.from(`--${boundary}\r\n`)) && held.subarray(-last.length - 2).includes(last);
}

function isQuestion(text: string, bytes: Uint8Array): boolean {
  const parsed = messageSchema.safeParse(JSON.parse(text));
  return parsed.success && ('t' in parsed.data || areParts(parsed.data.p.h?.['content-type'], bytes));
}

const noBytes = new Uint8Array(0);

/** Whether a message has the form of those that clients send. What a question asks for is its procedure's to judge. */
function isMessage(data: unknown): boolean {
  try {
    if (typeof data === 'string') return isQuestion(data, noBytes);
    if (!(data instanceof Uint8Array)) return false;
    const end = data.indexOf(beforeBytes);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(end < 0 ? data : data.subarray(0, end));
    return isQuestion(text, end < 0 ? noBytes : data.subarray(end + 1));
  } catch {
    return false;
  }
}

/** What the RPC handler needs of a socket. */
export type AnsweredSocket = Pick<WebSocket, 'addEventListener' | 'send'>;

/**
 * A socket as the RPC handler gets it. Its `send` resolves when the system
 * has taken the bytes; only what is a message comes through to it, and with the
 * first that is none the connection ends.
 */
function patientSocket(socket: WebSocket, onGarbled: () => void): AnsweredSocket {
  const send = (data: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      if (socket.bufferedAmount > waitingBytesMax) socket.terminate();
      socket.send(data, (fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  let isGarbled = false;
  const addEventListener = (type: 'message' | 'close', listener: (event: { data: unknown }) => void): void => {
    if (type === 'close') socket.addEventListener('close', listener as () => void);
    else {
      socket.addEventListener('message', (event) => {
        if (isGarbled) return;
        if (isMessage(event.data)) listener(event);
        else {
          isGarbled = true;
          onGarbled();
          socket.close(1007, 'not a message');
        }
      });
    }
  };
  return { addEventListener: addEventListener as WebSocket['addEventListener'], send: send as WebSocket['send'] };
}

export interface RpcSocketOptions {
  /** Answers what comes over the socket; what it returns is closed with it. */
  readonly answer: (socket: AnsweredSocket) => { close(): Promise<void> };
  /** Called once for a connection that sent what is no message, and is ended for it. */
  readonly onGarbled: () => void;
}

/** Has the questions of one socket answered, until it closes. */
export function serveRpcSocket(socket: WebSocket, { answer, onGarbled }: RpcSocketOptions): void {
  socket.on('error', () => {
    socket.terminate();
  });
  const held = answer(patientSocket(socket, onGarbled));
  socket.on('close', () => {
    void held.close();
  });
}
