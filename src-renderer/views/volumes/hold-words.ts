import { formatBytes, formatSize, type HoldStatus } from '../../../src-main/contract/index.ts';

const reasons = {
  cap: 'it reached its cap',
  full: 'writers found no room',
  request: 'somebody asked for it',
} as const;

/** Why what was held was given up, as a sentence without its time. */
export function droppedWords({ cp, heldBytes, why }: NonNullable<HoldStatus['baseDropped']>): string {
  return `What was held since CP ${cp}, ${formatBytes(heldBytes)}, was given up because ${reasons[why]}. When the mirror comes again, the two are compared, and only what differs travels.`;
}

/** A cap as it is written in its field. */
export function capText({ holdCap }: Pick<HoldStatus, 'holdCap'>): string {
  if (holdCap === undefined) return 'default';
  return 'percent' in holdCap ? `${holdCap.percent}%` : formatSize(holdCap.bytes);
}
