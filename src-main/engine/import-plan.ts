import { type ErrorCode, MirrorpointError } from '../base/index.ts';
import type { Attributes } from '../files/index.ts';
import type { LocalStat } from './local-tree.ts';

/** What is to be done with one local entry. */
export type ImportStep =
  | { readonly do: 'create' | 'replace' | 'enter' | 'skip' }
  /** The content is the same, the rest is not. */
  | { readonly do: 'update' }
  | { readonly do: 'refuse'; readonly code: ErrorCode; readonly why: string };

/** What the volume has under the name already. */
export type ExistingEntry = Pick<Attributes, 'ino' | 'kind' | 'mode' | 'uid' | 'gid' | 'sizeBytes' | 'modifiedNs'>;

export function sameOwnerAndMode(local: LocalStat, existing: ExistingEntry): boolean {
  return local.mode === existing.mode && local.uid === existing.uid && local.gid === existing.gid;
}

/**
 * Decides by what stat says of both sides. Files whose size and time agree
 * count as the same, as they do for rsync.
 */
export function planImport(local: LocalStat, existing: ExistingEntry | undefined): ImportStep {
  if (local.kind === 'other') {
    return { do: 'refuse', code: 'unsupported', why: 'it is a socket, pipe or device, and volumes keep files, folders and symbolic links' };
  }
  if (existing === undefined) return { do: 'create' };
  const isFolder = local.kind === 'directory';
  if (isFolder && existing.kind === 'directory') return { do: 'enter' };
  if (isFolder) {
    return { do: 'refuse', code: 'not-a-directory', why: `the volume has a ${existing.kind} of this name where a folder must go` };
  }
  if (existing.kind === 'directory') {
    return { do: 'refuse', code: 'is-a-directory', why: `the volume has a folder of this name where a ${local.kind} must go` };
  }
  const isSame =
    local.kind === existing.kind && local.sizeBytes === existing.sizeBytes && local.modifiedNs === existing.modifiedNs;
  if (!isSame) return { do: 'replace' };
  return { do: sameOwnerAndMode(local, existing) ? 'skip' : 'update' };
}

/** The fault of an entry that is left out. */
export function refusal(path: string, step: { code: ErrorCode; why: string }): MirrorpointError {
  const next = step.code === 'unsupported' ? 'Everything else can be brought in.' : 'Move one of the two out of the way.';
  return new MirrorpointError(step.code, `${path} was left out: ${step.why}. ${next}`);
}
