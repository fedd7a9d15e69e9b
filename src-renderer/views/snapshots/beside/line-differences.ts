/** A line of two texts that are compared. */
export interface ComparedLine {
  readonly what: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Lines that differ, beyond which two texts are only said to be different. */
const editsMax = 2000;

/**
 * What has to be done to make one text of the other, line by line, by the least
 * number of steps; undefined when there are too many. After E. Myers, "An O(ND)
 * Difference Algorithm and Its Variations", 1986.
 */
export function lineDifferences(older: readonly string[], newer: readonly string[]): ComparedLine[] | undefined {
  let head = 0;
  while (head < older.length && head < newer.length && older[head] === newer[head]) head++;
  let tail = 0;
  while (tail < older.length - head && tail < newer.length - head && older.at(-1 - tail) === newer.at(-1 - tail)) tail++;
  const middle = shortestEdit(older.slice(head, older.length - tail), newer.slice(head, newer.length - tail));
  if (middle === undefined) return undefined;
  const same = (text: string): ComparedLine => ({ what: 'same', text });
  return [...older.slice(0, head).map(same), ...middle, ...older.slice(older.length - tail).map(same)];
}

/** Furthest positions in the older text, for each diagonal, by the number of steps. */
type Trace = readonly Int32Array[];

function shortestEdit(older: readonly string[], newer: readonly string[]): ComparedLine[] | undefined {
  const most = Math.min(editsMax, older.length + newer.length);
  const trace: Int32Array[] = [];
  const reached = new Int32Array(2 * most + 3);
  const zero = most + 1;
  for (let steps = 0; steps <= most; steps++) {
    trace.push(reached.slice(zero - steps - 1, zero + steps + 2));
    for (let diagonal = -steps; diagonal <= steps; diagonal += 2) {
      const isDown = diagonal === -steps || (diagonal !== steps && reached[zero + diagonal - 1]! < reached[zero + diagonal + 1]!);
      let at = isDown ? reached[zero + diagonal + 1]! : reached[zero + diagonal - 1]! + 1;
      while (at < older.length && at - diagonal < newer.length && older[at] === newer[at - diagonal]) at++;
      reached[zero + diagonal] = at;
      if (at >= older.length && at - diagonal >= newer.length) return walkBack(trace, older, newer);
    }
  }
  return undefined;
}

function walkBack(trace: Trace, older: readonly string[], newer: readonly string[]): ComparedLine[] {
  const lines: ComparedLine[] = [];
  let [x, y] = [older.length, newer.length];
  for (let steps = trace.length - 1; steps >= 0; steps--) {
    const reached = trace[steps]!;
    const zero = steps + 1;
    const diagonal = x - y;
    const isDown = diagonal === -steps || (diagonal !== steps && reached[zero + diagonal - 1]! < reached[zero + diagonal + 1]!);
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const beforeX = steps === 0 ? 0 : reached[zero + before]!;
    const beforeY = steps === 0 ? 0 : beforeX - before;
    while (x > beforeX && y > beforeY) {
      lines.push({ what: 'same', text: older[--x]! });
      y--;
    }
    if (steps === 0) break;
    if (isDown) lines.push({ what: 'added', text: newer[--y]! });
    else lines.push({ what: 'removed', text: older[--x]! });
  }
  return lines.reverse();
}
