import { DavRefusal } from './refusal.ts';
import { xmlBytesMax } from './limits.ts';
import type { XmlElement } from './xml-element.ts';
import { readXml } from './xml-reader.ts';

/** The XML of a request; undefined where there is no body. Throws 413 and `message-invalid`. */
export async function xmlOf(body: AsyncIterable<Uint8Array>): Promise<XmlElement | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > xmlBytesMax) throw new DavRefusal(413, `The XML of a request has ${xmlBytesMax} bytes at most, and this has more. Ask for less at a time.`);
    parts.push(new Uint8Array(part));
  }
  return length === 0 ? undefined : readXml(Buffer.concat(parts));
}
