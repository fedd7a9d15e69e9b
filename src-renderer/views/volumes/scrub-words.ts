import { formatDuration, type ScrubStatus } from '../../../src-main/contract/index.ts';
import { plural } from '../../composables/index.ts';

type Pass = NonNullable<ScrubStatus['pass']>;
type Result = NonNullable<ScrubStatus['last']>;

/** How far a pass is, from 0 to 1. There may be a few blocks fewer to prove than are in use. */
export function passShare({ verifiedBlocks, usedBlocks }: Pass): number {
  return usedBlocks === 0 ? 1 : Math.min(1, verifiedBlocks / usedBlocks);
}

/** What became of bad blocks, worst first; nothing where all were right. */
export function findings({ lostBlocks, healedBlocks, servedBlocks, mendedCopies }: Pick<Result, 'lostBlocks' | 'healedBlocks' | 'servedBlocks' | 'mendedCopies'>): string[] {
  return [
    ...(lostBlocks > 0 ? [`${plural(lostBlocks, 'block')} right nowhere`] : []),
    ...(healedBlocks > 0 ? [`${plural(healedBlocks, 'block')} healed from the other side`] : []),
    ...(servedBlocks > 0 ? [`${plural(servedBlocks, 'block')} right on the other side, not to be written here now`] : []),
    ...(mendedCopies > 0 ? [`${plural(mendedCopies, 'copy', 'copies')} of root node or labels written anew`] : []),
  ];
}

/** The last pass in one sentence. */
export function resultWords(last: Result): string {
  const found = findings(last);
  const took = formatDuration(last.endedWallMs - last.startedWallMs);
  const proven = `${plural(last.verifiedBlocks, 'block')} proven in ${took}`;
  return found.length === 0 ? `${proven}; all were right.` : `${proven}: ${found.join(', ')}.`;
}

/** A state as a scrub names it: `live`, `last`, `@NAME`, `cp=NUMBER`. */
export function stateName(state: string): string {
  if (state === 'live') return 'now';
  if (state === 'last') return 'the last CP';
  return state.startsWith('@') ? `snapshot ${state.slice(1)}` : state.replace('cp=', 'CP ');
}
