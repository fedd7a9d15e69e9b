import { bytesEqual, formatBytes, isZero, MirrorpointError, toHex } from '../base/index.ts';
import { decodeRootNode, isWholeRoot, type RootNode, rootChecksumOf, rootNodeBytes } from '../format/index.ts';
import type { HelloMessage, StateMessage } from '../wire/index.ts';

/** A root as both sides name it: its number, and the checksum that proves two of that number equal. */
export interface RootMark {
  readonly cp: number;
  readonly checksum: bigint;
}

type Greeting = Pick<HelloMessage, 'serverName' | 'volumeId' | 'blockSizeBytes' | 'blockCount' | 'epoch'>;

/**
 * Whether a primary and a mirror belong together, by their hellos: the fault
 * that says why not, or undefined. Both sides judge alike.
 */
export function judgePeers(primary: Greeting, mirror: Greeting): MirrorpointError | undefined {
  const isEmpty = isZero(mirror.volumeId);
  if (!isEmpty && !bytesEqual(primary.volumeId, mirror.volumeId)) {
    return new MirrorpointError(
      'peer-wrong-volume',
      `The mirror on '${mirror.serverName}' is of volume ${toHex(mirror.volumeId)}, and '${primary.serverName}' sends volume ` +
        `${toHex(primary.volumeId)}. Link the volume to its own mirror, or create a new one for it.`,
    );
  }
  if (primary.blockSizeBytes !== mirror.blockSizeBytes) {
    return new MirrorpointError(
      'unsupported',
      `The volume on '${primary.serverName}' has blocks of ${primary.blockSizeBytes} bytes, the mirror on '${mirror.serverName}' of ` +
        `${mirror.blockSizeBytes}. Create the mirror with blocks of the volume's size.`,
    );
  }
  if (mirror.blockCount < primary.blockCount) {
    const bytes = (count: number): string => formatBytes(count * primary.blockSizeBytes);
    return new MirrorpointError(
      'peer-too-small',
      `The mirror on '${mirror.serverName}' has room for ${bytes(mirror.blockCount)}, and the volume on '${primary.serverName}' needs ` +
        `${bytes(primary.blockCount)}. Grow the mirror by a device first.`,
    );
  }
  if (!isEmpty && mirror.epoch > primary.epoch) {
    return new MirrorpointError(
      'peer-diverged',
      `The mirror on '${mirror.serverName}' has epoch ${mirror.epoch}, and the volume on '${primary.serverName}' only epoch ` +
        `${primary.epoch}: the mirror was promoted since. Nothing was written to it.`,
    );
  }
  return undefined;
}

/** What a primary does about a mirror that has told its state. */
export type StatePlan =
  | { readonly kind: 'identical' }
  /** Send the last root as it is. */
  | { readonly kind: 'offer' }
  /** Take a CP whose root is kept, and send that. */
  | { readonly kind: 'take-cp' }
  | { readonly kind: 'refuse'; readonly fault: MirrorpointError };

/** Decides it from the mirror's state, this side's last root, and which roots are held for this mirror. */
export function planForState(
  state: Pick<StateMessage, 'committedCp' | 'rootChecksum'>,
  primary: { readonly last: RootMark; isHeld(cp: number): boolean; sentChecksum(cp: number): bigint | undefined },
): StatePlan {
  const { committedCp: cp, rootChecksum: checksum } = state;
  const { last } = primary;
  const next: StatePlan = { kind: primary.isHeld(last.cp) ? 'offer' : 'take-cp' };
  if (cp === 0) return next;
  if (cp > last.cp) {
    return diverged(`has CP ${cp}, and this primary's last is CP ${last.cp}: the primary was set back, or is not the one it followed`);
  }
  const known = cp === last.cp ? last.checksum : primary.sentChecksum(cp);
  if (known !== undefined && known !== checksum) {
    return diverged(`has another CP ${cp} than this primary: the two went different ways before`);
  }
  if (!primary.isHeld(cp)) return diverged(`is at CP ${cp}, which this primary does not hold for it any more`);
  return cp === last.cp ? { kind: 'identical' } : next;
}

function diverged(what: string): StatePlan {
  const text = `The mirror ${what}. Nothing was written to it. Create the mirror anew, or link the right volume.`;
  return { kind: 'refuse', fault: new MirrorpointError('peer-diverged', text) };
}

/** What a mirror does about a root that the primary sent. */
export type RootJudgement =
  /** It is the one committed: say so again. */
  | { readonly kind: 'known' }
  | { readonly kind: 'reconcile'; readonly root: RootNode; readonly bytes: Uint8Array }
  | { readonly kind: 'refuse'; readonly fault: MirrorpointError };

/** Decides it from the block the root came in, the committed root, and the space here. Nothing has been written then. */
export function judgeRoot(
  message: { readonly cp: number; readonly root: Uint8Array },
  mirror: { readonly volumeId: Uint8Array; readonly blockCount: number; readonly committed: (RootMark & { epoch: number }) | undefined },
): RootJudgement {
  const bytes = message.root.slice(0, rootNodeBytes);
  if (!isWholeRoot(bytes)) return refuse('message-invalid', `The root of CP ${message.cp} did not arrive whole.`);
  const root = decodeRootNode(bytes);
  const { committed } = mirror;
  if (root.cp !== message.cp) {
    return refuse('message-invalid', `The primary sent the root of CP ${root.cp} as that of CP ${message.cp}.`);
  }
  if (!bytesEqual(root.volumeId, mirror.volumeId)) {
    return refuse('peer-wrong-volume', `The primary sent a root of volume ${toHex(root.volumeId)} to a mirror of ${toHex(mirror.volumeId)}.`);
  }
  if (root.blockCount > mirror.blockCount) {
    return refuse(
      'peer-too-small',
      `CP ${root.cp} needs ${root.blockCount} blocks, and the mirror has ${mirror.blockCount}. Grow the mirror by a device.`,
    );
  }
  if (committed === undefined) return { kind: 'reconcile', root, bytes };
  if (root.cp === committed.cp && rootChecksumOf(bytes) === committed.checksum) return { kind: 'known' };
  if (root.cp <= committed.cp || root.epoch < committed.epoch) {
    return refuse(
      'peer-diverged',
      `The primary sent CP ${root.cp} of epoch ${root.epoch}, and the mirror has CP ${committed.cp} of epoch ${committed.epoch}: ` +
        'the primary was set back, or is not the one it followed. Nothing was written. Create the mirror anew, or link the right volume.',
    );
  }
  return { kind: 'reconcile', root, bytes };
}

function refuse(code: 'message-invalid' | 'peer-wrong-volume' | 'peer-too-small' | 'peer-diverged', text: string): RootJudgement {
  return { kind: 'refuse', fault: new MirrorpointError(code, text) };
}
