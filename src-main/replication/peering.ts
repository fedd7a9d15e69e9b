import { bytesEqual, formatBytes, isZero, MirrorpointError, toHex } from '../base/index.ts';
import { decodeRootNode, isWholeRoot, type RootMark, type RootNode, rootChecksumOf, rootNodeBytes } from '../format/index.ts';
import type { HelloMessage, RootBasis, StateMessage } from '../wire/index.ts';

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
        `${toHex(primary.volumeId)}. Link the volume to its own mirror, or empty this one by \`mirrorpoint volume reset\` on its server.`,
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
  /** Send the last root as it is; `basis` says what is known of the mirror's. */
  | { readonly kind: 'offer'; readonly basis: RootBasis }
  /** Take a CP whose root is kept, numbered above the mirror's, and send that. */
  | { readonly kind: 'take-cp'; readonly basis: RootBasis }
  | { readonly kind: 'refuse'; readonly fault: MirrorpointError };

/** What a primary knows when a mirror tells its state. */
export interface PrimaryState {
  readonly last: RootMark;
  readonly epoch: number;
  /** An administrator has said that the mirror is to follow whatever it has. */
  readonly isConfirmed: boolean;
  /** Whether the root of a CP is kept for this mirror. */
  isHeld(cp: number): boolean;
  /** The root checksum of a CP that was this primary's own, as far as it is remembered. */
  knownChecksum(cp: number): bigint | undefined;
}

/** Decides it from the mirror's state and epoch, and from what is known on this side. */
export function planForState(
  state: Pick<StateMessage, 'committedCp' | 'rootChecksum'> & { readonly epoch: number },
  primary: PrimaryState,
): StatePlan {
  const { committedCp: cp, rootChecksum: checksum } = state;
  const { last, isConfirmed } = primary;
  const send = (basis: RootBasis): StatePlan => ({
    kind: last.cp > cp && primary.isHeld(last.cp) ? 'offer' : 'take-cp',
    basis,
  });
  if (cp === 0) return send('held');
  // What was a primary of an earlier epoch may have CPs of its own under any number.
  if (state.epoch < primary.epoch) return send(isConfirmed ? 'forced' : 'related');
  const known = cp === last.cp ? last.checksum : primary.knownChecksum(cp);
  const isAnother = known !== undefined && known !== checksum;
  if (cp > last.cp || isAnother) return isConfirmed ? send('forced') : diverged(cp, last.cp, isAnother);
  if (primary.isHeld(cp)) return cp === last.cp ? { kind: 'identical' } : send('held');
  if (known !== undefined) return send('ancestor');
  return send(isConfirmed ? 'forced' : 'related');
}

function diverged(cp: number, lastCp: number, isAnother: boolean): StatePlan {
  const what = isAnother
    ? `The mirror has another CP ${cp} than this primary: the two went different ways before.`
    : `The mirror has CP ${cp}, and this primary's last is CP ${lastCp}: the primary was set back, or is not the one that the mirror followed.`;
  const text =
    `${what} Nothing was written to the mirror. To go on with the mirror's state, promote it; ` +
    'to go on with the primary\'s, run `mirrorpoint resync` on the primary: what only the mirror has is set aside there.';
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
        'the primary was set back, or is not the one it followed. Nothing was written. Run `mirrorpoint resync` on the primary, or link the right volume.',
    );
  }
  return { kind: 'reconcile', root, bytes };
}

function refuse(code: 'message-invalid' | 'peer-wrong-volume' | 'peer-too-small' | 'peer-diverged', text: string): RootJudgement {
  return { kind: 'refuse', fault: new MirrorpointError(code, text) };
}
