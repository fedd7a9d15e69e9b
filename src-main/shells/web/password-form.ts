import type { IncomingMessage } from 'node:http';
import { formBytesMax } from './limits.ts';

/** The password in a form that was sent, or undefined when it is no such form, too long, or cut off. */
export async function passwordIn(request: IncomingMessage): Promise<string | undefined> {
  const { 'content-type': type, 'content-length': lengthBytes } = request.headers;
  // Without a length it is no browser's form.
  if (type !== 'application/x-www-form-urlencoded' || !(Number(lengthBytes) <= formBytesMax)) return undefined;
  const parts: Buffer[] = [];
  try {
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  } catch {
    return undefined;
  }
  const fields = [...new URLSearchParams(Buffer.concat(parts).toString('utf8'))];
  const [[name, value] = []] = fields;
  return fields.length === 1 && name === 'password' ? value : undefined;
}
