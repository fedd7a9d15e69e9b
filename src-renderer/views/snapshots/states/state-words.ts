import type { RootChoice, Snapshot } from '../../../../src-main/contract/index.ts';
import { formatWhen, plural } from '../../../composables/index.ts';
import { isSameState } from '../place-query.ts';

/** One state that can be looked at. */
export interface StateChoice {
  readonly at: RootChoice;
  /** 0 or undefined where it is not known. */
  readonly cp: number | undefined;
  readonly wallMs: number | undefined;
  readonly snapshot?: Snapshot;
}

/** Every state of a volume, the oldest first: its snapshots, its last CP, and what is there now where it takes changes. */
export function statesOf(
  snapshots: readonly Snapshot[],
  volume: { role: 'primary' | 'mirror'; cp: number | undefined; cpWallMs: number | undefined },
): StateChoice[] {
  const kept = snapshots.map((snapshot): StateChoice => ({ at: { snapshot: snapshot.name }, cp: snapshot.cp, wallMs: snapshot.wallMs, snapshot }));
  const last: StateChoice = { at: 'last', cp: volume.cp, wallMs: volume.cpWallMs };
  return volume.role === 'primary' ? [...kept, last, { at: 'live', cp: undefined, wallMs: undefined }] : [...kept, last];
}

export function positionOf(states: readonly StateChoice[], at: RootChoice): number {
  return states.findIndex((state) => isSameState(state.at, at));
}

/** What a state is called. */
export function nameOfState(at: RootChoice): string {
  if (at === 'live') return 'Live, as it is now';
  if (at === 'last') return 'Last CP';
  return 'cp' in at ? `CP ${at.cp}` : at.snapshot;
}

/** The same inside a sentence. */
export function stateInSentence(at: RootChoice): string {
  if (at === 'live') return 'the live state';
  if (at === 'last') return 'the last CP';
  return 'cp' in at ? `CP ${at.cp}` : `the snapshot ${at.snapshot}`;
}

/** Everything about a state in a sentence, for those who hear it. */
export function stateSentence({ at, cp, wallMs, snapshot }: StateChoice): string {
  const parts = [nameOfState(at)];
  if (at !== 'last' && cp !== undefined) parts.push(`CP ${cp}`);
  if (wallMs !== undefined && wallMs > 0) parts.push(formatWhen(wallMs));
  if (snapshot?.isSetAside === true) parts.push('set aside');
  if (snapshot !== undefined && snapshot.holds.length > 0) parts.push(`held by ${snapshot.holds.map(({ label }) => label).join(' and ')}`);
  return parts.join(', ');
}

/** What one place of the axis has. */
export function markSentence(snapshots: readonly Snapshot[]): string {
  const [first, last] = [snapshots[0]!, snapshots.at(-1)!];
  if (snapshots.length === 1) return stateSentence({ at: { snapshot: first.name }, cp: first.cp, wallMs: first.wallMs, snapshot: first });
  return `${plural(snapshots.length, 'snapshot')}, ${formatWhen(first.wallMs)} to ${formatWhen(last.wallMs)}`;
}
