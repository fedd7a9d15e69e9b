/** A column of a table that is shown by its window. */
export interface GridColumn {
  readonly key: string;
  readonly label: string;
  /** As CSS says it, such as `minmax(0, 2fr)` or `90px`. */
  readonly width: string;
  readonly isNumeric?: boolean;
  readonly isSortable?: boolean;
}

/**
 * - `only`: this row and no other
 * - `toggle`: this row too, or no more
 * - `range`: from the row that was picked last to this one
 */
export type PickHow = 'only' | 'toggle' | 'range';

export function gridTemplate(columns: readonly GridColumn[]): string {
  return columns.map(({ width }) => width).join(' ');
}

/** What a click with these keys held means. */
export function pickOf(event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }): PickHow {
  if (event.shiftKey) return 'range';
  return event.ctrlKey || event.metaKey ? 'toggle' : 'only';
}

/** The row that an event happened in. */
export function rowUnder(event: Event): number | undefined {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
  return row === null ? undefined : Number(row.dataset.row);
}

/** Whether keys are meant for a control inside a row. */
export function isControlElement(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('button, input, select, textarea, a') !== null;
}
