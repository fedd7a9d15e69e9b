import { z } from 'zod';
import { type Course, spanNames } from './course.ts';
import type { CpMeasure, RelationshipMeasure } from './measures.ts';

/*
 * How courses stand in the log: a line has the steps of one span of one course
 * that changed since the line before, each as a row of numbers; in the order of
 * the lines they make the course again. A line that is none is passed over.
 */

const index = z.int().min(0);
const amount = z.number().min(0);
const known = z.number().min(0).nullable();

/** Index, measured milliseconds, bytes sent and received, lag in milliseconds and bytes. */
const relationshipRow = z.tuple([index, amount.gt(0), amount, amount, known, known]);

/** Index, number of CPs, their time together, the longest, bytes. */
const cpRow = z.tuple([index, z.int().min(1), amount, amount, amount]);

const span = z.enum(['hour', 'day', 'week']);

const lineSchema = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('relationship'), id: z.string(), span, rows: z.array(relationshipRow) }),
  /** `cp` is the last that is in it. */
  z.strictObject({ of: z.literal('volume'), name: z.string(), id: z.string(), cp: z.int().min(0), span, rows: z.array(cpRow) }),
]);
type Line = z.infer<typeof lineSchema>;

/** The courses of a relationship, and of the CPs of a volume. */
export interface RelationshipCourse {
  readonly id: string;
  readonly course: Course<RelationshipMeasure>;
}

export interface VolumeCourse {
  readonly name: string;
  /** The identity of the volume that has the name. */
  readonly id: string;
  /** The last CP that is in the course. */
  cp: number;
  readonly course: Course<CpMeasure>;
}

/** Less than a tenth of a millisecond matters to nobody. */
function short(value: number): number {
  return Math.round(value * 10) / 10;
}

export function linesOfRelationship({ id, course }: RelationshipCourse, which: 'all' | 'changed'): string[] {
  return spanNames.flatMap((name) => {
    const rows = course.steps(name, which).map(({ index: at, value }): z.infer<typeof relationshipRow> => {
      const { measuredMs, sentBytes, receivedBytes, lagMs = null, lagBytes = null } = value;
      return [at, Math.max(0.1, short(measuredMs)), sentBytes, receivedBytes, lagMs === null ? null : short(lagMs), lagBytes];
    });
    return rows.length === 0 ? [] : [stringified({ of: 'relationship', id, span: name, rows })];
  });
}

export function linesOfVolume({ name, id, cp, course }: VolumeCourse, which: 'all' | 'changed'): string[] {
  return spanNames.flatMap((spanName) => {
    const rows = course.steps(spanName, which).map(({ index: at, value }): z.infer<typeof cpRow> => {
      return [at, value.count, short(value.durationMs), short(value.durationMsMax), value.bytes];
    });
    return rows.length === 0 ? [] : [stringified({ of: 'volume', name, id, cp, span: spanName, rows })];
  });
}

function stringified(line: Line): string {
  return JSON.stringify(line);
}

/** What a line adds, given the course that it belongs to. */
export function readLine(
  text: string,
  courseOf: { relationship: (id: string) => RelationshipCourse | undefined; volume: (volume: Pick<VolumeCourse, 'name' | 'id'>) => VolumeCourse | undefined },
): void {
  const line = parsed(text);
  if (line === undefined) return;
  if (line.of === 'relationship') {
    const course = courseOf.relationship(line.id)?.course;
    for (const [at, measuredMs, sentBytes, receivedBytes, lagMs, lagBytes] of line.rows) {
      course?.restore(line.span, { index: at, value: { measuredMs, sentBytes, receivedBytes, lagMs: lagMs ?? undefined, lagBytes: lagBytes ?? undefined } });
    }
    return;
  }
  const volume = courseOf.volume(line);
  if (volume === undefined) return;
  volume.cp = line.cp;
  for (const [at, count, durationMs, durationMsMax, bytes] of line.rows) {
    volume.course.restore(line.span, { index: at, value: { count, durationMs, durationMsMax, bytes } });
  }
}

function parsed(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
