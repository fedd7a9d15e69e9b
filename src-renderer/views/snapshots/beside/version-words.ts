import type { FileVersion, RootChoice } from '../../../../src-main/contract/index.ts';
import { isSameState } from '../place-query.ts';
import { nameOfState } from '../states/state-words.ts';

/** In which states a path was so, in a few words. */
export function statesInWords({ newest, oldest, stateCount }: FileVersion): string {
  const short = (at: RootChoice): string => (at === 'live' ? 'Live' : nameOfState(at));
  if (stateCount === 1) return short(newest.at);
  return `${short(oldest.at)} to ${short(newest.at)}, ${stateCount} states`;
}

/** Versions of two answers that follow each other; a run of states that goes over both is one version. */
export function joinedVersions(known: readonly FileVersion[], more: readonly FileVersion[]): FileVersion[] {
  const [first, ...others] = more;
  const last = known.at(-1);
  if (first?.isContinued !== true || last === undefined) return [...known, ...more];
  const joined = { ...last, oldest: first.oldest, stateCount: last.stateCount + first.stateCount };
  return [...known.slice(0, -1), joined, ...others];
}

/** Whether the version is the one that is looked at, as far as its ends tell. */
export function isShown({ newest, oldest }: FileVersion, at: RootChoice): boolean {
  return isSameState(newest.at, at) || isSameState(oldest.at, at);
}
