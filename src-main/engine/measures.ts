import type { CpHistoryRecord, CpSample, HistorySpan, RelationshipSample } from '../contract/index.ts';

/** The steps that are kept of each span of time. */
export const spans: Readonly<Record<HistorySpan, { readonly stepMs: number; readonly stepsMax: number }>> = {
  hour: { stepMs: 10_000, stepsMax: 360 },
  day: { stepMs: 300_000, stepsMax: 288 },
  week: { stepMs: 1_800_000, stepsMax: 336 },
};

/** A relationship over some time: what was measured, and for how long. */
export interface RelationshipMeasure {
  readonly measuredMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The largest; undefined while it was not known how far the mirror is. */
  readonly lagMs: number | undefined;
  readonly lagBytes: number | undefined;
}

/** CPs that ended in some time. */
export interface CpMeasure {
  readonly count: number;
  readonly durationMs: number;
  readonly durationMsMax: number;
  readonly bytes: number;
}

function larger(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

export function mergeRelationship(one: RelationshipMeasure, other: RelationshipMeasure): RelationshipMeasure {
  return {
    measuredMs: one.measuredMs + other.measuredMs,
    sentBytes: one.sentBytes + other.sentBytes,
    receivedBytes: one.receivedBytes + other.receivedBytes,
    lagMs: larger(one.lagMs, other.lagMs),
    lagBytes: larger(one.lagBytes, other.lagBytes),
  };
}

export function mergeCps(one: CpMeasure, other: CpMeasure): CpMeasure {
  return {
    count: one.count + other.count,
    durationMs: one.durationMs + other.durationMs,
    durationMsMax: Math.max(one.durationMsMax, other.durationMsMax),
    bytes: one.bytes + other.bytes,
  };
}

export function measureOfCp({ durationMs, bytes }: CpHistoryRecord): CpMeasure {
  return { count: 1, durationMs, durationMsMax: durationMs, bytes };
}

/** Means are over the time that was measured, which may be less than the step. */
export function relationshipSample(wallMs: number, measure: RelationshipMeasure): RelationshipSample {
  const { measuredMs, sentBytes, receivedBytes, lagMs, lagBytes } = measure;
  return {
    wallMs,
    ...(lagMs !== undefined && { lagMs }),
    ...(lagBytes !== undefined && { lagBytes }),
    sentPerSecond: (sentBytes * 1000) / measuredMs,
    receivedPerSecond: (receivedBytes * 1000) / measuredMs,
  };
}

export function cpSample(wallMs: number, { count, durationMs, durationMsMax, bytes }: CpMeasure): CpSample {
  return { wallMs, count, durationMsMean: durationMs / count, durationMsMax, bytes };
}
