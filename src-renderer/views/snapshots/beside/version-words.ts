import type { FileVersion, RootChoice } from '../../../../src-main/contract/index.ts';
import { isSameState } from '../place-query.ts';
import { nameOfState } from '../states/state-words.ts';

/** In which states a path was so, in a few words. */
export function statesInWords({ newest, oldest, stateCount }: FileVersion): string {
  const short = (at: RootChoice): string => (at === 'live' ? 'Live' : nameOfState(at));
  if (stateCount === 1) return short(newest.at);
  return `${short(oldest.at)} to ${short(newest.at)}, ${stateCount} states`;
}

/** Whether the version is the one that is looked at, as far as its ends tell. */
export function isShown({ newest, oldest }: FileVersion, at: RootChoice): boolean {
  return isSameState(newest.at, at) || isSameState(oldest.at, at);
}
