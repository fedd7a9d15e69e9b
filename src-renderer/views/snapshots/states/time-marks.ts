import type { Snapshot } from '../../../../src-main/contract/index.ts';

/** What part of time an axis shows. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One or more snapshots that stand at one place of the axis. */
export interface TimeMark {
  /** From 0 at the left end to 1 at the right. */
  readonly share: number;
  /** Positions in the list: from the first to the last. */
  readonly first: number;
  readonly last: number;
  readonly isHeld: boolean;
  readonly isSetAside: boolean;
}

/** An axis is at least this long. */
const spanMsMin = 1000;

/**
 * Where each snapshot stands in time. Clocks may have been set back: the order
 * of the CPs holds, so a snapshot stands at its time or where the one before does.
 */
export function risingMoments(snapshots: readonly Pick<Snapshot, 'wallMs'>[]): number[] {
  let reached = -Infinity;
  return snapshots.map(({ wallMs }) => (reached = Math.max(reached, wallMs)));
}

/** The window that has every moment, and the present. */
export function wholeWindow(moments: readonly number[], nowMs: number): TimeWindow {
  const last = Math.max(nowMs, moments.at(-1) ?? nowMs);
  const first = Math.min(moments[0] ?? last, last);
  const span = Math.max(spanMsMin, last - first);
  return { fromMs: last - span * 1.03, toMs: last };
}

/** The window around a moment, shorter or longer by a factor, never beyond the whole. */
export function zoomed(window: TimeWindow, whole: TimeWindow, change: { aroundMs: number; factor: number }): TimeWindow {
  const { aroundMs, factor } = change;
  const span = Math.max(spanMsMin, (window.toMs - window.fromMs) * factor);
  if (span >= whole.toMs - whole.fromMs) return whole;
  const share = (aroundMs - window.fromMs) / (window.toMs - window.fromMs);
  return shifted({ fromMs: aroundMs - span * share, toMs: aroundMs + span * (1 - share) }, whole);
}

/** The window moved so that it lies in the whole. */
function shifted({ fromMs, toMs }: TimeWindow, whole: TimeWindow): TimeWindow {
  const by = Math.max(whole.fromMs - fromMs, 0) + Math.min(whole.toMs - toMs, 0);
  return { fromMs: fromMs + by, toMs: toMs + by };
}

/** The window moved so that a moment is in it. */
export function movedTo(window: TimeWindow, whole: TimeWindow, momentMs: number): TimeWindow {
  if (momentMs >= window.fromMs && momentMs <= window.toMs) return window;
  const half = (window.toMs - window.fromMs) / 2;
  return shifted({ fromMs: momentMs - half, toMs: momentMs + half }, whole);
}

/** A window in which the snapshots of a mark stand apart. */
export function windowOf(mark: TimeMark, moments: readonly number[], whole: TimeWindow): TimeWindow {
  const [first, last] = [moments[mark.first]!, moments[mark.last]!];
  const margin = Math.max(spanMsMin, (last - first) * 0.2);
  return shifted({ fromMs: first - margin, toMs: last + margin }, whole);
}

/** The marks of a window, no two closer than a share of its length. */
export function marksIn(window: TimeWindow, list: { snapshots: readonly Snapshot[]; moments: readonly number[]; apart: number }): TimeMark[] {
  const { snapshots, moments, apart } = list;
  const span = window.toMs - window.fromMs;
  const marks: TimeMark[] = [];
  for (let index = firstFrom(moments, window.fromMs); index < moments.length && moments[index]! <= window.toMs; index++) {
    const share = (moments[index]! - window.fromMs) / span;
    const { holds, isSetAside = false } = snapshots[index]!;
    const open = marks.at(-1);
    if (open !== undefined && share - open.share < apart) {
      marks[marks.length - 1] = { ...open, last: index, isHeld: open.isHeld || holds.length > 0, isSetAside: open.isSetAside || isSetAside };
    } else {
      marks.push({ share, first: index, last: index, isHeld: holds.length > 0, isSetAside });
    }
  }
  return marks;
}

/** The position of the first moment that is not before. */
function firstFrom(moments: readonly number[], fromMs: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]! < fromMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
