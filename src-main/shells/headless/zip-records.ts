/**
 * The records of a ZIP archive (APPNOTE 6.3.10), little-endian. Sizes that no
 * longer fit in four bytes are kept in the extra field of ZIP64. Times stand as
 * the seconds of the extended timestamp, which is UTC; what only reads the old
 * fields sees UTC as well.
 */

/** What an archive says of one entry. */
export interface ZipEntry {
  /** A folder's ends with a slash. */
  readonly name: string;
  /** POSIX, with the bits of its kind. */
  readonly mode: number;
  readonly modifiedSeconds: number;
  /** Packed by deflate, or stored as it is. */
  readonly isDeflated: boolean;
  /** Checksum and sizes stand behind the content. */
  readonly isStreamed: boolean;
  /** Sizes take eight bytes wherever they stand. */
  readonly isLarge: boolean;
}

/** What is known when the content has gone by. */
export interface ZipContent {
  readonly crc: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
}

const u32Max = 0xffff_ffff;
const u16Max = 0xffff;

/** The first version of the format that knows folders and deflate, and that knows ZIP64. */
const [plainVersion, largeVersion] = [20, 45];

const madeByUnix = (3 << 8) | 63;
const [streamedFlag, utf8Flag] = [0x8, 0x800];
const deflateMethod = 8;
const nothing: ZipContent = { crc: 0, packedBytes: 0, sizeBytes: 0 };

/** Writes numbers of so many bytes one after another. */
function record(...fields: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) buffer.writeUInt16LE(value, at);
    else if (bytes === 4) buffer.writeUInt32LE(value, at);
    else buffer.writeBigUInt64LE(BigInt(value), at);
    at += bytes;
  }
  return buffer;
}

/** Two-second steps since 1980. */
function dosTime(modifiedSeconds: number): [time: number, date: number] {
  const first = Date.UTC(1980, 0, 1);
  const date = new Date(Math.min(Math.max(modifiedSeconds * 1000, first), Date.UTC(2107, 11, 31)));
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  return [time, ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()];
}

function timestampField(modifiedSeconds: number): Buffer {
  const seconds = Math.min(Math.max(modifiedSeconds, -(2 ** 31)), 2 ** 31 - 1);
  return Buffer.concat([record([2, 0x5455], [2, 5]), Buffer.from([1]), record([4, seconds >>> 0])]);
}

function largeField(...values: readonly number[]): Buffer {
  return record([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const));
}

/** What header and directory say alike. */
function commonFields(entry: ZipEntry, isLarge: boolean): (readonly [2 | 4, number])[] {
  const [time, date] = dosTime(entry.modifiedSeconds);
  const flags = utf8Flag | (entry.isStreamed ? streamedFlag : 0);
  return [[2, isLarge ? largeVersion : plainVersion], [2, flags], [2, entry.isDeflated ? deflateMethod : 0], [2, time], [2, date]];
}

/** What stands before the content. */
export function localHeader(entry: ZipEntry, known: ZipContent = nothing): Buffer {
  const name = Buffer.from(entry.name);
  const { crc, packedBytes, sizeBytes } = entry.isStreamed ? nothing : known;
  const sizes = entry.isLarge ? [u32Max, u32Max] : [packedBytes, sizeBytes];
  const extra = Buffer.concat([timestampField(entry.modifiedSeconds), ...(entry.isLarge ? [largeField(sizeBytes, packedBytes)] : [])]);
  const fixed = record([4, 0x04034b50], ...commonFields(entry, entry.isLarge), [4, crc], [4, sizes[0]!], [4, sizes[1]!], [2, name.length], [2, extra.length]);
  return Buffer.concat([fixed, name, extra]);
}

/** What stands behind content of which nothing was known before. */
export function dataDescriptor(entry: ZipEntry, { crc, packedBytes, sizeBytes }: ZipContent): Buffer {
  const bytes = entry.isLarge ? 8 : 4;
  return record([4, 0x08074b50], [4, crc], [bytes, packedBytes], [bytes, sizeBytes]);
}

/** The entry's row in the directory at the archive's end. */
export function directoryRow(entry: ZipEntry, content: ZipContent, offsetBytes: number): Buffer {
  const name = Buffer.from(entry.name);
  const { crc, packedBytes, sizeBytes } = content;
  const isLarge = entry.isLarge || Math.max(packedBytes, sizeBytes, offsetBytes) >= u32Max;
  const [packed, size, offset] = isLarge ? [u32Max, u32Max, u32Max] : [packedBytes, sizeBytes, offsetBytes];
  const extra = Buffer.concat([timestampField(entry.modifiedSeconds), ...(isLarge ? [largeField(sizeBytes, packedBytes, offsetBytes)] : [])]);
  const isFolder = entry.name.endsWith('/');
  const attributes = ((entry.mode << 16) | (isFolder ? 0x10 : 0)) >>> 0;
  const lengths = [[2, name.length], [2, extra.length], [2, 0]] as const;
  const fixed = record([4, 0x02014b50], [2, madeByUnix], ...commonFields(entry, isLarge), [4, crc], [4, packed], [4, size], ...lengths, [2, 0], [2, 0], [4, attributes], [4, offset]);
  return Buffer.concat([fixed, name, extra]);
}

/** The end of the archive, which says where the directory is. */
export function directoryEnd(directory: { entryCount: number; sizeBytes: number; offsetBytes: number }): Buffer {
  const { entryCount, sizeBytes, offsetBytes } = directory;
  const isLarge = entryCount >= u16Max || sizeBytes >= u32Max || offsetBytes >= u32Max;
  const [count, size, offset] = isLarge ? [u16Max, u32Max, u32Max] : [entryCount, sizeBytes, offsetBytes];
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  if (!isLarge) return end;
  const largeEnd = record([4, 0x06064b50], [8, 44], [2, madeByUnix], [2, largeVersion], [4, 0], [4, 0], [8, entryCount], [8, entryCount], [8, sizeBytes], [8, offsetBytes]);
  const locator = record([4, 0x07064b50], [4, 0], [8, offsetBytes + sizeBytes], [4, 1]);
  return Buffer.concat([largeEnd, locator, end]);
}
