import type { Listing } from './random-history.ts';

/** The names of states, the newest first, with all that they have. */
export type States = readonly { readonly name: string; readonly listing: Listing }[];

/** What a path was in states that follow each other. */
export interface ModelVersion {
  readonly newest: string;
  readonly oldest: string;
  readonly count: number;
  /** Of the file that it is. */
  readonly id: string;
}

/** All versions of a path, the newest first. */
export function modelVersions(states: States, path: string): ModelVersion[] {
  const versions: { newest: string; oldest: string; count: number; key: string | undefined }[] = [];
  for (const { name, listing } of states) {
    const listed = listing.get(path);
    const key = listed && `${listed.id} ${listed.looks}`;
    const last = versions.at(-1);
    if (last !== undefined && last.key === key) Object.assign(last, { oldest: name, count: last.count + 1 });
    else versions.push({ newest: name, oldest: name, count: 1, key });
  }
  return versions.map(({ newest, oldest, count, key }) => ({ newest, oldest, count, id: key?.split(' ')[0] ?? 'nothing' }));
}

/** Joins versions of the same file: a folder that was changed and changed back at one moment looks as it did, and was written anew. */
export function joined(versions: readonly ModelVersion[]): ModelVersion[] {
  const all: ModelVersion[] = [];
  for (const version of versions) {
    const last = all.at(-1);
    if (last?.id === version.id) all[all.length - 1] = { ...last, oldest: version.oldest, count: last.count + version.count };
    else all.push(version);
  }
  return all;
}

/** Names that a folder had, by its path, and has not in the first state; each with the newest state that has it. */
export function modelDeleted(states: States, folder: string): Map<string, string> {
  const start = folder === '/' ? '/' : `${folder}/`;
  const found = new Map<string, string>();
  for (const { name, listing } of states.slice(1)) {
    if (listing.get(folder)?.kind !== 'directory') continue;
    for (const path of listing.keys()) {
      const entry = path.slice(start.length);
      if (path.startsWith(start) && entry !== '' && !entry.includes('/') && !states[0]!.listing.has(path) && !found.has(entry)) found.set(entry, name);
    }
  }
  return found;
}

/** Paths below a folder with a text in their last name, each in the newest state that has it. */
export function modelMatches(states: States, folder: string, text: string): Map<string, string> {
  const start = folder === '/' ? '/' : `${folder}/`;
  const found = new Map<string, string>();
  for (const { name, listing } of states) {
    if (listing.get(folder)?.kind !== 'directory') continue;
    for (const path of listing.keys()) {
      const isMatch = path.slice(path.lastIndexOf('/') + 1).normalize('NFC').toLowerCase().includes(text);
      if (path !== '/' && path.startsWith(start) && isMatch && !found.has(path)) found.set(path, name);
    }
  }
  return found;
}
