import { assert, type ErrorCode, MirrorpointError } from '../base/index.ts';
import type { Attributes } from '../files/index.ts';
import { planEntry } from '../restore/index.ts';
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
  const step = planEntry(local, existing, { choice: 'replace', leavesSame: true, timeGrainNs: 1n });
  if (step.do === 'leave') return { do: 'skip' };
  assert(step.do !== 'keep-both', 'an import replaces what is there');
  return step;
}

/** The fault of an entry that is left out. */
export function refusal(path: string, step: { code: ErrorCode; why: string }): MirrorpointError {
  const next = step.code === 'unsupported' ? 'Everything else can be brought in.' : 'Move one of the two out of the way.';
  return new MirrorpointError(step.code, `${path} was left out: ${step.why}. ${next}`);
}
