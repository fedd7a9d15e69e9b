import {
  type DeletedEntry,
  type FileVersion,
  foundPageMax,
  type ListedEntry,
  type Place,
  type RootChoice,
  type SearchMatch,
  type StateDifference,
  type StateMark,
} from '../contract/index.ts';
import { exploreDeleted, exploreDifferences, exploreSearch, exploreVersions, type FoundEntry, type StateName, type StateSource } from '../explore/index.ts';
import type { Engine } from './engine.ts';
import { wordedAttributes } from './readable-root.ts';

interface Paged {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The states of a volume, of either role. */
async function statesOf(engine: Engine, volume: string): Promise<StateSource> {
  const open = await engine.shelf.get(volume);
  return open.role === 'primary' ? open.volume : open.mirror;
}

/** How a state is asked for again. A snapshot stays what it is; the last CP is soon another. */
function choiceOf({ kind, cp, names }: StateName): RootChoice {
  const [snapshot] = names;
  if (snapshot !== undefined) return { snapshot };
  return kind === 'kept' ? { cp } : kind === 'live' ? 'live' : 'last';
}

function markOf(state: StateName): StateMark {
  return { at: choiceOf(state), cp: state.cp, wallMs: state.wallMs };
}

function textOf(state: StateName): string {
  const at = choiceOf(state);
  if (typeof at === 'string') return at;
  return 'cp' in at ? `cp=${at.cp}` : at.snapshot;
}

function listed(name: string, entry: FoundEntry): ListedEntry {
  return { name, ...wordedAttributes(entry) };
}

export async function versionsOf(
  engine: Engine,
  { volume, path, before, limit }: { volume: string; path: string; before?: number | undefined; limit: number },
): Promise<{ versions: FileVersion[]; next?: number }> {
  // Two states of one CP stay together, so an answer may have one more than was asked.
  const found = await exploreVersions(await statesOf(engine, volume), { path, before, limit: Math.min(limit, foundPageMax - 1) });
  const versions = found.versions.map(({ entry, newest, oldest, stateCount, isContinued }) => ({
    newest: markOf(newest),
    oldest: markOf(oldest),
    stateCount,
    ...(entry !== undefined && { entry: wordedAttributes(entry) }),
    ...(isContinued && { isContinued }),
  }));
  return { versions, ...(found.next !== undefined && { next: found.next }) };
}

export async function deletedFrom(engine: Engine, { volume, ...request }: Place & Paged): Promise<{ entries: DeletedEntry[]; next?: string }> {
  const { found, ...rest } = await exploreDeleted(await statesOf(engine, volume), request);
  return { ...rest, entries: found.map(({ name, entry, last }) => ({ entry: listed(name, entry), last: markOf(last) })) };
}

export async function searchIn(
  engine: Engine,
  { volume, ...request }: Place & Paged & { text: string; isOverAll: boolean },
): Promise<{ matches: SearchMatch[]; next?: string; state: string }> {
  const { found, state, ...rest } = await exploreSearch(await statesOf(engine, volume), request);
  const matches = found.map((match) => ({ path: match.path, entry: listed(match.name, match.entry), state: markOf(match.state) }));
  return { ...rest, matches, state: textOf(state) };
}

export async function differencesBetween(
  engine: Engine,
  { volume, ...request }: Paged & { volume: string; older: RootChoice; newer: RootChoice },
): Promise<{ differences: StateDifference[]; next?: string }> {
  const { found, ...rest } = await exploreDifferences(await statesOf(engine, volume), request);
  const differences = found.map(({ what, path, from, before, after }) => ({
    what,
    path,
    ...(from !== undefined && { from }),
    ...(before !== undefined && { before: wordedAttributes(before) }),
    ...(after !== undefined && { after: wordedAttributes(after) }),
  }));
  return { ...rest, differences };
}
