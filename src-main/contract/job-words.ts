import { formatBytes } from '../base/index.ts';
import type { CopyResult } from './job-schemas.ts';
import { formatPlace, type RootChoice } from './place.ts';

/** A number of things: `1 file`, `2 files`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What a copy has copied. */
export function copiedWords(copied: Pick<CopyResult, 'files' | 'directories' | 'symlinks' | 'hardLinks' | 'bytes'>): string {
  const { files, directories, symlinks, hardLinks, bytes } = copied;
  const others = [
    ...(directories > 0 ? [counted(directories, 'folder')] : []),
    ...(symlinks > 0 ? [counted(symlinks, 'symbolic link')] : []),
    ...(hardLinks > 0 ? [counted(hardLinks, 'further name')] : []),
  ];
  const parts = files > 0 || others.length === 0 ? [counted(files, 'file'), ...others] : others;
  return `${parts.join(', ')}, ${formatBytes(bytes)}`;
}

/** Paths of one state of a volume, here or on a paired server, in a few words. */
export function sourceWords(source: { volume: string; at: RootChoice; paths: readonly string[]; peer?: string | undefined }): string {
  const { volume, at, paths, peer } = source;
  const [first = '/', ...more] = paths;
  const place = formatPlace({ volume, at, path: first });
  const what = more.length === 0 ? place : `${paths.length} items of ${place.slice(0, place.indexOf(':'))}`;
  return peer === undefined ? what : `${what} on ${peer}`;
}
