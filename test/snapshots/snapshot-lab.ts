import { expect } from 'vitest';
import { isFault, type SeededRandom } from '../../src-main/base/index.ts';
import { BlockPool } from '../../src-main/blocks/index.ts';
import { systemFile } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { type RootNode, systemFileNames } from '../../src-main/format/index.ts';
import { KeptRootReader, type MirrorNeeds, scanDeadlists, SnapshotLedger } from '../../src-main/snapshots/index.ts';
import { BlockFile, KeyedFile } from '../../src-main/tree/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { MiniVolume } from '../consistency/mini-volume.ts';

export const indexMax = 50;
export const relationship = 'mirror';

/** A mini volume with snapshots, and the plain truth about each of its CPs beside it. */
export class SnapshotLab {
  readonly memory = new MemoryDevice({ sizeBytes: 12 << 20 });
  device = new FaultyDevice(this.memory);
  volume!: MiniVolume;
  ledger!: SnapshotLedger;
  /** Content of each durable CP, and its whole root. */
  readonly contents = new Map<number, number[]>();
  readonly roots = new Map<number, RootNode>();
  readonly model = new Array<number>(indexMax).fill(0);
  /** Asks the next CP to be kept as a mirror's base. */
  keep = false;
  readonly #recordsPerCp: number;

  private constructor(recordsPerCp: number) {
    this.#recordsPerCp = recordsPerCp;
  }

  static async create(recordsPerCp = 4096): Promise<SnapshotLab> {
    const lab = new SnapshotLab(recordsPerCp);
    lab.volume = await MiniVolume.create([lab.device], lab.#options);
    await lab.ledger.load();
    lab.#follow();
    lab.#note();
    return lab;
  }

  get #options(): Parameters<typeof MiniVolume.create>[1] {
    return {
      cacheBytes: 1 << 20,
      undertaker: ({ context, root, written, lastRoot }) => {
        this.ledger = new SnapshotLedger({
          context: { ...context, pool: new BlockPool({ capacityBytes: 1 << 24, blockSizeBytes: 4096 }) },
          root,
          inodesOf: () => ({ file: systemFile(written()), inodeCount: 1 }),
          lastRoot,
          recordsPerCp: this.#recordsPerCp,
        });
        return this.ledger;
      },
    };
  }

  get cp(): number {
    return this.volume.cps.root.cp;
  }

  get rows(): KeptRootReader {
    return new KeptRootReader(this.volume.context, this.volume.cps.root.files.snapshots);
  }

  put(index: number, version: number): void {
    this.model[index] = version;
    this.volume.put({ index, version });
  }

  async take(): Promise<void> {
    await this.volume.cps.take('request');
    this.#note();
  }

  /** Takes a CP; by that chance a write or flush may fail it, and then the next one does all that it was to do. */
  async takeInTrouble(random: SeededRandom, chance: number): Promise<void> {
    if (!random.chance(chance)) {
      await this.take();
      return;
    }
    this.device.plan({ operation: random.chance(0.5) ? 'write' : 'flush', nth: 1 + random.below(4), error: 'EIO', repeat: 'once' });
    const hasFailed = await this.take().then(
      () => false,
      (fault: unknown) => {
        if (!isFault(fault, 'device-io')) throw fault;
        return true;
      },
    );
    await this.device.heal();
    if (hasFailed) await this.take();
  }

  async reopen(): Promise<void> {
    const volume = await MiniVolume.open([new FaultyDevice(this.memory.reopen())], this.#options);
    this.volume = volume!;
    await this.ledger.load();
    this.#follow();
  }

  /** Every block that kept roots reference, read and proven; the content of each kept root as it was. */
  async keptBlocks(): Promise<Set<number>> {
    const blocks = new Set<number>();
    for (const row of await this.volume.cache.run(() => this.rows.list(0, Infinity))) {
      for (const vbn of await this.volume.reachable(row.inodes)) blocks.add(vbn);
      expect(await this.versionsOf(row.inodes), `content of CP ${row.cp}`).toEqual(this.contents.get(row.cp));
      if (!row.isBase) continue;
      // A mirror has the whole of a base: maps as well.
      const root = this.roots.get(row.cp)!;
      for (const name of systemFileNames) for (const vbn of await this.volume.reachable(root.files[name])) blocks.add(vbn);
    }
    return blocks;
  }

  async expectRight(): Promise<void> {
    const blocks = await this.keptBlocks();
    const leaving = await this.#leavingBlocks();
    if (leaving.length > 0) expect(this.ledger.hasWork).toBe(true);
    for (const vbn of leaving) blocks.add(vbn);
    await this.volume.expectWhole(blocks);
  }

  /** Blocks on the deadlists of roots that are being taken apart: nothing references them any more. */
  async #leavingBlocks(): Promise<number[]> {
    const kept = new Set((await this.volume.cache.run(() => this.rows.list(0, Infinity))).map(({ cp }) => cp));
    const dead = new KeyedFile(new BlockFile(this.volume.context, this.volume.cps.root.files.deadlists));
    return this.volume.cache.run(() => {
      const vbns: number[] = [];
      scanDeadlists(dead, undefined, ({ chain, holderCp, eraCp }, extents) => {
        expect(eraCp).toBeLessThanOrEqual(holderCp);
        if (chain === 'maps') expect(this.ledger.bases).toContain(holderCp);
        else if (!kept.has(holderCp)) {
          for (const { vbn, count } of extents) for (let offset = 0; offset < count; offset++) vbns.push(vbn + offset);
        }
        return true;
      });
      return vbns;
    });
  }

  async versionsOf(inodes: RootNode['files']['inodes']): Promise<number[]> {
    const file = new BlockFile(this.volume.context, inodes);
    const versions: number[] = [];
    for (let index = 0; index < indexMax; index++) {
      versions.push(await this.volume.cache.run(() => file.read(index)?.[0] ?? 0));
    }
    return versions;
  }

  #follow(): void {
    this.volume.cps.follow({ begin: () => ({ keep: this.keep }), end: () => undefined });
  }

  #note(): void {
    this.contents.set(this.cp, this.model.map((version) => version & 0xff));
    this.roots.set(this.cp, this.volume.cps.root);
  }
}

/** What a mirror has and may have, in the simplest form that can happen. */
export class PretendedMirror {
  committedCp = 0;
  neededCps: number[] = [];
  inFlightCps: number[] = [];

  get needs(): MirrorNeeds {
    return { committedCp: this.committedCp, neededCps: [...this.neededCps], inFlightCps: [...this.inFlightCps] };
  }

  acknowledge(random: SeededRandom): void {
    const next = this.inFlightCps.shift();
    if (next === undefined) return;
    if (this.committedCp > 0 && random.chance(0.3)) this.neededCps.push(this.committedCp);
    this.committedCp = next;
  }
}
