/** Rows beyond the seen ones that are kept in the page, so that scrolling meets no gaps. */
const overscanRows = 8;

/** Which rows of a long list are in the page: from the first to before the end. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** The rows that a scrolled list shows, and a few beyond. All in pixels. */
export function shownRows(view: { scrollTop: number; height: number; rowHeight: number; rowCount: number }): RowRange {
  const { scrollTop, height, rowHeight, rowCount } = view;
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight) - overscanRows;
  const last = Math.ceil((Math.max(0, scrollTop) + height) / rowHeight) + overscanRows;
  const to = Math.min(rowCount, last);
  return { from: Math.min(Math.max(0, first), to), to };
}

/** Where to scroll so that a row is seen whole, as little as needed. All in pixels. */
export function scrollTopFor(row: number, view: { scrollTop: number; height: number; rowHeight: number }): number {
  const { scrollTop, height, rowHeight } = view;
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}

/** Where a key leads from a row; undefined for keys that lead nowhere. */
export function rowByKey(key: string, at: { row: number; rowCount: number; pageRows: number }): number | undefined {
  const { row, rowCount, pageRows } = at;
  const last = rowCount - 1;
  const bounded = (to: number): number => Math.max(0, Math.min(last, to));
  switch (key) {
    case 'ArrowDown':
      return bounded(row + 1);
    case 'ArrowUp':
      return bounded(row - 1);
    case 'PageDown':
      return bounded(row + pageRows);
    case 'PageUp':
      return bounded(row - pageRows);
    case 'Home':
      return bounded(0);
    case 'End':
      return bounded(last);
    default:
      return undefined;
  }
}
