import type { SourceStat } from './source-stat.ts';

/** Stands for what was certainly taken, when it is not known what of. */
export const unsureIdentity = '?';

function partsOf(identity: string): [device: string, number: string] {
  const at = identity.lastIndexOf(':');
  return [identity.slice(0, at), identity.slice(at + 1)];
}

/**
 * What tells a file of the machine from all others, as long as it is there. A
 * number that is given again comes with another time of birth. Numbers of
 * devices may change when a machine starts, so that of the followed folder is
 * left out.
 */
export function identityOf(stat: SourceStat, root: SourceStat): string {
  const [device, number] = partsOf(stat.identity);
  const [rootDevice] = partsOf(root.identity);
  return `${device === rootDevice ? '' : device}:${number}:${stat.bornNs}`;
}

/** The followed folder itself. */
export function rootIdentity(root: SourceStat): string {
  return identityOf(root, root);
}

/**
 * Whether an identity tells that something is the same under another name. Where
 * the time of birth is not known, a file may have been given the number of one
 * that went; a folder's content is looked at in any case.
 */
export function isProof(identity: string, kind: SourceStat['kind']): boolean {
  return kind === 'directory' || !identity.endsWith(':0');
}

/** Whether a folder was the top of another device, and is on the device of the folder around it now: what was mounted there is gone. */
export function hasLostDevice(known: string, now: string): boolean {
  return !known.startsWith(':') && now.startsWith(':');
}
