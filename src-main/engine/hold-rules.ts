import { formatBytes, MirrorpointError } from '../base/index.ts';
import type { HoldCap } from '../contract/index.ts';

/** Shares of a volume: what a mirror may hold of it, and what stays free meanwhile. */
const heldShareMax = 0.2;
const freeShareMin = 0.1;

/** Above this share of the cap an administrator is warned; below the other that ends. */
const warnShare = 0.5;
const calmShare = 0.4;

export interface HoldRoom {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly heldBytes: number;
}

/**
 * How much may be kept for one mirror. Unless a cap is set: a fifth of the
 * volume, and no more than leaves a tenth of it free. Where there is less than
 * that tenth anyway, it is half of the room that there would be without the
 * mirror, so that a volume which its own files fill does not part from its
 * mirror at every CP.
 */
export function capBytesOf(cap: HoldCap | undefined, { sizeBytes, freeBytes, heldBytes }: HoldRoom): number {
  if (cap !== undefined) return Math.floor('bytes' in cap ? Math.min(cap.bytes, sizeBytes) : (sizeBytes * cap.percent) / 100);
  const roomBytes = freeBytes + heldBytes;
  return Math.floor(Math.min(heldShareMax * sizeBytes, Math.max(roomBytes - freeShareMin * sizeBytes, roomBytes / 2)));
}

/** Throws `argument-invalid` for a cap that would keep nothing, or that nothing could reach. */
export function checkCap(cap: HoldCap, volume: { readonly name: string; readonly sizeBytes: number }): void {
  const [isNothing, isTooMuch, text] =
    'bytes' in cap
      ? [cap.bytes <= 0, cap.bytes > volume.sizeBytes, `${cap.bytes} bytes`]
      : [cap.percent <= 0, cap.percent > 100, `${cap.percent} %`];
  if (isNothing) {
    throw new MirrorpointError(
      'argument-invalid',
      `A cap of ${text} would keep nothing for the mirror of volume ${volume.name}. ` +
        'Give a size or a percentage above zero; to give up what is kept now, run `mirrorpoint hold release`.',
    );
  }
  if (isTooMuch) {
    throw new MirrorpointError(
      'argument-invalid',
      `A cap of ${text} is more than volume ${volume.name} has, ${formatBytes(volume.sizeBytes)}. Give less, or \`default\`.`,
    );
  }
}

/** What to do about what a mirror holds. */
export type HoldJudgement = 'fine' | 'warn' | 'drop';

export interface HoldState {
  readonly heldBytes: number;
  readonly capBytes: number;
  readonly isWarned: boolean;
  /** The mirror speaks with this side, and what is held for it now was not yet held for it at the last look. */
  readonly isMoving: boolean;
}

/** A mirror that moves gives the space back by itself; everyone else who reaches the cap loses the base. */
export function judgeHold({ heldBytes, capBytes, isWarned, isMoving }: HoldState): HoldJudgement {
  if (heldBytes === 0) return 'fine';
  if (heldBytes >= capBytes && !isMoving) return 'drop';
  return heldBytes >= capBytes * (isWarned ? calmShare : warnShare) ? 'warn' : 'fine';
}
