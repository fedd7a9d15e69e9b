import { readAttemptsMax, readSource, streamSource } from './import-source.ts';
import { type LocalStat, type LocalTree, wholeFileBytesMax } from './local-tree.ts';
import { type Part, partsOfData } from './sparse.ts';
import type { EntryPlace, VolumeWriter } from './volume-writer.ts';

/** A name that an entry of this machine goes to. */
export interface CopyPlace extends EntryPlace {
  /** Whether something of the name is there, and gives way. */
  readonly isThere: boolean;
}

/** What came in, and what it was when it had been read. */
export interface Copied {
  readonly ino: number;
  readonly stat: LocalStat;
}

/** Copies single files and symbolic links of this machine into a volume, each whole or not at all. */
export class SourceCopy {
  readonly #writer: VolumeWriter;
  readonly #tree: LocalTree;
  readonly #readAttemptsMax: number;
  readonly #checkCancelled: () => void;
  readonly #onBytes: (bytes: { lengthBytes: number; dataBytes: number }) => void;

  constructor(parts: {
    writer: VolumeWriter;
    tree: LocalTree;
    /** How often a small file that changes while it is read is read at once. */
    readAttemptsMax?: number;
    /** Throws `cancelled` when the work is to end. */
    checkCancelled: () => void;
    /** Hears of each piece, and how much of it was no hole. */
    onBytes: (bytes: { lengthBytes: number; dataBytes: number }) => void;
  }) {
    this.#writer = parts.writer;
    this.#tree = parts.tree;
    this.#readAttemptsMax = parts.readAttemptsMax ?? readAttemptsMax;
    this.#checkCancelled = parts.checkCancelled;
    this.#onBytes = parts.onBytes;
  }

  /** Throws `source-changed` when the file does not hold still. */
  file(local: string, known: LocalStat, target: CopyPlace): Promise<Copied> {
    return known.sizeBytes > wholeFileBytesMax ? this.#large(local, target) : this.#small(local, known, target);
  }

  async symlink(local: string, stat: LocalStat, target: CopyPlace): Promise<Copied> {
    const text = await this.#tree.readLink(local);
    const ino = await this.#writer.putSymlink(target, { target: text, attributes: stat }, { replace: target.isThere });
    return { ino, stat };
  }

  async #small(local: string, known: LocalStat, target: CopyPlace): Promise<Copied> {
    using read = await readSource(this.#tree, local, known, this.#readAttemptsMax);
    const { stat, bytes } = read;
    const parts = partsOfData(bytes, this.#writer.grainBytes);
    const ino = await this.#writer.putWhole(target, { attributes: stat, bytes, parts }, { replace: target.isThere });
    this.#count(bytes.length, parts);
    return { ino, stat };
  }

  async #large(local: string, target: CopyPlace): Promise<Copied> {
    await using file = await this.#writer.openFile(target);
    const stat = await streamSource(this.#tree, local, async (offsetBytes, bytes) => {
      this.#checkCancelled();
      const parts = partsOfData(bytes, this.#writer.grainBytes);
      await file.write(offsetBytes, bytes, parts);
      this.#count(bytes.length, parts);
    });
    await file.finish(stat.sizeBytes, stat);
    await file.name(target.name, { replace: target.isThere });
    return { ino: file.ino, stat };
  }

  #count(lengthBytes: number, parts: readonly Part[]): void {
    this.#onBytes({ lengthBytes, dataBytes: parts.reduce((sum, part) => sum + part.end - part.start, 0) });
  }
}
