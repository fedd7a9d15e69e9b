import type { SeededRandom } from '../../src-main/base/index.ts';
import { copiesOf, type CopyHow, proveMirrorCopy, provePrimaryCopy, type Said } from './disk-copies.ts';
import { type OldLine, proveOldLine } from './old-line.ts';
import { partAt, placesOf } from './places.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { Side } from './simulated-trouble.ts';
import type { SimulationReport } from './simulation-report.ts';

/** What probes look at. */
export interface ProbedWorld {
  readonly report: SimulationReport;
  disks(side: Side): readonly SimulatedDisk[];
  said(): Said;
  oldLine(): OldLine | undefined;
  isPrimaryUp(): boolean;
}

/** Proves what a crash just now would leave of either side: at any time, and more often while a root is being written. */
export class SimulatedProbes {
  readonly #world: ProbedWorld;
  readonly #random: SeededRandom;
  /** A side's root is on its way to the disk: the moment at which a crash tells most. */
  readonly #rootsBegun = new Set<Side>();

  constructor(world: ProbedWorld, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** Looks from now on at what is written to the disks that a side has. */
  async watch(side: Side): Promise<void> {
    const disks = this.#world.disks(side);
    const places = await placesOf(disks.map((disk) => disk.copy('calm')));
    disks[0]!.onWrite = (offsetBytes) => {
      if (partAt(places, offsetBytes) === 'root') this.#rootsBegun.add(side);
    };
  }

  async sometimes(): Promise<void> {
    const begun = [...this.#rootsBegun];
    this.#rootsBegun.clear();
    const chance = (side: Side): number => (begun.includes(side) ? 0.15 : 0.0007);
    if (this.#world.isPrimaryUp() && this.#random.chance(chance('primary'))) {
      const seed = this.#random.below(2 ** 32);
      await provePrimaryCopy(this.#world.disks('primary'), this.#random, { ...this.#world.said(), seed, changesAfter: 3 });
      this.#world.report.probes++;
    }
    if (this.#random.chance(chance('mirror'))) await this.#mirror(this.#random);
  }

  /** The mirror has committed: what is durable, at the very least, is that root and all of it. */
  async afterCommit(): Promise<void> {
    if (this.#random.chance(0.4)) await this.#mirror('durable');
  }

  async #mirror(how: CopyHow): Promise<void> {
    const line = this.#world.oldLine();
    const copies = copiesOf(this.#world.disks('mirror'), how);
    this.#world.report.probes++;
    if (line !== undefined && (await proveOldLine(copies(), line))) return;
    await proveMirrorCopy(copies(), this.#world.said());
  }
}
