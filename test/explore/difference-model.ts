import type { Listed, Listing } from './random-history.ts';

/** A difference as a line of text. */
export interface ModelDifferences {
  readonly lines: readonly string[];
  /** Changed files with several names: of each list at least one line is told. */
  readonly anyOf: readonly (readonly string[])[];
}

const parentOf = (path: string): string => path.replace(/\/[^/]*$/, '') || '/';
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const join = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);

function hasOneName({ kind, linkCount }: Listed): boolean {
  return kind === 'directory' || linkCount === 1;
}

function looksSame(one: Listed, other: Listed): boolean {
  return one.kind === 'directory' ? one.access === other.access : one.looks === other.looks;
}

/** By the path of a folder, the folder of the other state that it is compared with. */
function counterpartsOf(own: Listing, other: Listing): Map<string, string | undefined> {
  const ownIds = new Set([...own.values()].map(({ id }) => id));
  const byId = new Map([...other].filter(([, { kind }]) => kind === 'directory').map(([path, { id }]) => [id, path]));
  const found = new Map<string, string | undefined>();
  for (const [path, { id, kind }] of own) {
    if (kind !== 'directory') continue;
    const self = byId.get(id);
    const folder = path === '/' ? undefined : found.get(parentOf(path));
    const named = folder === undefined ? undefined : join(folder, nameOf(path));
    const taken = named === undefined ? undefined : other.get(named);
    found.set(path, self ?? (taken?.kind === 'directory' && !ownIds.has(taken.id) ? named : undefined));
  }
  return found;
}

/** What two full listings say that differs. */
export function modelDifferences(before: Listing, after: Listing): ModelDifferences {
  const lines: string[] = [];
  const several = new Map<string, string[]>();
  const [idsBefore, idsAfter] = [before, after].map((listing) => new Set([...listing.values()].map(({ id }) => id)));
  const pathsBefore = new Map([...before].map(([path, { id }]) => [id, path]));
  const byId = new Map([...before.values()].map((listed) => [listed.id, listed]));
  const fromAfter = counterpartsOf(after, before);
  const fromBefore = counterpartsOf(before, after);
  const beside = (counterparts: Map<string, string | undefined>, other: Listing, path: string): Listed | undefined => {
    if (path === '/') return other.get('/');
    const folder = counterparts.get(parentOf(path));
    return folder === undefined ? undefined : other.get(join(folder, nameOf(path)));
  };
  for (const [path, now] of after) {
    const former = beside(fromAfter, before, path);
    const was = byId.get(now.id);
    if (former?.id === now.id) {
      if (looksSame(former, now)) continue;
      if (hasOneName(now)) lines.push(`changed ${path}`);
      else several.set(now.id, [...(several.get(now.id) ?? []), `changed ${path}`]);
    } else if (was !== undefined) {
      const from = pathsBefore.get(now.id)!;
      if (!hasOneName(was) || !hasOneName(now)) lines.push(`added ${path}`);
      else if (from !== path) lines.push(`renamed ${from} to ${path}`);
      else if (!looksSame(was, now)) lines.push(`changed ${path}`);
    } else if (former !== undefined && !idsAfter!.has(former.id) && former.kind === now.kind) {
      if (!looksSame(former, now)) lines.push(`changed ${path}`);
    } else {
      lines.push(`added ${path}`);
    }
  }
  for (const [path, was] of before) {
    const next = beside(fromBefore, after, path);
    if (next?.id === was.id) continue;
    const now = [...after.values()].find(({ id }) => id === was.id);
    const isTold = now === undefined ? next !== undefined && !idsBefore!.has(next.id) && next.kind === was.kind : hasOneName(was) && hasOneName(now);
    if (!isTold) lines.push(`removed ${path}`);
  }
  return { lines: lines.sort(), anyOf: [...several.values()] };
}
