import type { ServedFiles } from '../served-files.ts';
import { type DavReply, emptyReply } from './exchange.ts';
import { contentTypeOf } from './content-types.ts';
import { httpDate } from './http-dates.ts';
import { readBytes } from './limits.ts';
import { judgePreconditions, rangeCounts } from './preconditions.ts';
import { type ByteRange, rangeOf } from './ranges.ts';
import { DavRefusal } from './refusal.ts';
import { existingResource, notHere, versionOf } from './resources.ts';
import { isHidden, type Scene } from './scene.ts';

/** GET and HEAD of a file, whole or a part. */
export async function answerGet(scene: Scene): Promise<DavReply> {
  const { request, spot, files } = scene;
  const { headers, method } = request;
  if (isHidden(spot)) notHere(spot.names);
  // What is read stays the same file, even when its name goes meanwhile.
  const ino = await files.keep((reader) => existingResource(reader, spot.inner).ino);
  const attributes = await files.query((reader) => reader.stat(ino));
  if (attributes.kind === 'directory') {
    if (method === 'HEAD') return emptyReply(200, { 'last-modified': httpDate(attributes.modifiedNs) });
    throw new DavRefusal(405, 'A folder has no content of its own. List it by PROPFIND, as programs for WebDAV do.', { headers: { allow: 'OPTIONS, HEAD, PROPFIND' } });
  }
  if (spot.isFolder) notHere(spot.names);
  const version = versionOf(attributes);
  const told = { etag: version.etag, 'last-modified': httpDate(version.modifiedNs), 'accept-ranges': 'bytes' };
  const verdict = judgePreconditions(headers, version, true);
  if (verdict === 304) return emptyReply(304, told);
  if (verdict === 412) throw new DavRefusal(412, 'The file is not what the conditions of the request say. Look at it again.');
  const range = rangeCounts(headers['if-range'], version) ? rangeOf(headers.range, attributes.sizeBytes) : undefined;
  const { start, end } = range ?? { start: 0, end: attributes.sizeBytes };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...told,
      'content-type': contentTypeOf(spot.inner.at(-1) ?? ''),
      'content-length': String(end - start),
      // What a volume holds is not to run as a page of this server.
      'content-security-policy': 'sandbox',
      ...(range !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${attributes.sizeBytes}` }),
    },
    ...(method !== 'HEAD' && { body: contentOf(files, ino, { start, end }) }),
  };
}

/** The bytes of a part of a file; a file that was cut shorter meanwhile ends the answer early. */
async function* contentOf(files: ServedFiles, ino: number, { start, end }: ByteRange): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(Math.min(readBytes, end - start));
  for (let at = start; at < end; ) {
    const count = await files.readInto(ino, at, buffer.subarray(0, Math.min(buffer.length, end - at)));
    if (count === 0) throw new DavRefusal(500, 'The file was cut off while it was read. Read it again.', { code: 'source-changed' });
    yield buffer.subarray(0, count);
    at += count;
  }
}
