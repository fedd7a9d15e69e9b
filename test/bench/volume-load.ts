import { setImmediate, setTimeout } from 'node:timers/promises';
import { SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { randomBytes } from './data-set.ts';
import { secondsOf } from './stopwatch.ts';

const pieceBytes = 64 << 10;
const blockBytes = 4096;

/** A stream of writes, and how it says where it is. */
export interface StreamOptions {
  readonly path: string;
  /** A file that holds the number of the last mark, 8 bytes. */
  readonly markPath: string;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
}

/** A number that was written into the stream, and when that was acknowledged, in ms of the clock on the wall. */
export interface Mark {
  readonly number: number;
  readonly wallMs: number;
}

/** Finer than the system's own clock, and the same in every process of a machine. */
export function preciseWallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Marks come after so many pieces. */
const piecesPerMark = 16;

/** What clients do to a volume, as a file server would do it for them: each request in a turn of the event loop of its own. */
export class VolumeLoad {
  readonly #volume: Volume;
  readonly #inodes = new Map<string, number>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** A new file of random bytes. */
  async makeFile(path: string, sizeBytes: number): Promise<void> {
    await this.#create(path);
    await this.overwrite(path, { sizeBytes, label: path });
  }

  /** Writes all of the file; the label decides with what. */
  async overwrite(path: string, { sizeBytes, label }: { sizeBytes: number; label: string }): Promise<void> {
    for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
      await this.write(path, offset, randomBytes(`${label} ${offset}`, Math.min(pieceBytes, sizeBytes - offset)));
    }
  }

  async write(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const ino = this.#inodes.get(path) ?? (await this.#volume.query((files) => files.resolvePath(path)));
    this.#inodes.set(path, ino);
    await setImmediate();
    await this.#volume.change(changeBlocks.write(bytes.length, this.#volume.geometry.blockSizeBytes), (files) => {
      files.write(ino, offsetBytes, bytes);
    });
  }

  /** Writes one block after the other at random places, each durable before the next. Resolves to seconds. */
  async syncedWrites(path: string, options: { sizeBytes: number; count: number; seed: number }): Promise<number> {
    const random = new SeededRandom(options.seed);
    const block = random.bytes(blockBytes);
    return secondsOf(async () => {
      for (let done = 0; done < options.count; done++) {
        await this.write(path, random.below(options.sizeBytes / blockBytes) * blockBytes, block);
        await this.#volume.sync();
      }
    });
  }

  /** Overwrites random pieces of a file at a steady rate, with marks among them. */
  async stream({ path, markPath, sizeBytes, seconds, bytesPerSecond }: StreamOptions): Promise<Mark[]> {
    const random = new SeededRandom(1);
    const content = randomBytes('stream', 8 << 20);
    const marks: Mark[] = [];
    await this.#create(markPath);
    const startedMs = performance.now();
    for (let pieces = 1; ; pieces++) {
      const dueMs = startedMs + (pieces * pieceBytes * 1000) / bytesPerSecond;
      if (dueMs > startedMs + seconds * 1000) return marks;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await setTimeout(waitMs);
      const from = random.below(content.length - pieceBytes);
      await this.write(path, random.below(sizeBytes / pieceBytes) * pieceBytes, content.subarray(from, from + pieceBytes));
      if (pieces % piecesPerMark > 0) continue;
      const number = marks.length + 1;
      await this.write(markPath, 0, new Uint8Array(new BigUint64Array([BigInt(number)]).buffer));
      marks.push({ number, wallMs: preciseWallMs() });
    }
  }

  /** Empty files in a new folder. */
  async makeEntries(folder: string, count: number): Promise<void> {
    const parent = await this.#volume.change(changeBlocks.create, (files) =>
      files.makeDirectory(files.resolvePath('/'), folder.slice(1), { mode: 0o755, uid: 0, gid: 0 }),
    );
    for (let index = 0; index < count; index++) {
      await setImmediate();
      await this.#volume.change(changeBlocks.create, (files) => files.createFile(parent, `entry ${index}`, { mode: 0o644, uid: 0, gid: 0 }));
    }
  }

  async #create(path: string): Promise<void> {
    const ino = await this.#volume.change(changeBlocks.create, (files) =>
      files.createFile(files.resolvePath('/'), path.slice(1), { mode: 0o644, uid: 0, gid: 0 }),
    );
    this.#inodes.set(path, ino);
  }
}
