import type { CpSample, HistorySpan, RelationshipSample, RelationshipStatus } from '../../../src-main/contract/index.ts';
import { isLagKnown } from './relationship-words.ts';

export const spans: readonly { readonly span: HistorySpan; readonly label: string; readonly lengthMs: number }[] = [
  { span: 'hour', label: 'Hour', lengthMs: 60 * 60_000 },
  { span: 'day', label: 'Day', lengthMs: 24 * 60 * 60_000 },
  { span: 'week', label: 'Week', lengthMs: 7 * 24 * 60 * 60_000 },
];

export function lengthOf(span: HistorySpan): number {
  return spans.find((one) => one.span === span)!.lengthMs;
}

/** Further apart than so many steps, something was not measured in between. */
const gapSteps = 1.5;

/** Lines over the same moments; null where nothing was measured. */
export interface Lines<Name extends string> {
  readonly moments: readonly number[];
  readonly values: Readonly<Record<Name, readonly (number | null)[]>>;
}

interface Shape<T, Name extends string> {
  /** What was measured before this is not shown; the lines begin here. */
  readonly fromMs: number;
  /** Samples further apart than this have a gap between them. */
  readonly gapMs: number;
  readonly valuesOf: (sample: T) => Readonly<Partial<Record<Name, number | undefined>>>;
}

/** Samples as lines that break where nothing was measured. */
export function linesOf<T extends { readonly wallMs: number }, Name extends string>(samples: readonly T[], names: readonly Name[], shape: Shape<T, Name>): Lines<Name> {
  const { fromMs, gapMs, valuesOf } = shape;
  const moments: number[] = [fromMs];
  const rows: (Readonly<Partial<Record<Name, number | undefined>>> | undefined)[] = [undefined];
  for (const sample of samples) {
    const before = moments.at(-1)!;
    if (sample.wallMs <= before) continue;
    if (rows.at(-1) !== undefined && sample.wallMs - before > gapMs) {
      moments.push(before + gapMs / 2);
      rows.push(undefined);
    }
    moments.push(sample.wallMs);
    rows.push(valuesOf(sample));
  }
  const values = Object.fromEntries(names.map((name) => [name, rows.map((row) => row?.[name] ?? null)])) as Record<Name, (number | null)[]>;
  return { moments, values };
}

/** A relationship as it is told now, in the form in which it is stored. */
export function liveSample(status: RelationshipStatus, wallMs: number): RelationshipSample {
  const { mirrorCp, lagMs, lagBytes, sentPerSecond, receivedPerSecond } = status;
  return { wallMs, sentPerSecond, receivedPerSecond, ...(isLagKnown(status) && mirrorCp > 0 && { lagMs, lagBytes }) };
}

/** What was stored, and after its last step what was seen live. */
export function joined(stored: readonly RelationshipSample[], live: readonly RelationshipSample[], stepMs: number): RelationshipSample[] {
  const endMs = stored.length === 0 ? -Infinity : stored.at(-1)!.wallMs + stepMs;
  return [...stored, ...live.filter(({ wallMs }) => wallMs >= endMs)];
}

/** How much of what was seen live is kept until it is stored: one for each second of the longest step. */
export const livePointsMax = 30 * 60;

export function relationshipLines(samples: readonly RelationshipSample[], { fromMs, stepMs }: { fromMs: number; stepMs: number }): Lines<'lagMs' | 'sentPerSecond' | 'receivedPerSecond'> {
  return linesOf(samples, ['lagMs', 'sentPerSecond', 'receivedPerSecond'], { fromMs, gapMs: stepMs * gapSteps, valuesOf: (sample) => sample });
}

/** CPs come at their interval, which may be longer than a step: only more than that is a gap. */
export function cpLines(samples: readonly CpSample[], { fromMs, stepMs, intervalMs }: { fromMs: number; stepMs: number; intervalMs: number }): Lines<'durationMsMean' | 'durationMsMax'> {
  return linesOf(samples, ['durationMsMean', 'durationMsMax'], { fromMs, gapMs: (stepMs + intervalMs) * gapSteps, valuesOf: (sample) => sample });
}
