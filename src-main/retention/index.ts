/**
 * Retention: which snapshots of a volume stay, which go, and when the next is
 * due. Snapshots and times in, decisions out; nothing is read or changed here.
 *
 * - The order is that of the CPs, whatever the clock did. A snapshot goes only
 *   when for each rule a newer one stands in its place, or enough newer ones do.
 * - Rules take only what the schedule made. What people made by hand or hold,
 *   the newest one, the newest that each mirror has too, and the newest that is
 *   not known to be damaged always stay.
 * - Hours, days, weeks (from Monday), months and years are those of UTC, which
 *   knows no summer time.
 */
export * from './guards.ts';
export * from './keep-rules.ts';
export * from './plan-retention.ts';
export * from './run-times.ts';
export * from './steady-times.ts';
