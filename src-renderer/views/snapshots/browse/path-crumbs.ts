import { pathParts } from '../../../../src-main/contract/index.ts';

export interface Crumb {
  readonly path: string;
  readonly name: string;
  /** Stands for folders that are not shown one by one. */
  readonly isShort: boolean;
}

/** Folders that are shown beside the root. */
const shownMax = 4;

/** The way from the root to a path; in a deep one, what lies in the middle is one crumb. */
export function crumbsOf(path: string, root: string): Crumb[] {
  const parts = pathParts(path);
  const all = parts.map((name, index) => ({ path: `/${parts.slice(0, index + 1).join('/')}`, name, isShort: false }));
  const first: Crumb = { path: '/', name: root, isShort: false };
  if (all.length <= shownMax) return [first, ...all];
  const hidden = all[all.length - shownMax]!;
  return [first, { ...hidden, isShort: true }, ...all.slice(1 - shownMax)];
}

/** The folder above; the root is its own. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
