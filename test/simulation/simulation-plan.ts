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
  /** A schedule takes snapshots, and rules give them up. */
  readonly hasSchedule: boolean;
  /** How long a viewer rests between two looks at most: now and then for so long that much of a small volume is written anew. */
  readonly viewPauseMsMax: number;
  /** Chances that a crash is tried on a copy: while a root is written, and once a mirror has one. */
  readonly probeAtRootChance: number;
  readonly probeAtCommitChance: number;
}

const shapes: readonly WorkloadShape[] = [
  { filesMax: 14, fileBytesMax: 150_000, writeBytesMax: 40_000 },
  { filesMax: 30, fileBytesMax: 20_000, writeBytesMax: 8000 },
  { filesMax: 5, fileBytesMax: 400_000, writeBytesMax: 150_000 },
];

export function planFrom(random: SeededRandom): SimulationPlan {
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
    hasSchedule: random.chance(0.4),
    viewPauseMsMax: random.pick([1500, 1500, 6000]),
    probeAtRootChance: isBrisk ? 0.03 : 0.15,
    probeAtCommitChance: isBrisk ? 0.08 : 0.4,
  };
}
