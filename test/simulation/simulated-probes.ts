import type { SeededRandom } from '../../src-main/base/index.ts';
import { copiesOf, type CopyHow, proveMirrorCopy } from './disk-copies.ts';
import { proveOldLine } from './old-line.ts';
import { partAt, placesOf } from './places.ts';
import type { Side, SimulatedMirror } from './simulated-mirror.ts';
import type { SimulatedWorld } from './simulated-world.ts';

/** A crash to be tried. */
interface Due {
  readonly side: Side;
  readonly how: CopyHow;
}

/** Proves what a crash just now would leave of each side: at any time, and more often while a root is being written. */
export class SimulatedProbes {
  readonly #world: SimulatedWorld;
  readonly #random: SeededRandom;
  /** A side's root is on its way to the disk: the moment at which a crash tells most. */
  readonly #rootsBegun = new Set<Side>();

  constructor(world: SimulatedWorld) {
    this.#world = world;
    this.#random = world.stream();
  }

  /** Looks from now on at what is written to the disks that a side has. */
  async watch(side: Side): Promise<void> {
    const disks = this.#world.disks(side);
    const places = await placesOf(disks.map((disk) => disk.copy('calm')));
    // Where a root is, or may be on its way, what a disk acknowledges must be true; blocks are proven when they are read.
    disks[0]!.harmFromBytes = places.data;
    disks[0]!.onWrite = (offsetBytes) => {
      if (partAt(places, offsetBytes) === 'root') this.#rootsBegun.add(side);
    };
  }

  /** Between two events: begins the probes whose time has come, if any. */
  betweenEvents(): Promise<void> | undefined {
    const due = [...this.#dueAfterCommits(), ...(this.#world.isQuiet ? [] : this.#dueByChance())];
    return due.length === 0 ? undefined : this.#probe(due);
  }

  /** A mirror has committed: what is durable, at the very least, is that root and all of it. */
  #dueAfterCommits(): Due[] {
    const due: Due[] = [];
    for (const mirror of this.#world.mirrors) {
      if (mirror.unprovenCommit && this.#random.chance(this.#world.plan.probeAtCommitChance)) due.push({ side: mirror.side, how: 'durable' });
      mirror.unprovenCommit = false;
    }
    return due;
  }

  #dueByChance(): Due[] {
    const due: Due[] = [];
    const { probeAtRootChance, probeAtAnyTimeChance } = this.#world.plan;
    for (const side of this.#world.sides) {
      const chance = this.#rootsBegun.has(side) ? probeAtRootChance : probeAtAnyTimeChance;
      if (this.#random.chance(chance)) due.push({ side, how: this.#random });
    }
    this.#rootsBegun.clear();
    return due;
  }

  async #probe(due: readonly Due[]): Promise<void> {
    for (const { side, how } of due) {
      if (side !== 'primary') await this.#mirror(this.#world.mirrorOf(side), how);
      else if (this.#world.primary !== undefined) await this.#primary();
    }
  }

  async #primary(): Promise<void> {
    await this.#world.provePrimaryCopy(this.#random, { seed: this.#random.below(2 ** 32), changesAfter: 3 });
    this.#world.report.probes++;
  }

  async #mirror(mirror: SimulatedMirror, how: CopyHow): Promise<void> {
    // Blocks of a harmed copy may be wrong, and there is nobody to fetch them from.
    if (mirror.isHarmed || mirror.isNew) return;
    const { history, promises, report } = this.#world;
    const copies = copiesOf(mirror.disks, how);
    report.probes++;
    if (mirror.oldLine !== undefined && (await proveOldLine(copies(), mirror.oldLine))) return;
    await proveMirrorCopy(copies(), { history, promises, leastCp: mirror.cp });
  }
}
