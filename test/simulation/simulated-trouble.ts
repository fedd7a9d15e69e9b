import type { SeededRandom } from '../../src-main/base/index.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { PrimaryServer } from './simulated-servers.ts';
import type { SimulationReport } from './simulation-report.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type Side = 'primary' | 'mirror';

export const calmDisk = { latencyMsMax: 0.5, slowChance: 0, slowMs: 0, readErrorChance: 0, writeErrorChance: 0, flushErrorChance: 0 };
export const calmNetwork = { latencyMsMax: 1, bytesPerMs: 100_000, splitChance: 0.1 };

/** What trouble is made of. */
export interface TroubledWorld {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly report: SimulationReport;
  /** Devices fail now and then. */
  readonly hasErrors: boolean;
  disks(side: Side): readonly SimulatedDisk[];
  primary(): PrimaryServer | undefined;
  /** Nothing may go wrong now. */
  isSpared(): boolean;
  sleep(delayMs: number): Promise<void>;
  note(text: string): void;
  /** Ends a server as a power cut does; it comes back some time later. */
  kill(side: Side): void;
  /** Ends a server in order; it comes back some time later. */
  stop(side: Side): void;
}

/** What goes wrong in a simulation: slow and failing disks, cut and stalled lines, servers that are killed. */
export class SimulatedTrouble {
  readonly #world: TroubledWorld;

  constructor(world: TroubledWorld) {
    this.#world = world;
  }

  get #allDisks(): SimulatedDisk[] {
    return [...this.#world.disks('primary'), ...this.#world.disks('mirror')];
  }

  /** Chooses how slow and how bad disks and lines are from now on. */
  stir(random: SeededRandom): void {
    const slow = random.pick([0, 0, 0.002]);
    const errors = this.#world.hasErrors ? 0.0004 : 0;
    for (const disk of this.#allDisks) {
      disk.habits = {
        latencyMsMax: random.pick([0.2, 1, 4]),
        slowChance: slow,
        slowMs: 200,
        readErrorChance: errors,
        writeErrorChance: errors,
        flushErrorChance: errors,
      };
    }
    this.#world.network.habits = { latencyMsMax: random.pick([0.3, 5, 40]), bytesPerMs: random.pick([200, 5000, 100_000]), splitChance: 0.2 };
  }

  /** Disks and lines are good from now on. */
  calm(): void {
    for (const disk of this.#allDisks) {
      disk.habits = calmDisk;
      disk.countDown(Infinity, () => undefined);
    }
    this.#world.network.habits = calmNetwork;
    this.#world.network.stalledUntilMs = 0;
  }

  /** Makes trouble now and then, for ever. */
  async run(random: SeededRandom): Promise<void> {
    const { report, clock, network } = this.#world;
    for (;;) {
      await this.#world.sleep(50 + random.below(1500));
      if (this.#world.isSpared()) continue;
      const side = random.pick(['primary', 'mirror'] as const);
      const primary = this.#world.primary();
      const dice = random.below(100);
      if (dice < 14) this.#world.kill(side);
      else if (dice < 42) this.#killAtOperation(side, random);
      else if (dice < 46) {
        this.#world.kill('primary');
        this.#world.kill('mirror');
      } else if (dice < 68) {
        report.faults.cuts++;
        this.#world.note('every link is cut');
        network.cut();
      } else if (dice < 82) {
        report.faults.stalls++;
        const stallMs = random.chance(0.2) ? 7000 : random.below(1500);
        network.stalledUntilMs = clock.monotonicMs() + stallMs;
        this.#world.note(`the network stalls for ${stallMs} ms`);
      } else if (dice < 92) this.#world.stop(side);
      else if (primary?.isStopping === false) {
        report.faults.pauses++;
        void this.#pause(primary, random.below(3000));
      }
    }
  }

  #killAtOperation(side: Side, random: SeededRandom): void {
    const operations = random.below(random.chance(0.5) ? 8 : 80);
    random.pick(this.#world.disks(side)).countDown(operations, () => {
      if (!this.#world.isSpared()) this.#world.kill(side);
    });
  }

  async #pause(server: PrimaryServer, forMs: number): Promise<void> {
    this.#world.note(`the relationship pauses for ${forMs} ms`);
    await server.within(server.relationship.pause());
    await this.#world.sleep(forMs);
    if (server.host.isAlive && !server.isStopping) server.relationship.resume();
  }
}
