import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { judge } from './crash-check.ts';
import { CrashProofs } from './crash-proofs.ts';
import type { TracedWorkload } from './crash-run.ts';
import { crashModes, type CrashState, crashStates } from './crash-states.ts';
import { type Happening, Promises } from './history.ts';
import { Trace, type TraceDevice } from './trace-device.ts';

export interface CrashPairs {
  /** Recoveries that were traced, each from another state. */
  recoveries: number;
  /** Pairs of a crash and one during the recovery from it, no two of which leave the same. */
  pairs: number;
  /** Of these, how many were opened again. */
  opened: number;
}

/**
 * Cuts the power at every write and flush of a trace, lets each state recover,
 * cuts the power at every write and flush of that, and proves what is left then.
 * Throws at the first broken promise.
 */
export async function crashRecoveries(traced: TracedWorkload, options: { seed: number; samplesPerEvent: number }): Promise<CrashPairs> {
  const { seed, samplesPerEvent } = options;
  const proofs = new CrashProofs({ seed, roots: Promises.after(traced.workload.past).roots });
  const seen = new Set<string>();
  const pairs = new Set<string>();
  for (const mode of crashModes) {
    for (const state of crashStates(traced.trace, { mode, random: new SeededRandom(seed), samplesPerEvent, skipMarks: true })) {
      if (seen.size === seen.add(state.print).size) continue;
      await crashRecovery(traced, { state, proofs, pairs, ...options }).catch((fault: unknown) => {
        throw new Error(`seed ${seed}: ${state.description}`, { cause: fault });
      });
    }
  }
  return { recoveries: seen.size, pairs: pairs.size, opened: proofs.opened };
}

async function crashRecovery(
  { workload, past }: TracedWorkload,
  options: { state: CrashState; proofs: CrashProofs; pairs: Set<string>; seed: number; samplesPerEvent: number },
): Promise<void> {
  const { state, proofs, pairs, seed, samplesPerEvent } = options;
  const promises = Promises.after([...past, ...state.marks]);
  const trace = new Trace();
  const count = await recoverTraced(state.traceDevices(trace), trace, { workload, promises });
  // Nothing is acknowledged in between: what the first recovery found is what every later one finds.
  promises.durable = count;
  promises.applied = count;
  for (const event of trace.events) {
    if (event.kind !== 'mark') continue;
    const happening = event.value as Happening;
    if (happening.kind === 'frozen') promises.cps.set(happening.cp, happening.count);
  }
  for (const mode of crashModes) {
    for (const inner of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent, skipMarks: true })) {
      if (pairs.size === pairs.add(`${state.marks.length} ${inner.print}`).size) continue;
      const seen = Promises.after([...past, ...state.marks, ...inner.marks]);
      const after = Object.assign(seen, { durable: count, applied: count, cps: promises.cps });
      try {
        judge(await proofs.of(inner), { history: workload.history, promises: after, bases: true });
      } catch (fault) {
        throw new Error(inner.description, { cause: fault });
      }
    }
  }
}

/** Opens a crashed volume on traced devices, takes note of the CP that recovery takes, and leaves it without closing. */
async function recoverTraced(devices: TraceDevice[], trace: Trace, from: { workload: TracedWorkload['workload']; promises: Promises }): Promise<number> {
  const { workload, promises } = from;
  const volume = await Volume.open(await DeviceSet.open(devices), { ...workload.volumeOptions, random: new SeededRandom(7) });
  const range = { least: promises.durable, most: promises.applied };
  const count = await workload.history.countOf(volume, range, 'the volume after its first crash');
  const { cp } = volume.root;
  if (cp !== volume.recovery?.cp) {
    trace.mark({ kind: 'frozen', cp, count } satisfies Happening);
    trace.mark({ kind: 'committed', cp, rootBytes: volume.rootBytes } satisfies Happening);
  }
  await volume.sync();
  return count;
}
