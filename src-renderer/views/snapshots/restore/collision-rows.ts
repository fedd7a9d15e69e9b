import type { Collision, CollisionChoice } from '../../../../src-main/contract/index.ts';

/** Something that is in the way: what comes, and what is there. */
export interface InTheWay extends Pick<Collision, 'path' | 'target' | 'incoming' | 'existing'> {
  /** Two folders, of which the one is put into the other as a whole. */
  readonly isMerge?: boolean;
}

/** What is said of the three choices, and in what tense they are shown in a list. */
export const choiceWords: Readonly<Record<CollisionChoice, string>> = { 'keep-both': 'Keep both', replace: 'Replace', skip: 'Skip' };

/** A folder takes the place of nothing else, and nothing else of a folder. */
export function canReplace({ incoming, existing, isMerge }: InTheWay): boolean {
  return isMerge === true || (incoming.kind !== 'directory' && existing.kind !== 'directory');
}

/** Which of the two is the newer one. */
export function ageWords({ incoming, existing }: InTheWay): string {
  if (incoming.modifiedNs === 0n) return '';
  if (incoming.modifiedNs === existing.modifiedNs) return 'same time';
  return incoming.modifiedNs > existing.modifiedNs ? 'newer' : 'older';
}

/** What is done with each, when it has no choice of its own. */
export function choiceFor(row: InTheWay, all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): CollisionChoice {
  const choice = choices.get(row.path) ?? all;
  return choice === 'replace' && !canReplace(row) ? 'keep-both' : choice;
}

/** The choices that differ from the one for all, with those that a folder asks for. */
export function ownChoices(rows: readonly InTheWay[], all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): Map<string, CollisionChoice> {
  const own = rows.map((row) => [row.path, choiceFor(row, all, choices)] as const);
  return new Map(own.filter(([, choice]) => choice !== all));
}

/** How many come in how. */
export function countChoices(rows: readonly InTheWay[], all: CollisionChoice, choices: ReadonlyMap<string, CollisionChoice>): Record<CollisionChoice, number> {
  const counts = { 'keep-both': 0, replace: 0, skip: 0 };
  for (const row of rows) counts[choiceFor(row, all, choices)]++;
  return counts;
}
