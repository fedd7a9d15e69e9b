import { type ErrorCode, isFault } from '../../base/index.ts';

/** Error numbers of Linux that are answered here. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EPROTO: 71,
  E2BIG: 7,
  EILSEQ: 84,
  EOPNOTSUPP: 95,
  ESTALE: 116,
} as const;

/** How faults are told to programs; those that are not named here are `EIO`. */
const errnoOfCode: Partial<Record<ErrorCode, number>> = {
  'not-found': errno.ENOENT,
  exists: errno.EEXIST,
  'not-a-directory': errno.ENOTDIR,
  'is-a-directory': errno.EISDIR,
  'directory-not-empty': errno.ENOTEMPTY,
  'name-invalid': errno.EILSEQ,
  'name-too-long': errno.ENAMETOOLONG,
  'file-too-large': errno.EFBIG,
  'too-many-links': errno.EMLINK,
  'too-many-symbolic-links': errno.ELOOP,
  'attribute-not-found': errno.ENODATA,
  'attribute-too-large': errno.E2BIG,
  'not-permitted': errno.EPERM,
  'argument-invalid': errno.EINVAL,
  'message-invalid': errno.EINVAL,
  'volume-full': errno.ENOSPC,
  'volume-read-only': errno.EROFS,
  'volume-is-mirror': errno.EROFS,
  'peer-superseded': errno.EROFS,
  'source-changed': errno.ESTALE,
  unsupported: errno.EOPNOTSUPP,
  'limit-reached': errno.ENFILE,
};

/** The error number of a fault; of what is no fault, `EIO`. */
export function errnoOf(thrown: unknown): number {
  return (isFault(thrown) ? errnoOfCode[thrown.code] : undefined) ?? errno.EIO;
}
