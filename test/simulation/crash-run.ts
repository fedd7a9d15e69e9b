import { SeededRandom } from '../../src-main/base/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { crashModes, type CrashOptions, crashStates, type CrashState, type Unflushed } from './crash-states.ts';
import { judge, proveRecovery } from './crash-check.ts';
import { CrashProofs } from './crash-proofs.ts';
import { type Happening, Promises, Violation } from './history.ts';
import { PrimaryWorkload, type WorkloadOptions } from './primary-workload.ts';
import { Trace, TraceDevice } from './trace-device.ts';

/** Small enough that space is used again within a workload. */
export const volumeBlocks = 1500;

const overheadBytes = 3 << 20;

/** A workload whose volume has aged, and the trace of what it did since. */
export interface TracedWorkload {
  workload: PrimaryWorkload;
  trace: Trace;
  /** What happened before the trace begins. */
  past: readonly Happening[];
}

/** Sizes of devices that hold so many blocks together. */
export function deviceSizes(count: number, blocks = volumeBlocks): number[] {
  const shareBytes = Math.floor(blocks / count) * 4096;
  return Array.from({ length: count }, (_, index) => (index === 0 ? overheadBytes : 1 << 20) + shareBytes);
}

export interface AgedWorkloadOptions extends WorkloadOptions {
  stepsBefore: number;
  /** Devices of the volume; 1 unless given. */
  devices?: number;
  /** Room of the volume; `volumeBlocks` unless given. Where it is nearly full, a CP is many small writes. */
  blocks?: number;
}

/** Makes a volume, uses it until it has freed and used again some of its space, and closes it. */
export async function agedWorkload(options: AgedWorkloadOptions): Promise<{ workload: PrimaryWorkload; left: CrashState }> {
  const workload = new PrimaryWorkload(options);
  const trace = new Trace();
  await workload.create(deviceSizes(options.devices ?? 1, options.blocks).map((sizeBytes) => new TraceDevice(trace, { sizeBytes })));
  await workload.run(options.stepsBefore);
  await workload.volume.close();
  return { workload, left: finalState(trace) };
}

/**
 * Opens an aged volume and traces so many steps. `wrap` may put something
 * between the volume and the traced devices.
 */
export async function tracedWorkload(
  options: AgedWorkloadOptions & { steps: number },
  wrap: (device: Device) => Device = (device) => device,
  onHappening: (happening: Happening) => void = () => undefined,
): Promise<TracedWorkload> {
  const { workload, left } = await agedWorkload(options);
  const trace = new Trace();
  const past = [...workload.past];
  workload.listener = (happening) => {
    trace.mark(happening);
    onHappening(happening);
  };
  await workload.open(left.traceDevices(trace).map(wrap));
  await workload.run(options.steps);
  await workload.volume.close();
  return { workload, trace, past };
}

/** Everything that was written, as after a clean stop. */
export function finalState(trace: Trace): CrashState {
  const options = { mode: 'in-order', random: new SeededRandom(1), fromEvent: trace.events.length - 1 } as const;
  for (const state of crashStates(trace, options)) return state;
  throw new Violation('a trace without events has no final state');
}

export interface CrashRunOptions {
  seed: number;
  /** As `samplesByChoice` says, unless given. */
  samplesPerEvent?: CrashOptions['samplesPerEvent'];
  /** One recovered volume in so many of those opened is used further and checked again. */
  usedOneIn: number;
  /** Stops at the first broken promise instead of counting. */
  stopAtFirst?: boolean;
}

export interface CrashRun {
  states: number;
  /** States that no other one has both the bytes and the promises of. */
  distinct: number;
  /** States that were opened: of those that differ only where their recovery does not read, one. */
  opened: number;
  replayed: number;
  /** Distinct counts of changes that recoveries came back with. */
  recoveredCounts: Set<number>;
  violations: string[];
}

/** Few states where little was being written, since they would repeat, and many of a CP that writes in many places. */
export function samplesByChoice({ changes, sectors }: Unflushed): number {
  if (changes === 1 && sectors === 1) return 2;
  return sectors <= 16 ? 6 : 80;
}

/** Cuts the power at every write and flush of a trace, in every mode, and proves each state. */
export async function crashEverywhere({ workload, trace, past }: TracedWorkload, options: CrashRunOptions): Promise<CrashRun> {
  const run: CrashRun = { states: 0, distinct: 0, opened: 0, replayed: 0, recoveredCounts: new Set(), violations: [] };
  const { history } = workload;
  const proofs = new CrashProofs({ seed: options.seed, roots: Promises.after(workload.past).roots });
  const seen = new Set<string>();
  for (const state of everyState(trace, options)) {
    run.states++;
    if (seen.size === seen.add(state.print).size) continue;
    const promises = Promises.after([...past, ...state.marks]);
    await noteFault(run, state, async () => {
      const found = await proofs.of(state);
      const { replayed, count } = judge(found, { history, promises, bases: true });
      run.replayed += replayed;
      run.recoveredCounts.add(count);
      const isOpened = proofs.opened > run.opened;
      run.opened = proofs.opened;
      if (!isOpened || run.opened % options.usedOneIn !== 0) return;
      await proveRecovery(state.devices(), { history, promises, seed: options.seed + run.states, changesAfter: 8, bases: true });
    });
    run.distinct = seen.size;
    if (options.stopAtFirst === true && run.violations.length > 0) return run;
  }
  return run;
}

function* everyState(trace: Trace, { seed, samplesPerEvent = samplesByChoice }: CrashRunOptions): Generator<CrashState> {
  for (const mode of crashModes) yield* crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent, skipMarks: true });
}

async function noteFault(run: CrashRun, state: CrashState, prove: () => Promise<void>): Promise<void> {
  try {
    await prove();
  } catch (fault) {
    run.violations.push(`${state.description}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`);
  }
}
