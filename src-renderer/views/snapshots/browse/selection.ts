import type { PickHow } from '../../../components/index.ts';

/** What is selected in a list, by key. Data; each pick makes a new one. */
export interface Selection<Row> {
  readonly rows: ReadonlyMap<string, Row>;
  /** The row that a range begins at. */
  readonly anchor: number;
}

export function emptySelection<Row>(): Selection<Row> {
  return { rows: new Map(), anchor: 0 };
}

interface Rows<Row> {
  readonly rowAt: (index: number) => Row | undefined;
  readonly keyOf: (row: Row) => string;
}

/** The rows of a range that are here. */
function rangeOf<Row>(from: number, to: number, { rowAt, keyOf }: Rows<Row>): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (let index = Math.min(from, to); index <= Math.max(from, to); index++) {
    const row = rowAt(index);
    if (row !== undefined) rows.set(keyOf(row), row);
  }
  return rows;
}

/** What is selected after a row was picked. More than `max` rows are not taken: undefined. */
export function picked<Row>(now: Selection<Row>, pick: { index: number; how: PickHow; max: number } & Rows<Row>): Selection<Row> | undefined {
  const { index, how, max, rowAt, keyOf } = pick;
  if (how === 'range') {
    if (Math.abs(index - now.anchor) >= max) return undefined;
    return { rows: rangeOf(now.anchor, index, pick), anchor: now.anchor };
  }
  const row = rowAt(index);
  if (row === undefined) return now;
  if (how === 'only') return { rows: new Map([[keyOf(row), row]]), anchor: index };
  const rows = new Map(now.rows);
  if (!rows.delete(keyOf(row))) rows.set(keyOf(row), row);
  return rows.size > max ? undefined : { rows, anchor: index };
}

/** Everything, when that is not more than `max`. */
export function allPicked<Row>(count: number, pick: { max: number } & Rows<Row>): Selection<Row> | undefined {
  if (count > pick.max) return undefined;
  return { rows: rangeOf(0, count - 1, pick), anchor: 0 };
}
