import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, crc32, createDeflateRaw, deflateRaw } from 'node:zlib';
import { MirrorpointError } from '../../base/index.ts';
import { dataDescriptor, directoryEnd, directoryRow, localHeader, type ZipContent, type ZipEntry } from './zip-records.ts';

/** Entries of one archive; of each a row of the directory stays in memory until the end. */
export const archiveEntriesMax = 1_000_000;

/** Bytes of a name in an archive. */
const nameBytesMax = 0xffff;

/** Content up to this size is packed as a whole, and stored as it is when that makes it no smaller. */
const wholeBytesMax = 1 << 20;

/** From this size on, sizes take eight bytes: what is packed can be a little larger than what was not. */
const largeBytesMin = 0xf000_0000;

/** Small records are gathered up to this many bytes. */
const gatheredBytesMax = 256 * 1024;

/** The least work that makes texts and zeros much smaller; the machine has volumes to serve. */
const packing = { level: constants.Z_BEST_SPEED };

/** What became no smaller than this part by packing its beginning goes on unpacked. */
const packedShareMax = 0.9;
const unpacked = { level: constants.Z_NO_COMPRESSION };

const pack = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);

const kindBits = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

/** What of a file an archive keeps beside its content. */
export interface ArchivedAttributes {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly modifiedNs: bigint;
}

/**
 * A ZIP archive that is written as it goes, no faster than its bytes are taken:
 * one entry after another, of which only a row of the directory is remembered.
 * Until `end` it is no archive: whoever gets less can tell.
 */
export class ZipArchive {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #rows: Buffer[] = [];
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #offsetBytes = 0;

  /** `write` resolves when it needs the bytes no longer. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async addFolder(name: string, attributes: ArchivedAttributes): Promise<void> {
    await this.#addWhole(`${name}/`, attributes, new Uint8Array(0));
  }

  async addSymlink(name: string, attributes: ArchivedAttributes, target: string): Promise<void> {
    await this.#addWhole(name, attributes, Buffer.from(target));
  }

  async addFile(name: string, attributes: ArchivedAttributes, file: { sizeBytes: number; content: AsyncIterable<Uint8Array> }): Promise<void> {
    if (file.sizeBytes > wholeBytesMax) {
      await this.#addStream(name, attributes, file);
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of file.content) pieces.push(Buffer.from(piece));
    await this.#addWhole(name, attributes, Buffer.concat(pieces));
  }

  async end(): Promise<void> {
    const offsetBytes = this.#offsetBytes;
    for (const row of this.#rows) await this.#put(row);
    await this.#put(directoryEnd({ entryCount: this.#rows.length, sizeBytes: this.#offsetBytes - offsetBytes, offsetBytes }));
    await this.#flush();
  }

  async #addWhole(name: string, attributes: ArchivedAttributes, bytes: Uint8Array): Promise<void> {
    const packed = bytes.length === 0 ? bytes : await pack(bytes, packing);
    const isDeflated = packed.length < bytes.length;
    const stored = isDeflated ? packed : bytes;
    const entry = this.#entry(name, attributes, { isDeflated, isStreamed: false, isLarge: false });
    const content = { crc: crc32(bytes), packedBytes: stored.length, sizeBytes: bytes.length };
    this.#remember(entry, content, this.#offsetBytes);
    await this.#put(localHeader(entry, content));
    await this.#put(stored);
  }

  async #addStream(name: string, attributes: ArchivedAttributes, file: { sizeBytes: number; content: AsyncIterable<Uint8Array> }): Promise<void> {
    const entry = this.#entry(name, attributes, { isDeflated: true, isStreamed: true, isLarge: file.sizeBytes >= largeBytesMin });
    const offsetBytes = this.#offsetBytes;
    await this.#put(localHeader(entry));
    const startBytes = this.#offsetBytes;
    let [crc, sizeBytes] = [0, 0];
    const pieces = ownPieces(file.content);
    const first = (await pieces.next()).value ?? Buffer.alloc(0);
    const isPacked = (await pack(first, packing)).length <= first.length * packedShareMax;
    const counted = async function* (): AsyncGenerator<Buffer, void, void> {
      for await (const piece of allOf(first, pieces)) {
        crc = crc32(piece, crc);
        sizeBytes += piece.length;
        yield piece;
      }
    };
    await pipeline(Readable.from(counted(), { objectMode: false }), createDeflateRaw(isPacked ? packing : unpacked), async (packed: AsyncIterable<Buffer>) => {
      for await (const bytes of packed) await this.#put(bytes);
    });
    const content = { crc, packedBytes: this.#offsetBytes - startBytes, sizeBytes };
    this.#remember(entry, content, offsetBytes);
    await this.#put(dataDescriptor(entry, content));
  }

  #entry(name: string, attributes: ArchivedAttributes, how: Pick<ZipEntry, 'isDeflated' | 'isStreamed' | 'isLarge'>): ZipEntry {
    const { kind, mode, modifiedNs } = attributes;
    // What unpacks an archive takes a backslash for a slash, and a letter with a colon at the beginning for a drive.
    const safe = name.replaceAll('\\', '%5C').replace(/^([A-Za-z]):/, '$1%3A');
    if (Buffer.byteLength(safe) > nameBytesMax) {
      throw new MirrorpointError('name-too-long', `The path '${safe.slice(0, 80)}…' has more than the ${nameBytesMax} bytes that an archive can hold. Restore the folder to a folder instead.`);
    }
    if (this.#rows.length >= archiveEntriesMax) {
      throw new MirrorpointError('argument-invalid', `An archive holds at most ${archiveEntriesMax} entries here. Restore the folder to a folder instead.`);
    }
    return { name: safe, mode: kindBits[kind] | mode, modifiedSeconds: Number(modifiedNs / 1_000_000_000n), ...how };
  }

  #remember(entry: ZipEntry, content: ZipContent, offsetBytes: number): void {
    this.#rows.push(directoryRow(entry, content, offsetBytes));
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#offsetBytes += bytes.length;
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= gatheredBytesMax) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (bytes.length > 0) await this.#write(bytes);
  }
}

/** A piece is its giver's again when the next is asked for, which may be before it is packed. */
async function* ownPieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

async function* allOf(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  if (first.length > 0) yield first;
  yield* rest;
}
