import { mkdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Child } from './child.ts';
import { changedBlock, type ChangeSet } from './data-set.ts';
import type { MirrorService } from './mirror-child.ts';
import type { PrimaryService } from './primary-child.ts';
import { secondsOf } from './stopwatch.ts';

export interface PairStep {
  readonly seconds: number;
  /** Bytes that the primary sent. */
  readonly wireBytes: number;
  /** Bytes that it received. */
  readonly answeredBytes: number;
  /** Of both servers together: unlike the time on the clock, nearly the same on a busy machine. */
  readonly processorSeconds: number;
}

export interface PairOptions {
  /** An empty folder for the images. */
  readonly work: string;
  /** Of each volume. */
  readonly sizeBytes: number;
  /** For instance to profile the servers. */
  readonly nodeArguments?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A block that is in the data, and so on the mirror in the end. */
interface Probe {
  readonly path: string;
  readonly offsetBytes: number;
}

interface MirrorSide {
  readonly child: Child<MirrorService>;
  readonly address: string;
  readonly folder: string;
}

const cpIntervalMs = 1000;

/** A port that nobody listened on a moment ago: a mirror that comes back has to be where it was. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Two paired servers in two processes, joined by TLS on this machine, with their
 * volumes in image files. A step has ended when the mirror has committed it and
 * a reader finds it there.
 */
export class MirroredPair implements AsyncDisposable {
  readonly #options: PairOptions;
  readonly primary: Child<PrimaryService>;
  #mirror: MirrorSide | undefined;
  #mirrorsMade = 0;
  #mirrorMemoryPeakBytes = 0;

  private constructor(options: PairOptions) {
    this.#options = options;
    this.primary = new Child<PrimaryService>('primary-child.ts', options);
  }

  /** A primary with an empty volume, and no mirror yet. */
  static async open(options: PairOptions): Promise<MirroredPair> {
    const pair = new MirroredPair(options);
    const folder = join(options.work, 'primary');
    mkdirSync(folder);
    await pair.primary.call('open', { folder, image: join(folder, 'primary.img'), sizeBytes: options.sizeBytes });
    return pair;
  }

  get mirror(): MirrorSide {
    if (this.#mirror === undefined) throw new Error('There is no mirror yet.');
    return this.#mirror;
  }

  /** Gives the volume a new, empty mirror, and waits until it has everything. */
  async follow(): Promise<void> {
    const link = await this.#newMirror();
    await this.primary.call('link', link);
    await this.untilMirrored();
  }

  /** Takes a CP and waits until the mirror has it. */
  async mirrorNow(): Promise<void> {
    await this.primary.call('takeCp');
    await this.untilMirrored();
  }

  untilMirrored(): Promise<void> {
    return this.primary.call('untilMirrored', this.mirror.address);
  }

  /** Puts a folder into the empty volume while the mirror follows with a CP every second. */
  async import(folder: string, probe: Probe): Promise<PairStep> {
    await this.follow();
    await this.primary.call('setCpInterval', cpIntervalMs);
    const step = await this.measure(async () => {
      await this.primary.call('put', folder);
      await this.mirrorNow();
      await this.#readProbe(probe);
    });
    await this.primary.call('setCpInterval', 0);
    return step;
  }

  /** Fills a new, empty mirror; the one before is given up. */
  async baseline(probe: Probe): Promise<PairStep> {
    await this.#dropMirror();
    const link = await this.#newMirror();
    return this.measure(async () => {
      await this.primary.call('link', link);
      await this.untilMirrored();
      await this.#readProbe(probe);
    });
  }

  /** Applies changes to the volume, and then takes them to the mirror in one CP. */
  async incremental(changes: ChangeSet): Promise<PairStep> {
    await this.primary.call('change', changes);
    return this.measure(async () => {
      await this.mirrorNow();
      await this.#readChange(changes);
    });
  }

  /**
   * The mirror goes away, what was kept for it is given up, and the volume
   * changes. Measured is what it takes when both are there again: they are
   * compared, and what differs travels.
   */
  async resync(changes: ChangeSet): Promise<PairStep> {
    const { child, address, folder } = this.mirror;
    await this.primary.call('pause', address);
    await this.#noteMirrorMemory();
    await child.call('close');
    await child.close();
    await this.primary.call('dropBase', address);
    await this.primary.call('change', changes);
    await this.primary.call('takeCp');
    const again = new Child<MirrorService>('mirror-child.ts', this.#options);
    this.#mirror = { child: again, address, folder };
    await again.call('reopen', folder);
    return this.measure(async () => {
      await this.primary.call('resume', address);
      await this.untilMirrored();
      await this.#readChange(changes);
    });
  }

  /** Verifies every block of the mirror. */
  async check(): Promise<readonly string[]> {
    return this.mirror.child.call('check');
  }

  /** The most memory that the two processes had. */
  async memoryPeakBytes(): Promise<{ primary: number; mirror: number }> {
    await this.#noteMirrorMemory();
    return { primary: (await this.primary.call('usage')).memoryPeakBytes, mirror: this.#mirrorMemoryPeakBytes };
  }

  async measure(work: () => Promise<void>): Promise<PairStep> {
    const before = await this.#effort();
    const seconds = await secondsOf(work);
    const after = await this.#effort();
    return {
      seconds,
      wireBytes: after.wireBytes - before.wireBytes,
      answeredBytes: after.answeredBytes - before.answeredBytes,
      processorSeconds: after.processorSeconds - before.processorSeconds,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dropMirror();
    await this.primary.call('close');
    await this.primary.close();
    rmSync(join(this.#options.work, 'primary'), { recursive: true });
  }

  async #effort(): Promise<Omit<PairStep, 'seconds'>> {
    const { child, address } = this.mirror;
    const [primary, mirror] = await Promise.all([this.primary.call('usage'), child.call('usage')]);
    const { bytesSent, bytesReceived } = await this.primary.call('traffic', address);
    return { wireBytes: bytesSent, answeredBytes: bytesReceived, processorSeconds: primary.processorSeconds + mirror.processorSeconds };
  }

  async #readProbe({ path, offsetBytes }: Probe): Promise<void> {
    const bytes = await this.mirror.child.call('read', path, offsetBytes, 4096);
    if (bytes.length !== 4096) throw new Error(`The mirror does not show ${path}.`);
  }

  async #readChange(changes: ChangeSet): Promise<void> {
    const { path, offsetBytes } = changes.blocks[0]!;
    const expected = changedBlock(changes, path, offsetBytes);
    const found = await this.mirror.child.call('read', path, offsetBytes, expected.length);
    if (Buffer.compare(found, expected) !== 0) throw new Error(`The mirror does not show what was written to ${path}.`);
  }

  /** Starts an empty mirror and pairs the two servers; what is left is to link the volume to it. */
  async #newMirror(): Promise<{ address: string; peer: string }> {
    const { work, sizeBytes } = this.#options;
    const folder = join(work, `mirror-${++this.#mirrorsMade}`);
    mkdirSync(folder);
    const child = new Child<MirrorService>('mirror-child.ts', this.#options);
    const address = `tls://127.0.0.1:${await freePort()}`;
    await child.call('open', { folder, image: join(folder, 'mirror.img'), sizeBytes, address });
    this.#mirror = { child, address, folder };
    return { address, peer: await this.primary.call('pair', await child.call('invite')) };
  }

  async #dropMirror(): Promise<void> {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    await this.#noteMirrorMemory();
    await this.primary.call('unlink', mirror.address);
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
