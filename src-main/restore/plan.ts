import type { ErrorCode } from '../base/index.ts';
import type { CollisionChoice } from '../contract/index.ts';

/** What of an entry decides what is done with it. */
export interface PlannedEntry {
  /** `other` is what only machines have: pipes, sockets, devices. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
}

/** What is to be done with one entry. */
export type Step =
  | { readonly do: 'create' | 'replace' }
  /** Both are folders: what is in the one goes into the other. */
  | { readonly do: 'enter' }
  /** It comes in beside what is there, under a free name. */
  | { readonly do: 'keep-both' }
  /** The content is there; only mode and owner are not. */
  | { readonly do: 'update' }
  | { readonly do: 'leave'; readonly why: 'same' | 'skipped' }
  | { readonly do: 'refuse'; readonly code: ErrorCode; readonly why: string };

export interface PlanRules {
  /** What to do where something else is; `refuse` makes a fault of it. */
  readonly choice: CollisionChoice | 'refuse';
  /** Whether what is the same by its size and time is left alone. */
  readonly leavesSame: boolean;
  /** To how many nanoseconds the target keeps times. */
  readonly timeGrainNs: bigint;
}

/** Whether two entries are the same as far as kind, size and time of change tell, which is what `put` goes by as well. */
export function isSame(incoming: PlannedEntry, existing: PlannedEntry, timeGrainNs: bigint): boolean {
  if (incoming.kind !== existing.kind || incoming.kind === 'directory' || incoming.kind === 'other') return false;
  return incoming.sizeBytes === existing.sizeBytes && incoming.modifiedNs / timeGrainNs === existing.modifiedNs / timeGrainNs;
}

/** Whether somebody has to choose: something is there, and is neither the same nor a folder to be merged with. */
export function isCollision(incoming: PlannedEntry, existing: PlannedEntry | undefined, timeGrainNs: bigint): boolean {
  if (existing === undefined || (incoming.kind === 'directory' && existing.kind === 'directory')) return false;
  return !isSame(incoming, existing, timeGrainNs);
}

/** Decides by what is known of both sides. */
export function planEntry(incoming: PlannedEntry, existing: PlannedEntry | undefined, rules: PlanRules): Step {
  const { choice, leavesSame, timeGrainNs } = rules;
  if (existing === undefined) return { do: 'create' };
  const [isFolder, meetsFolder] = [incoming.kind === 'directory', existing.kind === 'directory'];
  if (isFolder && meetsFolder) return { do: 'enter' };
  if (leavesSame && isSame(incoming, existing, timeGrainNs)) {
    const isOtherwiseSame = incoming.mode === existing.mode && incoming.uid === existing.uid && incoming.gid === existing.gid;
    return choice === 'replace' && !isOtherwiseSame ? { do: 'update' } : { do: 'leave', why: 'same' };
  }
  if (choice === 'skip') return { do: 'leave', why: 'skipped' };
  if (choice === 'keep-both') return { do: 'keep-both' };
  if (isFolder) return { do: 'refuse', code: 'not-a-directory', why: `there is a ${existing.kind} of this name where a folder must go, and a folder takes the place of folders only` };
  if (meetsFolder) return { do: 'refuse', code: 'is-a-directory', why: `there is a folder of this name where a ${incoming.kind} must go, and with a folder all that is in it would go` };
  return choice === 'replace' ? { do: 'replace' } : { do: 'refuse', code: 'exists', why: 'something of this name is there already' };
}
