import { hasLostDevice, unsureIdentity } from './identity.ts';
import type { SourceStat, TakenStat } from './source-stat.ts';

/** One name, as it is on both sides. */
export interface Looked {
  /** undefined when the folder has no such name. */
  readonly source: (SourceStat & { readonly id: string }) | undefined;
  /** undefined when the volume has no such name; `known` is the identity of what it was taken from. */
  readonly existing: (TakenStat & { readonly known: string | undefined }) | undefined;
  /** The identity was taken before, and what came of it is another entry of the volume. */
  readonly isElsewhere: boolean;
  /** The content is to be taken even if size and time are the same. */
  readonly isForced: boolean;
}

/**
 * What a name needs.
 *
 * - `take`: its content; `update`: mode, owner or time; `adopt`: only to be remembered
 * - `enter`: both have a folder
 * - `gone`: the folder had it; `foreign`: the folder never had it
 * - `settle`: it may have come from another name, or what is in its place may have gone to one; that is known when
 *   all names have been looked at
 * - `refuse`: nothing can be done
 */
export type Look =
  | { readonly do: 'nothing' | 'take' | 'update' | 'adopt' | 'enter' | 'gone' | 'foreign' | 'settle' }
  | { readonly do: 'refuse'; readonly why: 'special' | 'foreign-folder' | 'foreign-entry' };

/** Decides what a name needs. The folder wins where both have one, but no folder of others goes for the sake of a file. */
export function lookAt({ source, existing, isElsewhere, isForced }: Looked): Look {
  if (source === undefined) return { do: existing === undefined ? 'nothing' : existing.known === undefined ? 'foreign' : 'gone' };
  if (source.kind === 'other') return { do: 'refuse', why: 'special' };
  if (isElsewhere || isOther(existing?.known, source.id)) return { do: 'settle' };
  const look = lookInPlace(source, existing, isForced);
  // Of several names of one file the first is taken, and the others become names of that.
  return look.do === 'take' && source.kind === 'file' && source.linkCount > 1 ? { do: 'settle' } : look;
}

/** Whether what the volume has was taken from something else. */
function isOther(known: string | undefined, id: string): boolean {
  return known !== undefined && known !== id && known !== unsureIdentity;
}

/** The same, when it is known that neither side has a part in a rename. */
export function lookInPlace(source: NonNullable<Looked['source']>, existing: Looked['existing'], isForced: boolean): Look {
  if (existing === undefined) return { do: 'take' };
  if (existing.kind !== source.kind && (existing.kind === 'directory' || source.kind === 'directory')) {
    if (existing.known !== undefined) return { do: 'take' };
    return { do: 'refuse', why: existing.kind === 'directory' ? 'foreign-folder' : 'foreign-entry' };
  }
  if (source.kind === 'directory') return { do: 'enter' };
  if (isForced || isOther(existing.known, source.id) || existing.kind !== source.kind || !isSameContent(source, existing)) return { do: 'take' };
  if (!isSameRest(source, existing)) return { do: 'update' };
  return { do: existing.known === source.id ? 'nothing' : 'adopt' };
}

export function isSameContent(source: TakenStat, existing: TakenStat): boolean {
  return source.kind === existing.kind && source.sizeBytes === existing.sizeBytes && source.modifiedNs === existing.modifiedNs;
}

/** Whether mode and owner are the same, and of a folder its time. */
export function isSameRest(source: TakenStat, existing: TakenStat): boolean {
  const isSameTime = source.kind !== 'directory' || source.modifiedNs === existing.modifiedNs;
  return isSameTime && source.mode === existing.mode && source.uid === existing.uid && source.gid === existing.gid;
}

/** Whether a folder inside is empty because what was mounted there is gone: then nothing of it is removed. */
export function isMountGone(known: string | undefined, now: { readonly id: string; readonly isEmpty: boolean }): boolean {
  return known !== undefined && now.isEmpty && hasLostDevice(known, now.id);
}
