import { formatCount, plural } from '../../../composables/index.ts';
import type { RowsModel } from './rows-model.ts';

/** How many rows there are, as far as is known. */
export function rowsInWords({ count, isBegun, isOpenEnded, isCut, isLoading }: RowsModel<unknown>): string {
  if (!isBegun) return isLoading ? 'Loading…' : '';
  if (isCut) return `The first ${formatCount(count)} entries; search finds the others`;
  if (!isOpenEnded) return plural(count, 'entry', 'entries');
  return `${formatCount(count)} entries and more`;
}
