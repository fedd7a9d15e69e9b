import { crc32, inflateRawSync } from 'node:zlib';

export interface ReadEntry {
  readonly name: string;
  readonly mode: number;
  readonly modifiedSeconds: number;
  readonly sizeBytes: number;
  readonly isLarge: boolean;
  readonly content: Buffer;
}

/** The 8-byte numbers of the extra field of ZIP64, and the seconds of the timestamp. */
function extraFields(extra: Buffer): { large: number[]; seconds: number | undefined } {
  const found: { large: number[]; seconds: number | undefined } = { large: [], seconds: undefined };
  for (let at = 0; at < extra.length; ) {
    const [tag, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    const value = extra.subarray(at + 4, at + 4 + length);
    if (tag === 1) found.large = Array.from({ length: length / 8 }, (_, index) => Number(value.readBigUInt64LE(8 * index)));
    if (tag === 0x5455) found.seconds = value.readInt32LE(1);
    at += 4 + length;
  }
  return found;
}

/** Where the directory is and how many rows it has, by the end of the archive. */
export function findDirectory(archive: Buffer): { entryCount: number; sizeBytes: number; offsetBytes: number; isLarge: boolean } {
  const end = archive.length - 22;
  if (end < 0 || archive.readUInt32LE(end) !== 0x06054b50) throw new Error('this is no whole archive: its end is missing');
  const small = { entryCount: archive.readUInt16LE(end + 10), sizeBytes: archive.readUInt32LE(end + 12), offsetBytes: archive.readUInt32LE(end + 16), isLarge: false };
  if (small.offsetBytes !== 0xffff_ffff) return small;
  if (archive.readUInt32LE(end - 20) !== 0x07064b50) throw new Error('the locator of the large end is missing');
  const at = end - 20 - 56;
  if (archive.readUInt32LE(at) !== 0x06064b50) throw new Error('the large end is missing');
  const [count, size, offset] = [at + 32, at + 40, at + 48].map((position) => Number(archive.readBigUInt64LE(position)));
  return { entryCount: count!, sizeBytes: size!, offsetBytes: offset!, isLarge: true };
}

/** Takes an archive apart as an unpacker does, by its directory, and checks every record against the others. */
export function readZip(archive: Buffer): ReadEntry[] {
  const directory = findDirectory(archive);
  const entries: ReadEntry[] = [];
  let at = directory.offsetBytes;
  for (let index = 0; index < directory.entryCount; index++) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error(`row ${index} of the directory is none`);
    const [nameLength, extraLength] = [archive.readUInt16LE(at + 28), archive.readUInt16LE(at + 30)];
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const { large, seconds } = extraFields(archive.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
    const method = archive.readUInt16LE(at + 10);
    const crc = archive.readUInt32LE(at + 16);
    const isLarge = large.length > 0;
    const [sizeBytes, packedBytes, offset] = isLarge ? large : [archive.readUInt32LE(at + 24), archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 42)];
    const content = contentAt(archive, { name, offset: offset!, packedBytes: packedBytes!, method });
    if (content.length !== sizeBytes || crc32(content) !== crc) throw new Error(`${name} is not what the directory says`);
    entries.push({ name, mode: archive.readUInt32LE(at + 38) >>> 16, modifiedSeconds: seconds!, sizeBytes, isLarge, content });
    at += 46 + nameLength + extraLength;
  }
  if (at !== directory.offsetBytes + directory.sizeBytes) throw new Error('the directory has another length than its end says');
  return entries;
}

function contentAt(archive: Buffer, row: { name: string; offset: number; packedBytes: number; method: number }): Buffer {
  const { name, offset, packedBytes, method } = row;
  if (archive.readUInt32LE(offset) !== 0x04034b50) throw new Error(`${name} has no header where the directory says`);
  const [nameLength, extraLength] = [archive.readUInt16LE(offset + 26), archive.readUInt16LE(offset + 28)];
  const start = offset + 30 + nameLength + extraLength;
  if (archive.toString('utf8', offset + 30, offset + 30 + nameLength) !== name) throw new Error(`the header of ${name} has another name`);
  const packed = archive.subarray(start, start + packedBytes);
  const content = method === 8 ? inflateRawSync(packed) : Buffer.from(packed);
  const isStreamed = (archive.readUInt16LE(offset + 6) & 8) !== 0;
  const known = isStreamed ? start + packedBytes : offset + 10;
  if (isStreamed && archive.readUInt32LE(known) !== 0x08074b50) throw new Error(`${name} has no descriptor behind its content`);
  if (archive.readUInt32LE(known + 4) !== crc32(content)) throw new Error(`the checksum beside ${name} is another one`);
  return content;
}
