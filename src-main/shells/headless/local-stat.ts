import { constants } from 'node:fs';
import type { LocalStat } from '../../engine/index.ts';

/** What the system says of a file, as `fs.BigIntStats` has it. */
export interface StatNumbers {
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly birthtimeNs: bigint;
  readonly nlink: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
}

const kinds: Readonly<Record<number, LocalStat['kind']>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
};

export function localStat(stat: StatNumbers): LocalStat {
  const mode = Number(stat.mode);
  return {
    kind: kinds[mode & constants.S_IFMT] ?? 'other',
    mode: mode & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: Number(stat.size),
    modifiedNs: stat.mtimeNs,
    linkCount: Number(stat.nlink),
    identity: `${stat.dev}:${stat.ino}`,
    bornNs: stat.birthtimeNs,
  };
}
