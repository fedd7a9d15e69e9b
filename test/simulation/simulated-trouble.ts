import type { SeededRandom } from '../../src-main/base/index.ts';
import type { PrimaryRelationship } from '../../src-main/replication/index.ts';
import { calmDisk } from './simulated-disk.ts';
import type { Side } from './simulated-mirror.ts';
import { calmNetwork } from './simulated-network.ts';
import type { PrimaryServer } from './simulated-servers.ts';
import type { SimulatedWorld } from './simulated-world.ts';

type Act = (random: SeededRandom) => void;

/** What goes wrong in a simulation: slow, full and failing disks, lines that are cut, stall and lead one way only, servers that are killed. */
export class SimulatedTrouble {
  readonly #world: SimulatedWorld;
  readonly #acts: readonly (readonly [weight: number, Act])[];

  constructor(world: SimulatedWorld) {
    this.#world = world;
    this.#acts = [
      [14, (random) => world.kill(random.pick(world.sides))],
      [28, (random) => this.#killAtOperation(random.pick(world.sides), random)],
      [4, () => this.#killAll()],
      [20, () => this.#cut()],
      [12, (random) => this.#stall(random)],
      [6, (random) => this.#split(random)],
      [10, (random) => world.spawn(world.stop(random.pick(world.sides)))],
      [8, (random) => this.#pause(random)],
      [3, (random) => this.#dropBase(random)],
      [world.plan.hasErrors ? 5 : 0, (random) => this.#fill(random)],
    ];
  }

  /** Chooses how slow and how bad disks and lines are from now on. */
  stir(random: SeededRandom): void {
    const { plan, mirrors, allDisks, network } = this.#world;
    const slow = random.pick([0, 0, 0.002]);
    const errors = plan.hasErrors ? 0.0004 : 0;
    for (const mirror of mirrors) mirror.isHarmed = plan.silentFaultChance > 0;
    for (const disk of allDisks) {
      const isHarmed = mirrors.some((mirror) => mirror.disks.includes(disk));
      disk.habits = {
        latencyMsMax: random.pick([0.2, 1, 4]),
        slowChance: slow,
        slowMs: 200,
        readErrorChance: errors,
        writeErrorChance: errors,
        flushErrorChance: errors,
        silentFaultChance: isHarmed ? plan.silentFaultChance : 0,
      };
    }
    network.habits = { latencyMsMax: random.pick([0.3, 5, 40]), bytesPerMs: random.pick([200, 5000, 100_000]), splitChance: 0.2 };
  }

  /** Disks and lines are good from now on. */
  calm(): void {
    const { allDisks, network } = this.#world;
    for (const disk of allDisks) {
      disk.habits = calmDisk;
      disk.fullUntilMs = 0;
      disk.countDown(Infinity, () => undefined);
    }
    network.habits = calmNetwork;
    network.stalledUntilMs = 0;
    network.split.untilMs = 0;
  }

  /** Makes trouble now and then, for ever. */
  async run(random: SeededRandom): Promise<void> {
    const weights = this.#acts.reduce((sum, [weight]) => sum + weight, 0);
    for (;;) {
      await this.#world.sleep(50 + random.below(1500));
      if (this.#isSpared) continue;
      let left = random.below(weights);
      const [, act] = this.#acts.find(([weight]) => (left -= weight) < 0)!;
      act(random);
    }
  }

  /** Nothing may go wrong now. */
  get #isSpared(): boolean {
    return this.#world.isQuiet || this.#world.isAlone;
  }

  #killAtOperation(side: Side, random: SeededRandom): void {
    const operations = random.below(random.chance(0.5) ? 8 : 80);
    random.pick(this.#world.disks(side)).countDown(operations, () => {
      if (!this.#isSpared) this.#world.kill(side);
    });
  }

  #killAll(): void {
    for (const side of this.#world.sides) this.#world.kill(side);
  }

  #cut(): void {
    this.#world.report.faults.cuts++;
    this.#world.note('every link is cut');
    this.#world.network.cut();
  }

  #stall(random: SeededRandom): void {
    const stallMs = random.chance(0.2) ? 7000 : random.below(1500);
    this.#world.report.faults.stalls++;
    this.#world.network.stalledUntilMs = this.#world.clock.monotonicMs() + stallMs;
    this.#world.note(`the network stalls for ${stallMs} ms`);
  }

  #split(random: SeededRandom): void {
    const splitMs = random.chance(0.4) ? 9000 : random.below(2500);
    const way = random.pick(['there', 'back'] as const);
    this.#world.report.faults.splits++;
    this.#world.network.split = { way, untilMs: this.#world.clock.monotonicMs() + splitMs };
    this.#world.note(`nothing gets ${way} for ${splitMs} ms`);
  }

  #fill(random: SeededRandom): void {
    const disk = random.pick(this.#world.allDisks);
    const fullMs = random.below(2000);
    this.#world.report.faults.fullDevices++;
    disk.fullUntilMs = this.#world.clock.monotonicMs() + fullMs;
    this.#world.note(`${disk.name} is full for ${fullMs} ms`);
  }

  #pause(random: SeededRandom): void {
    const { primary } = this.#world;
    const forMs = random.below(3000);
    if (primary?.isStopping !== false) return;
    this.#world.report.faults.pauses++;
    this.#world.spawn(this.#pauseFor(primary, random.pick(primary.relationships), forMs));
  }

  async #pauseFor(server: PrimaryServer, relationship: PrimaryRelationship, forMs: number): Promise<void> {
    this.#world.note(`the relationship ${relationship.relationshipId} pauses for ${forMs} ms`);
    await server.within(relationship.pause());
    await this.#world.sleep(forMs);
    if (server.host.isAlive && !server.isStopping) relationship.resume();
  }

  #dropBase(random: SeededRandom): void {
    if (this.#world.isUp('primary')) this.#world.dropBase(random.pick(this.#world.mirrors));
  }
}
