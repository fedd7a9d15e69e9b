import { formatBytes } from '../base/index.ts';
import type { CopyResult } from './job-schemas.ts';
import { formatPlace, type RootChoice } from './place.ts';

/** A number of things: `1 file`, `2 files`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What a copy has copied. */
export function copiedWords(copied: Pick<CopyResult, 'files' | 'directories' | 'symlinks' | 'hardLinks' | 'bytes'>): string {
  const parts = [counted(copied.files, 'file'), counted(copied.directories, 'folder')];
  if (copied.symlinks > 0) parts.push(counted(copied.symlinks, 'symbolic link'));
  if (copied.hardLinks > 0) parts.push(counted(copied.hardLinks, 'further name'));
  return `${parts.join(', ')}, ${formatBytes(copied.bytes)}`;
}

/** Paths of one state of a volume, here or on a paired server, in a few words. */
export function sourceWords(source: { volume: string; at: RootChoice; paths: readonly string[]; peer?: string | undefined }): string {
  const { volume, at, paths, peer } = source;
  const [first = '/', ...more] = paths;
  const place = formatPlace({ volume, at, path: first });
  const what = more.length === 0 ? place : `${paths.length} items of ${place.slice(0, place.indexOf(':'))}`;
  return peer === undefined ? what : `${what} on ${peer}`;
}
