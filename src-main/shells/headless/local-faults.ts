import { type ErrorCode, MirrorpointError, reasonOf } from '../../base/index.ts';

const codesOfSystem: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOTEMPTY: 'exists',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'is-a-directory',
  ENAMETOOLONG: 'name-too-long',
  EILSEQ: 'name-invalid',
  ELOOP: 'too-many-symbolic-links',
  EMLINK: 'too-many-links',
  EFBIG: 'file-too-large',
  ENOSPC: 'device-full',
  EDQUOT: 'device-full',
  EIO: 'device-io',
};

const nextSteps: Partial<Record<ErrorCode, string>> = {
  'not-found': 'Check the path.',
  exists: 'Choose another place, or allow what is there to be replaced.',
  'device-full': 'Free space there, then try again.',
  'device-io': 'Check the drive and the system log.',
};

export function systemCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The coded fault of a failed call of the system on a local file. */
export function localFault(path: string, doing: string, cause: unknown): MirrorpointError {
  if (cause instanceof MirrorpointError) return cause;
  const code = codesOfSystem[systemCode(cause) ?? ''] ?? 'not-permitted';
  const next = nextSteps[code] ?? 'Check its owner and mode.';
  return new MirrorpointError(code, `${path} could not be ${doing}: ${reasonOf(cause)}. ${next}`, { cause });
}

/** What another thread tells of a call of the system that failed. */
export interface ToldFault {
  readonly doing: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** The coded fault of a call that failed on another thread. */
export function toldFault(path: string, { doing, code, message }: ToldFault): MirrorpointError {
  return localFault(path, doing, Object.assign(new Error(message), { code }));
}

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/** A call of the system as a promise, without the cost of a file handle object. */
export function systemCall<T>(path: string, doing: string, call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((cause, value) => {
      if (cause) reject(localFault(path, doing, cause));
      else resolve(value);
    });
  });
}
