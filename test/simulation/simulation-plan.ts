import type { SeededRandom } from '../../src-main/base/index.ts';
import type { WorkloadShape } from './model-operation.ts';

/** What a seed decides for the whole of its run. */
export interface SimulationPlan {
  readonly shape: WorkloadShape;
  readonly cpIntervalMs: number;
  readonly durability: 'sync' | 'request';
  /** Of a hundred things that clients ask for, so many are CPs. */
  readonly cpPercent: number;
  /** Devices fail now and then, and are full for a while. */
  readonly hasErrors: boolean;
  /** Of the blocks that the mirrors write, such a share is lost, goes astray or gets a wrong bit. */
  readonly silentFaultChance: number;
  /** Of the primary, over all of its devices. Few, so that what is freed is soon used again. */
  readonly blocks: number;
  readonly primaryDevices: 1 | 2;
  readonly hasSecondMirror: boolean;
  readonly client: ClientHabits;
  /** A schedule takes snapshots, and rules give them up. */
  readonly hasSchedule: boolean;
  /** How long a viewer rests between two looks at most: now and then for so long that much of a small volume is written anew. */
  readonly viewPauseMsMax: number;
  /** Chances that a crash is tried on a copy: while a root is written, and once a mirror has one. */
  readonly probeAtRootChance: number;
  readonly probeAtCommitChance: number;
  /** The same after any event, for each side. */
  readonly probeAtAnyTimeChance: number;
}

/** How those behave who ask for changes. */
export interface ClientHabits {
  /** The chance of a longer rest before the next thing; the pause is shorter. */
  readonly restChance: number;
  readonly pauseMsMax: number;
  /** How long a file is kept open at most. */
  readonly holdMsMax: number;
  /** The chance that a CP is asked for as soon as something has changed. */
  readonly cpAfterChangeChance: number;
}

const shapes: readonly WorkloadShape[] = [
  { filesMax: 14, fileBytesMax: 150_000, writeBytesMax: 40_000 },
  { filesMax: 30, fileBytesMax: 20_000, writeBytesMax: 8000 },
  { filesMax: 5, fileBytesMax: 400_000, writeBytesMax: 150_000 },
];

/** Of a seed whose CPs are near to each other; changes are small, so that a CP costs little. */
const dense = {
  shape: { filesMax: 12, fileBytesMax: 20_000, writeBytesMax: 4000 },
  blocks: 600,
  cpPercent: 20,
  client: { restChance: 0.05, pauseMsMax: 3, holdMsMax: 100, cpAfterChangeChance: 0.8 },
};

/** A dense run has so many more CPs and events that about as many crashes are tried in it as in another. */
const denseProbeShare = 0.2;

/**
 * `isDense` makes of a seed's plan one in which a CP comes after each change or
 * two, some hundred in a second. It meets what depends on how near CPs are:
 * crashes between many small ones, mirrors that are several behind and catch up,
 * roots that are kept and given up one after the other.
 */
export function planFrom(random: SeededRandom, isDense = false): SimulationPlan {
  const plan = sparsePlan(random);
  if (!isDense) return plan;
  return {
    ...plan,
    ...dense,
    probeAtRootChance: plan.probeAtRootChance * denseProbeShare,
    probeAtCommitChance: plan.probeAtCommitChance * denseProbeShare,
    probeAtAnyTimeChance: plan.probeAtAnyTimeChance * denseProbeShare,
  };
}

function sparsePlan(random: SeededRandom): SimulationPlan {
  // Seeds of many CPs find what depends on what is freed and used again; the others, what is kept for long.
  const isBrisk = random.chance(0.75);
  const shape = random.pick(isBrisk ? shapes.slice(0, 2) : shapes);
  const primaryDevices = random.chance(0.3) ? 2 : 1;
  return {
    shape,
    blocks: random.pick(shape.fileBytesMax < 50_000 ? [400, 600, 1800] : [900, 1800]),
    cpIntervalMs: random.pick([1000, 1000, 2000, 6000]),
    durability: random.chance(0.2) ? 'request' : 'sync',
    cpPercent: isBrisk ? random.pick([30, 40]) : 2,
    hasErrors: random.chance(0.35),
    silentFaultChance: random.chance(0.15) ? random.pick([0.01, 0.03, 0.1]) : 0,
    primaryDevices,
    hasSecondMirror: random.chance(0.3),
    client: { restChance: 0.2, pauseMsMax: 25, holdMsMax: 3000, cpAfterChangeChance: 0 },
    hasSchedule: random.chance(0.4),
    viewPauseMsMax: random.pick([1500, 1500, 6000]),
    probeAtRootChance: isBrisk ? 0.03 : 0.15,
    probeAtCommitChance: isBrisk ? 0.08 : 0.4,
    probeAtAnyTimeChance: 0.0007,
  };
}
