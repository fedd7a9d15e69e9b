import { lastCommonCps, lastGoodCp, type SnapshotKnowledge } from './guards.ts';
import { type KeepRules, type Period, periodOf, periods } from './keep-rules.ts';
import { steadyTimes } from './steady-times.ts';

/** A snapshot, as far as rules look at it. */
export interface RetainedSnapshot {
  readonly name: string;
  readonly cp: number;
  /** When it was taken: a label. */
  readonly wallMs: number;
  readonly isHeld: boolean;
  /** The schedule made it, no person. */
  readonly isAutomatic: boolean;
}

/** Why a snapshot stays. */
export const keepReasons = ['by-hand', 'held', 'newest', 'last-common', 'last-good', 'recent', 'last', ...periods] as const;
export type KeepReason = (typeof keepReasons)[number];

/** A snapshot with all reasons to keep it; without any it goes. */
export interface RetentionVerdict<T> {
  readonly snapshot: T;
  readonly reasons: readonly KeepReason[];
}

/**
 * Judges snapshots, given in CP order. Each period keeps the newest snapshot in
 * it, so that hours, days, weeks and so on thin out each other's, however often
 * the rules are applied.
 */
export function planRetention<T extends RetainedSnapshot>(
  snapshots: readonly T[],
  rules: KeepRules,
  known: SnapshotKnowledge & { nowMs: number },
): RetentionVerdict<T>[] {
  const cps = snapshots.map(({ cp }) => cp);
  const common = lastCommonCps(cps, known.mirrorCps);
  const good = lastGoodCp(cps, known.damagedCps);
  const byRules = keptByRules(snapshots.filter((snapshot) => snapshot.isAutomatic), rules, known.nowMs);
  return snapshots.map((snapshot) => {
    const reasons: KeepReason[] = [];
    if (!snapshot.isAutomatic) reasons.push('by-hand');
    if (snapshot.isHeld) reasons.push('held');
    if (common.has(snapshot.cp)) reasons.push('last-common');
    if (snapshot.cp === good) reasons.push('last-good');
    return { snapshot, reasons: [...reasons, ...(byRules.get(snapshot) ?? [])] };
  });
}

function keptByRules<T extends RetainedSnapshot>(snapshots: readonly T[], rules: KeepRules, nowMs: number): Map<T, KeepReason[]> {
  const kept = new Map<T, KeepReason[]>(snapshots.map((snapshot) => [snapshot, []]));
  const keep = (snapshot: T, reason: KeepReason): unknown => kept.get(snapshot)?.push(reason);
  const times = steadyTimes(snapshots.map(({ wallMs }) => wallMs));
  const newest = snapshots.at(-1);
  if (newest === undefined) return kept;
  keep(newest, 'newest');
  const recentMs = Math.max(nowMs, newest.wallMs) - rules.keepAllForMs;
  const left: Record<Period, number> = { ...rules };
  for (let index = snapshots.length - 1; index >= 0; index--) {
    const snapshot = snapshots[index]!;
    const timeMs = times[index]!;
    if (rules.keepAllForMs > 0 && timeMs >= recentMs) keep(snapshot, 'recent');
    if (index >= snapshots.length - rules.last) keep(snapshot, 'last');
    for (const period of periods) {
      if (left[period] === 0) continue;
      const newerMs = times[index + 1];
      if (newerMs !== undefined && periodOf(period, newerMs) === periodOf(period, timeMs)) continue;
      left[period]--;
      keep(snapshot, period);
    }
  }
  return kept;
}
