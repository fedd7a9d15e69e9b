import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import { changedBlock, type ChangeSet, type DataSet } from './data-set.ts';
import type { MirrorService } from './mirror-child.ts';
import type { PrimaryService } from './primary-child.ts';
import { secondsOf } from './stopwatch.ts';

export interface PairStep {
  readonly seconds: number;
  /** Bytes that the primary sent. */
  readonly wireBytes: number;
  /** Of both servers together: unlike the time on the clock, nearly the same on a busy machine. */
  readonly processorSeconds: number;
}

export interface PairOptions {
  readonly data: DataSet;
  /** An empty folder for the images. */
  readonly work: string;
  /** Of each volume. */
  readonly sizeBytes: number;
  /** For instance to profile the servers. */
  readonly nodeArguments?: readonly string[];
}

const cpIntervalMs = 1000;

/**
 * Two servers in two processes, joined by TCP on this machine, with their
 * volumes in image files. A step has ended when the mirror has committed it and
 * a reader finds it there.
 */
export class MirroredPair implements AsyncDisposable {
  readonly #options: PairOptions;
  readonly #primary: Child<PrimaryService>;
  #mirror: { child: Child<MirrorService>; address: string; folder: string } | undefined;
  #mirrorsMade = 0;
  #mirrorMemoryPeakBytes = 0;

  private constructor(options: PairOptions) {
    this.#options = options;
    this.#primary = new Child<PrimaryService>('primary-child.ts', options);
  }

  static async open(options: PairOptions): Promise<MirroredPair> {
    const pair = new MirroredPair(options);
    const folder = join(options.work, 'primary');
    mkdirSync(folder);
    await pair.#primary.call('open', { folder, image: join(folder, 'primary.img'), sizeBytes: options.sizeBytes });
    return pair;
  }

  /** Puts a folder into the empty volume while the mirror follows with a CP every second. */
  async import(folder: string): Promise<PairStep> {
    const { address } = await this.#newMirror();
    await this.#primary.call('link', address);
    await this.#primary.call('untilMirrored', address);
    await this.#primary.call('setCpInterval', cpIntervalMs);
    const step = await this.#measure(async () => {
      await this.#primary.call('put', folder);
      await this.#primary.call('takeCp');
      await this.#primary.call('untilMirrored', address);
      await this.#readProbe();
    });
    await this.#primary.call('setCpInterval', 0);
    return step;
  }

  /** Fills a new, empty mirror; the one before is given up. */
  async baseline(): Promise<PairStep> {
    await this.#dropMirror();
    const { address } = await this.#newMirror();
    return this.#measure(async () => {
      await this.#primary.call('link', address);
      await this.#primary.call('untilMirrored', address);
      await this.#readProbe();
    });
  }

  /** Applies changes to the volume, and then takes them to the mirror in one CP. */
  async incremental(changes: ChangeSet): Promise<PairStep> {
    await this.#primary.call('change', changes);
    const { path, offsetBytes } = changes.blocks[0]!;
    const expected = changedBlock(changes, path, offsetBytes);
    return this.#measure(async ({ child, address }) => {
      await this.#primary.call('takeCp');
      await this.#primary.call('untilMirrored', address);
      const found = await child.call('read', path, offsetBytes, expected.length);
      if (Buffer.compare(found, expected) !== 0) throw new Error(`The mirror does not show what was written to ${path}.`);
    });
  }

  /** Verifies every block of the mirror. */
  async check(): Promise<readonly string[]> {
    return this.#mirror!.child.call('check');
  }

  /** The most memory that the two processes had. */
  async memoryPeakBytes(): Promise<{ primary: number; mirror: number }> {
    await this.#noteMirrorMemory();
    return { primary: (await this.#primary.call('usage')).memoryPeakBytes, mirror: this.#mirrorMemoryPeakBytes };
  }

  cpHistory(): Promise<Awaited<ReturnType<PrimaryService['cpHistory']>>> {
    return this.#primary.call('cpHistory');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dropMirror();
    await this.#primary.call('close');
    await this.#primary.close();
    rmSync(join(this.#options.work, 'primary'), { recursive: true });
  }

  async #measure(work: (mirror: { child: Child<MirrorService>; address: string }) => Promise<void>): Promise<PairStep> {
    const mirror = this.#mirror!;
    const before = await this.#effort(mirror);
    const seconds = await secondsOf(() => work(mirror));
    const after = await this.#effort(mirror);
    return {
      seconds,
      wireBytes: after.wireBytes - before.wireBytes,
      processorSeconds: after.processorSeconds - before.processorSeconds,
    };
  }

  async #effort({ child, address }: { child: Child<MirrorService>; address: string }): Promise<Omit<PairStep, 'seconds'>> {
    const [primary, mirror] = await Promise.all([this.#primary.call('usage'), child.call('usage')]);
    return {
      wireBytes: await this.#primary.call('bytesSent', address),
      processorSeconds: primary.processorSeconds + mirror.processorSeconds,
    };
  }

  async #readProbe(): Promise<void> {
    const { path, offsetBytes } = this.#options.data.probe;
    const bytes = await this.#mirror!.child.call('read', path, offsetBytes, 4096);
    if (bytes.length !== 4096) throw new Error(`The mirror does not show ${path}.`);
  }

  async #newMirror(): Promise<{ address: string }> {
    const { work, sizeBytes } = this.#options;
    const folder = join(work, `mirror-${++this.#mirrorsMade}`);
    mkdirSync(folder);
    const child = new Child<MirrorService>('mirror-child.ts', this.#options);
    const address = await child.call('open', { folder, image: join(folder, 'mirror.img'), sizeBytes });
    this.#mirror = { child, address, folder };
    return { address };
  }

  async #dropMirror(): Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    await this.#noteMirrorMemory();
    await this.#primary.call('unlink', mirror.address);
    await mirror.child.call('close');
    await mirror.child.close();
    this.#mirror = undefined;
    rmSync(mirror.folder, { recursive: true });
  }

  async #noteMirrorMemory(): Promise<void> {
    if (this.#mirror === undefined) return;
    const usage = await this.#mirror.child.call('usage');
    this.#mirrorMemoryPeakBytes = Math.max(this.#mirrorMemoryPeakBytes, usage.memoryPeakBytes);
  }
}
