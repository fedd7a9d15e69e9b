import { MirrorpointError } from '../base/index.ts';
import { type KeepRules, lastCommonCps, lastGoodCp, planRetention, type RetainedSnapshot, type RetentionVerdict } from '../retention/index.ts';
import { isAutomaticName } from '../snapshots/index.ts';
import type { SnapshotInfo, Volume } from '../volume/index.ts';

/** A run that is started may be kept waiting for so long by another CP, and its snapshot falls into the next hour or day. */
const runDelayMs = 10 * 60 * 1000;

type RuledSnapshot = SnapshotInfo & RetainedSnapshot;

/** What rules say of the snapshots of a volume, in CP order. */
export async function judgeSnapshots(volume: Volume, keep: KeepRules, nowMs: number): Promise<RetentionVerdict<RuledSnapshot>[]> {
  return judge(volume, await ruledSnapshots(volume), { keep, nowMs });
}

/**
 * Applies rules to a volume, and in the same CP keeps it under an automatic name
 * when that is wanted and something has changed since the newest snapshot.
 */
export async function retainSnapshots(
  volume: Volume,
  options: { keep: KeepRules; nowMs: number; isRun: boolean },
): ReturnType<Volume['snapshots']['retain']> {
  const { keep, nowMs } = options;
  const isKept = options.isRun && (await volume.snapshots.hasNews());
  const snapshots = await ruledSnapshots(volume);
  // The new one counts already. Its time is not known before its CP, so only what goes at either time goes.
  const times = isKept ? [nowMs, nowMs + runDelayMs] : [nowMs];
  const doomed = times.map((wallMs) => {
    const next = isKept ? [newSnapshot(volume.root.cp + 1, wallMs)] : [];
    const verdicts = judge(volume, [...snapshots, ...next], { keep, nowMs });
    return new Set(verdicts.flatMap(({ snapshot, reasons }) => (reasons.length === 0 ? [snapshot.name] : [])));
  });
  const drop = [...doomed[0]!].filter((name) => doomed.every((names) => names.has(name)));
  return volume.snapshots.retain({ keep: isKept, drop });
}

/**
 * Refuses to delete a snapshot by hand that is the newest which a mirror has too:
 * it is what both sides can go back to. Also the newest that is not known to be
 * damaged, once damage is known: while none is, the live volume is as good and
 * newer, so that the last snapshot of a volume may go. Throws `snapshot-needed`.
 */
export async function refuseNeeded(volume: Volume, name: string, mirrorName: (relationship: string) => string): Promise<void> {
  const snapshots = await ruledSnapshots(volume);
  const one = snapshots.find((snapshot) => snapshot.name === name);
  // Whoever holds it is a better reason, and what has another name stays.
  if (one === undefined || one.isHeld || snapshots.some(({ cp, name: other }) => cp === one.cp && other !== name)) return;
  const cps = snapshots.map(({ cp }) => cp);
  const mirror = [...volume.snapshots.mirrorCps].find(([, mirrorCps]) => lastCommonCps(cps, mirrorCps).has(one.cp));
  if (mirror !== undefined) {
    throw new MirrorpointError(
      'snapshot-needed',
      `Snapshot "${name}" is the newest of volume ${volume.name} that ${mirrorName(mirror[0])} has too, or may have: what both sides can go back to. ` +
        'Take a newer one first, wait until the mirror has it, and delete this one then.',
    );
  }
  const damaged = damagedCps();
  if (damaged.size > 0 && lastGoodCp(cps, damaged) === one.cp) {
    throw new MirrorpointError(
      'snapshot-needed',
      `Snapshot "${name}" is the newest of volume ${volume.name} in which nothing is known to be damaged. Restore what is damaged from it, take a newer one, and delete this one then.`,
    );
  }
}

async function ruledSnapshots(volume: Volume): Promise<RuledSnapshot[]> {
  const snapshots = await volume.listSnapshots();
  return snapshots.map((one) => ({ ...one, isHeld: one.holds.length > 0, isAutomatic: isAutomaticName(one.name) }));
}

function judge<T extends RetainedSnapshot>(volume: Volume, snapshots: readonly T[], by: { keep: KeepRules; nowMs: number }): RetentionVerdict<T>[] {
  const mirrorCps = [...volume.snapshots.mirrorCps.values()].flat();
  return planRetention(snapshots, by.keep, { nowMs: by.nowMs, mirrorCps, damagedCps: damagedCps() });
}

function newSnapshot(cp: number, wallMs: number): RetainedSnapshot {
  return { name: '', cp, wallMs, isHeld: false, isAutomatic: true };
}

/** CPs of snapshots that a scrub found damaged. */
function damagedCps(): ReadonlySet<number> {
  return new Set();
}
