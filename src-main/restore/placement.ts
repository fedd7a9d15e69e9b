import { pathParts, splitPath } from '../contract/index.ts';
import { type BesideKind, nameBeside } from './free-name.ts';

/** Where one of the chosen paths goes. */
export interface Placement {
  /** In the source. */
  readonly path: string;
  /** Its name in the target's folder; undefined for the root, whose entries go into the folder themselves. */
  readonly name: string | undefined;
  /** The folder that it goes back to; left out where all go into one. */
  readonly folder?: string;
}

/** The paths without those that lie below another one of them, and each once. */
export function topPaths(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return [...all].filter((path) => {
    for (let above = splitPath(path); above !== undefined; above = splitPath(above.folder)) if (all.has(above.folder)) return false;
    return true;
  });
}

/** Each path to where it was. */
export function placeAsBefore(paths: readonly string[]): Placement[] {
  return paths.map((path) => {
    const place = splitPath(path);
    return { path, name: place?.name, folder: place?.folder ?? '/' };
  });
}

/** The names of chosen paths that go into one folder: their own, told apart where two have the same. */
export function placeTogether(paths: readonly string[], kind: BesideKind): Placement[] {
  const taken = new Set(paths.map((path) => pathParts(path).at(-1)));
  const used = new Set<string>();
  return paths.map((path) => {
    const own = pathParts(path).at(-1);
    if (own === undefined || !used.has(own)) {
      if (own !== undefined) used.add(own);
      return { path, name: own };
    }
    // Whether it is a folder is not known here, so that an extension is left where it seems to be.
    let name = own;
    for (let attempt = 1; taken.has(name); attempt++) name = nameBeside(own, { attempt, isFolder: false, kind });
    taken.add(name);
    return { path, name };
  });
}
