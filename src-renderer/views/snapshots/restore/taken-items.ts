import { formatBytes, type RestoreSource, type RestoreTarget, type RootChoice } from '../../../../src-main/contract/index.ts';
import { plural } from '../../../composables/index.ts';
import { isWithin, parentOf } from '../browse/path-crumbs.ts';
import type { EntryRow } from '../browse/entry-row.ts';
import { formatState } from '../place-query.ts';

/** Files and folders of the states of one volume that somebody has taken up, to put them somewhere. */
export interface TakenItems {
  readonly volume: string;
  readonly peer: string | undefined;
  readonly rows: readonly Pick<EntryRow, 'path' | 'name' | 'kind' | 'sizeBytes' | 'at'>[];
}

/** What to ask the server for: the items of each state together, without those that lie in another one of them. */
export function sourcesOf({ volume, peer, rows }: TakenItems): RestoreSource[] {
  const byState = new Map<string, { at: RootChoice; paths: string[] }>();
  for (const { at, path } of rows) {
    const key = formatState(at);
    const known = byState.get(key) ?? { at, paths: [] };
    known.paths.push(path);
    byState.set(key, known);
  }
  return [...byState.values()].map(({ at, paths }) => ({ volume, at, paths: outermost(paths), ...(peer !== undefined && { peer }) }));
}

function outermost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return [...all].filter((path) => {
    for (let folder = path; folder !== '/'; ) {
      folder = parentOf(folder);
      if (folder !== path && all.has(folder)) return false;
    }
    return true;
  });
}

/** The items in a few words: the only one by its name, several by their number. */
export function itemsInWords({ rows }: Pick<TakenItems, 'rows'>): string {
  const [first] = rows;
  if (rows.length === 1 && first !== undefined) return `“${first.name}”`;
  return plural(rows.length, 'item');
}

/** The same with what is known of their size: of files alone, since a folder would have to be looked through. */
export function selectionInWords(rows: TakenItems['rows']): string {
  const folders = rows.filter(({ kind }) => kind === 'directory').length;
  const bytes = rows.reduce((sum, { kind, sizeBytes }) => (kind === 'directory' ? sum : sum + sizeBytes), 0);
  const parts = [
    ...(folders > 0 ? [plural(folders, 'folder')] : []),
    ...(rows.length > folders ? [`${plural(rows.length - folders, 'file')} (${formatBytes(bytes)})`] : []),
  ];
  return `${parts.join(' and ')} selected`;
}

/** Where to, in a few words. */
export function targetInWords(target: RestoreTarget): string {
  if (target.kind === 'local') return target.folder;
  return target.folder === undefined ? `where they were in ${target.volume}` : `${target.volume}:${target.folder}`;
}

/** Whether a drop would put things onto themselves. */
export function isOntoItself({ volume, peer, rows }: TakenItems, target: { volume: string; folder: string }): boolean {
  if (peer !== undefined || volume !== target.volume) return false;
  return rows.some(({ at, path, kind }) => at === 'live' && (parentOf(path) === target.folder || (kind === 'directory' && isWithin(target.folder, path))));
}
