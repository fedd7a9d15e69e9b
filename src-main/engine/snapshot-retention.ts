import { MirrorpointError } from '../base/index.ts';
import type { ScrubResult } from '../contract/index.ts';
import { type KeepRules, lastCommonCps, lastGoodCp, planRetention, type RetainedSnapshot, type RetentionVerdict } from '../retention/index.ts';
import { isAutomaticName } from '../snapshots/index.ts';
import type { SnapshotInfo, Volume } from '../volume/index.ts';

/** A run that is started may be kept waiting for so long by another CP, and its snapshot falls into the next hour or day. */
const runDelayMs = 10 * 60 * 1000;

type RuledSnapshot = SnapshotInfo & RetainedSnapshot;

/** A mirror, by what messages call it, and the CPs that it has, or may have, as its last. */
export interface MirrorStand {
  readonly name: string;
  readonly cps: readonly number[];
}

/** What decides about snapshots beside rules. */
export interface RetentionFacts {
  readonly nowMs: number;
  readonly mirrors: readonly MirrorStand[];
  /** The snapshots in which the last scrub found blocks that no side has any more; undefined when it found none anywhere. */
  readonly damaged: ReadonlySet<string> | undefined;
}

/** What rules say of the snapshots of a volume, in CP order. */
export async function judgeSnapshots(volume: Volume, keep: KeepRules, facts: RetentionFacts): Promise<RetentionVerdict<RuledSnapshot>[]> {
  return judge(await ruledSnapshots(volume), keep, facts);
}

/**
 * Applies rules to a volume, and in the same CP keeps it under an automatic name
 * when that is wanted and something has changed since the newest snapshot.
 */
export async function retainSnapshots(
  volume: Volume,
  how: { keep: KeepRules; facts: RetentionFacts; isRun: boolean },
): ReturnType<Volume['snapshots']['retain']> {
  const { keep, facts, isRun } = how;
  const { nowMs } = facts;
  const isKept = isRun && (await volume.snapshots.hasNews());
  const snapshots = await ruledSnapshots(volume);
  // The new one counts already. Its time is not known before its CP, so only what goes at either time goes.
  const times = isKept ? [nowMs, nowMs + runDelayMs] : [nowMs];
  const doomed = times.map((wallMs) => {
    const next = isKept ? [newSnapshot(volume.root.cp + 1, wallMs)] : [];
    const verdicts = judge([...snapshots, ...next], keep, facts);
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
export async function refuseNeeded(volume: Volume, name: string, { mirrors, damaged }: RetentionFacts): Promise<void> {
  const snapshots = await ruledSnapshots(volume);
  const one = snapshots.find((snapshot) => snapshot.name === name);
  // Whoever holds it is a better reason, and what has another name stays.
  if (one === undefined || one.isHeld || snapshots.some(({ cp, name: other }) => cp === one.cp && other !== name)) return;
  const cps = snapshots.map(({ cp }) => cp);
  const mirror = mirrors.find((known) => lastCommonCps(cps, known.cps).has(one.cp));
  if (mirror !== undefined) {
    throw new MirrorpointError(
      'snapshot-needed',
      `Snapshot "${name}" is the newest of volume ${volume.name} that the mirror at ${mirror.name} has too, or may have: what both sides can go back to. ` +
        'Take a newer one first, wait until the mirror has it, and delete this one then.',
    );
  }
  if (damaged !== undefined && lastGoodCp(cps, cpsOf(snapshots, damaged)) === one.cp) {
    throw new MirrorpointError(
      'snapshot-needed',
      `Snapshot "${name}" is the newest of volume ${volume.name} in which nothing is known to be damaged. Restore what is damaged from it, take a newer one, and delete this one then.`,
    );
  }
}

/** The snapshots that lost something, by a scrub; undefined when nothing was lost anywhere. */
export function damagedSnapshots({ lostBlocks, files }: ScrubResult): Set<string> | undefined {
  if (lostBlocks === 0) return undefined;
  return new Set(files.flatMap(({ states }) => states.flatMap((state) => (state.startsWith('@') ? [state.slice(1)] : []))));
}

async function ruledSnapshots(volume: Volume): Promise<RuledSnapshot[]> {
  const snapshots = await volume.listSnapshots();
  return snapshots.map((one) => ({ ...one, isHeld: one.holds.length > 0, isAutomatic: isAutomaticName(one.name) }));
}

function judge<T extends RetainedSnapshot>(snapshots: readonly T[], keep: KeepRules, facts: RetentionFacts): RetentionVerdict<T>[] {
  const { nowMs, mirrors, damaged } = facts;
  return planRetention(snapshots, keep, { nowMs, mirrorCps: mirrors.flatMap(({ cps }) => cps), damagedCps: cpsOf(snapshots, damaged) });
}

function cpsOf(snapshots: readonly RetainedSnapshot[], names: ReadonlySet<string> = new Set()): Set<number> {
  return new Set(snapshots.flatMap(({ cp, name }) => (names.has(name) ? [cp] : [])));
}

function newSnapshot(cp: number, wallMs: number): RetainedSnapshot {
  return { name: '', cp, wallMs, isHeld: false, isAutomatic: true };
}
