import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../src-main/', import.meta.url));

/** Rooms whose decoders get what came over a link, from a client or off a device. The shells' own have tests with real sockets. */
const rooms = ['base', 'format', 'device', 'wire', 'transport', 'contract', 'blocks', 'tree', 'consistency', 'files', 'snapshots', 'preservation', 'volume', 'control', 'pairing', 'explore', 'following', 'serving', 'engine'];

const byName = /^export (?:async )?function\*? ((?:decode|parse|unpack|requestsIn|readXml|readLine|readCursor|rangesOf|rangeOf)\w*)/gm;

/** In the room of the wire, everything that reads from a body is a decoder. */
const byReader = /^export function (read\w*)\(reader: BodyReader/gm;

/** Functions that take bytes or texts of others apart, by the names that this project gives them. */
export function exportedDecoders(): { name: string; file: string }[] {
  return rooms.flatMap((room) => {
    const folder = join(source, room);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    return files.flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return [...text.matchAll(byName), ...text.matchAll(byReader)].map((found) => ({ name: found[1]!, file: relative(source, join(folder, file)) }));
    });
  });
}
