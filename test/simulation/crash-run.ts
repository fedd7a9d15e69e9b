import { SeededRandom } from '../../src-main/base/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { crashModes, crashStates, type CrashState } from './crash-states.ts';
import { type CrashCheckOptions, proveRecovery } from './crash-check.ts';
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

/** Sizes of devices that hold `volumeBlocks` together. */
export function deviceSizes(count: number): number[] {
  const shareBytes = Math.floor(volumeBlocks / count) * 4096;
  return Array.from({ length: count }, (_, index) => (index === 0 ? overheadBytes : 1 << 20) + shareBytes);
}

export interface AgedWorkloadOptions extends WorkloadOptions {
  stepsBefore: number;
  /** Devices of the volume; 1 unless given. */
  devices?: number;
}

/** Makes a volume, uses it until it has freed and used again some of its space, and closes it. */
export async function agedWorkload(options: AgedWorkloadOptions): Promise<{ workload: PrimaryWorkload; left: CrashState }> {
  const workload = new PrimaryWorkload(options);
  const trace = new Trace();
  await workload.create(deviceSizes(options.devices ?? 1).map((sizeBytes) => new TraceDevice(trace, { sizeBytes })));
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
  samplesPerEvent: number;
  /** One recovered volume in so many is used further and checked again. */
  usedOneIn: number;
  /** Stops at the first broken promise instead of counting. */
  stopAtFirst?: boolean;
}

export interface CrashRun {
  states: number;
  replayed: number;
  /** Distinct counts of changes that recoveries came back with. */
  recoveredCounts: Set<number>;
  violations: string[];
}

/** Cuts the power at every write and flush of a trace, in every mode, and proves each state. */
export async function crashEverywhere({ workload, trace, past }: TracedWorkload, options: CrashRunOptions): Promise<CrashRun> {
  const run: CrashRun = { states: 0, replayed: 0, recoveredCounts: new Set(), violations: [] };
  for (const mode of crashModes) {
    const random = new SeededRandom(options.seed);
    const { samplesPerEvent } = options;
    for (const state of crashStates(trace, { mode, random, samplesPerEvent, skipMarks: true })) {
      run.states++;
      await proveState(run, state, {
        history: workload.history,
        promises: Promises.after([...past, ...state.marks]),
        seed: options.seed + run.states,
        changesAfter: run.states % options.usedOneIn === 0 ? 8 : 0,
        bases: true,
      });
      if (options.stopAtFirst === true && run.violations.length > 0) return run;
    }
  }
  return run;
}

async function proveState(run: CrashRun, state: CrashState, check: CrashCheckOptions): Promise<void> {
  try {
    const { replayed, count } = await proveRecovery(state.devices(), check);
    run.replayed += replayed;
    run.recoveredCounts.add(count);
  } catch (fault) {
    run.violations.push(`${state.description}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`);
  }
}
