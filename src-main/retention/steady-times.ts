/**
 * Times by which snapshots are told apart into hours, days and so on: given the
 * wall-clock times of snapshots in CP order, milliseconds, it answers times that
 * never fall. Where the clock never fell they are the same.
 *
 * What counts is the time from each snapshot to the next; where the clock was set
 * back, that is none. So older snapshots keep their distances from each other,
 * and a corrected clock moves them together instead of heaping them up. One time
 * that is out of line while its neighbours are in order (a clock that was wrong
 * for a moment) is drawn between them first. The newest keeps its own time.
 */
export function steadyTimes(wallTimesMs: readonly number[]): number[] {
  const straight = wallTimesMs.map((wallMs, index) => {
    const before = wallTimesMs[index - 1];
    const after = wallTimesMs[index + 1];
    if (before === undefined || after === undefined || before > after) return wallMs;
    return Math.min(Math.max(wallMs, before), after);
  });
  const steady = [...straight];
  for (let index = straight.length - 2; index >= 0; index--) {
    const gapMs = Math.max(0, straight[index + 1]! - straight[index]!);
    steady[index] = steady[index + 1]! - gapMs;
  }
  return steady;
}
