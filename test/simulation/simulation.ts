import { setImmediate } from 'node:timers/promises';
import type { SeededRandom } from '../../src-main/base/index.ts';
import { comeToRest, proveRest, rotAndHeal } from './at-rest.ts';
import { changeSides, imageOfPrimary, type OldPrimary, type Stage } from './change-of-sides.ts';
import { Violation } from './history.ts';
import { MirrorLosses } from './mirror-losses.ts';
import type { OldLine } from './old-line.ts';
import { SimulatedClients } from './simulated-clients.ts';
import { SimulatedProbes } from './simulated-probes.ts';
import { SimulatedTrouble } from './simulated-trouble.ts';
import { SimulatedWorld, type WorldOptions } from './simulated-world.ts';
import type { SimulationReport } from './simulation-report.ts';

const clientsMax = 3;
const viewersMax = 2;

export interface SimulationOptions extends WorldOptions {
  /** Rounds of trouble, each followed by a quiet point at which everything is compared. */
  rounds?: number;
  roundMs?: number;
}

/**
 * A primary and its mirrors in one process on virtual time. Everything that
 * happens follows from the seed: which clients ask for what, how long disks and
 * lines take, who is killed when, and what survives of what was not flushed.
 */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: SimulatedWorld;
  readonly #stage: Stage;
  readonly #trouble: SimulatedTrouble;
  readonly #losses: MirrorLosses;
  readonly #random: SeededRandom;
  #oldPrimary: OldPrimary | undefined;
  /** What the old primary has to set aside. */
  #setAside: OldLine | undefined;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const world = new SimulatedWorld(options);
    this.#world = world;
    this.#random = world.stream();
    this.#stage = { world, clients: new SimulatedClients(world), probes: new SimulatedProbes(world) };
    this.#trouble = new SimulatedTrouble(world);
    this.#losses = new MirrorLosses(world);
    world.betweenEvents = () => this.#stage.probes.betweenEvents();
  }

  /** Runs to the end or to the first violation, which the report then names. */
  async run(): Promise<SimulationReport> {
    const { report, trace } = this.#world;
    // The run itself leaves the process no moment for anything else.
    await setImmediate();
    try {
      await this.#boot();
      for (let round = 0; round < (this.#options.rounds ?? 2); round++) await this.#round(round);
    } catch (fault) {
      report.violation = fault instanceof Error ? textOf(fault) : String(fault);
      report.trace = trace;
    }
    this.#end();
    return report;
  }

  async #boot(): Promise<void> {
    const world = this.#world;
    for (const side of world.sides) world.spawn(world.start(side, true));
    const areUp = await world.drive(() => world.sides.every((side) => world.isUp(side)), 60_000);
    if (!areUp) throw new Violation('the servers do not start');
    for (const side of world.sides) await this.#stage.probes.watch(side);
    const { clients } = this.#stage;
    for (let client = 0; client < clientsMax; client++) world.spawn(clients.client(world.stream()));
    for (let viewer = 0; viewer < viewersMax; viewer++) world.spawn(clients.viewer(world.stream()));
    if (world.plan.hasSchedule) world.spawn(clients.schedule(world.stream()));
    world.spawn(this.#trouble.run(world.stream()));
  }

  async #round(round: number): Promise<void> {
    const world = this.#world;
    const random = this.#random;
    if (round > 0) this.#setAside = await changeSides(this.#stage, random, this.#oldPrimary);
    this.#oldPrimary = random.chance(0.2) && round === 0 ? imageOfPrimary(world) : undefined;
    this.#trouble.stir(random);
    this.#losses.befall(random);
    world.isQuiet = false;
    await world.drive(() => false, this.#options.roundMs ?? 12_000);
    await comeToRest(this.#stage, this.#trouble);
    if (random.chance(0.25)) await rotAndHeal(this.#stage, random);
    await proveRest(this.#stage, this.#setAside);
  }

  #end(): void {
    const { report, clock, allDisks, sides, primary, mirrors } = this.#world;
    report.virtualMs = Math.round(clock.monotonicMs());
    report.events = clock.fired;
    for (const { counts } of allDisks) {
      report.faults.deviceErrors += counts.errors;
      report.faults.lostWrites += counts.lostWrites;
      report.faults.tornWrites += counts.tornWrites;
      report.faults.silentWrites += counts.silentWrites;
    }
    for (const root of [primary?.volume.rootBytes, ...mirrors.map(({ server }) => server?.volume.committedBytes)]) {
      if (root !== undefined) this.#world.mark(root);
    }
    for (const side of sides) this.#world.leave(side);
  }
}

function textOf(fault: Error): string {
  const cause = fault.cause instanceof Error ? `\ncaused by ${fault.cause.stack ?? fault.cause.message}` : '';
  return `${fault instanceof Violation ? fault.message : (fault.stack ?? fault.message)}${cause}`;
}
