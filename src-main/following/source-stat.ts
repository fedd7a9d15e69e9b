/** What the machine says of an entry without opening it. */
export interface SourceStat {
  /** `other`: sockets, pipes, devices. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** The 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  readonly linkCount: number;
  /** `DEVICE:NUMBER`, the same for all names of one file. */
  readonly identity: string;
  /** When it was made; 0 where that is not known. */
  readonly bornNs: bigint;
}

/** What the volume has under the name. */
export type TakenStat = Pick<SourceStat, 'kind' | 'mode' | 'uid' | 'gid' | 'sizeBytes' | 'modifiedNs'>;
