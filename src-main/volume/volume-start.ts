import { assert, bytesEqual, MirrorpointError, toHex } from '../base/index.ts';
import { BlockCache, BlockPool, BlockStore } from '../blocks/index.ts';
import { FreedList, Journal, readShed, RootRing } from '../consistency/index.ts';
import type { VolumeDevices } from '../device/index.ts';
import { encodeRootNode, geometryOf, type RootNode } from '../format/index.ts';
import { putBack } from '../preservation/index.ts';
import type { ViewedRoot } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import { emptyRoot } from './empty-root.ts';
import { hasSteppedDown, newestMirrorRoot } from './mirror-root.ts';
import { findViewedRoot, isWholeOnMirror, type RootViewAt } from './root-view.ts';
import type { VolumeOptions } from './volume-options.ts';

const defaultCacheBytes = 16 << 20;
const defaultPoolBytes = 128 << 20;

/** Where a volume starts from: a root, as the first CP after it will build on it. */
export interface VolumeStart {
  set: VolumeDevices;
  options: VolumeOptions;
  context: Required<BlockFileContext>;
  root: RootNode;
  rootBytes: Uint8Array;
  shed: FreedList;
  journal: Journal;
  ring: RootRing;
  /** Copies of the root that were damaged or missing. */
  damagedRootCopies: number;
}

/** Starts a volume with nothing in it. Throws `volume-exists` on a set that has one. */
export async function emptyStart(set: VolumeDevices, options: VolumeOptions): Promise<VolumeStart> {
  const ring = new RootRing(set.rootAreas, set.volumeId);
  if ((await ring.newest()) !== undefined) {
    throw new MirrorpointError(
      'volume-exists',
      `The devices of ${options.name} hold volume ${toHex(set.volumeId)} already. Open it, or choose other devices.`,
    );
  }
  const { volumeId, setId, blockSizeBytes, blockCount } = set;
  const root = emptyRoot({ volumeId, setId, blockSizeBytes, blockCount, journalKey: options.random.bytes(16) });
  return {
    set,
    options,
    context: contextFor(set, options),
    root,
    rootBytes: encodeRootNode(root),
    shed: new FreedList(),
    journal: journalOf(set, root),
    ring,
    damagedRootCopies: 0,
  };
}

/** Starts a primary's volume at its last CP. Throws `not-a-volume`, `volume-damaged`, `format-too-new`, `device-too-small`, `volume-is-mirror`. */
export async function lastStart(set: VolumeDevices, options: VolumeOptions): Promise<VolumeStart> {
  const ring = new RootRing(set.rootAreas, set.volumeId);
  const found = await ring.settle();
  if (found === undefined) {
    throw new MirrorpointError(
      'not-a-volume',
      `The devices of ${options.name} are prepared for volume ${toHex(set.volumeId)}, but no CP was ever completed on them. ` +
        'Create the volume, or let a primary fill this mirror.',
    );
  }
  const { root, bytes, damagedCopies } = found;
  if (!bytesEqual(root.setId, set.setId)) {
    throw new MirrorpointError(
      'volume-is-mirror',
      `The devices of ${options.name} hold a mirror's copy of volume ${toHex(set.volumeId)}, at CP ${root.cp}. ` +
        'Open it as a mirror: changes made here would part it from its primary for good.',
    );
  }
  if (await hasSteppedDown(set, bytes)) {
    throw new MirrorpointError(
      'volume-is-mirror',
      `The devices of ${options.name} were the primary's of volume ${toHex(set.volumeId)} up to CP ${root.cp}, and stepped down since. ` +
        'Open it as a mirror; to make it the primary again, promote it.',
    );
  }
  checkSizes(set, root, options.name);
  const context = contextFor(set, options);
  const shed = await readShed(context, root);
  return { set, options, context, root, rootBytes: bytes, shed, journal: journalOf(set, root), ring, damagedRootCopies: damagedCopies };
}

/**
 * Starts a primary's volume from a mirror's last CP: the same representation,
 * said to be this set's own, under a higher epoch. Blocks of it that had to make
 * way for another root come back to their places; what stands in the set's
 * journal is no journal. Throws as `lastStart`, and `volume-is-primary`.
 */
export async function mirrorStart(set: VolumeDevices, options: VolumeOptions, epoch: number): Promise<VolumeStart> {
  const { name, random } = options;
  const found = await newestMirrorRoot(set);
  if (found === undefined) {
    throw new MirrorpointError(
      'not-a-volume',
      `The mirror ${name} has not received a whole CP yet, so there is nothing to promote. ` +
        'Promote another mirror, or go on with the primary.',
    );
  }
  const { root: copy, bytes, damagedCopies } = found;
  if (bytesEqual(copy.setId, set.setId) && !(await hasSteppedDown(set, bytes))) {
    throw new MirrorpointError(
      'volume-is-primary',
      `Volume ${name} is the primary already, at CP ${copy.cp} in epoch ${copy.epoch}. There is nothing to promote; open it.`,
    );
  }
  checkSizes(set, copy, name);
  assert(epoch > copy.epoch, 'a promotion raises the epoch');
  const root = { ...copy, epoch, setId: set.setId, journalKey: random.bytes(16), journalOffsetBytes: 0, journalBatch: 1 };
  await putBack(set, bytes);
  const context = contextFor(set, options);
  const shed = await readShed(context, root);
  const ring = new RootRing(set.rootAreas, set.volumeId);
  return { set, options, context, root, rootBytes: bytes, shed, journal: journalOf(set, root), ring, damagedRootCopies: damagedCopies };
}

/** The root that a promotion makes the live one, out of the root of its start. Throws `snapshot-not-found`. */
export function rootToPromote({ context, root, options }: VolumeStart, at: RootViewAt): Promise<ViewedRoot> {
  return context.cache.run(() => findViewedRoot({ name: options.name, context, root: () => root, at, isWhole: isWholeOnMirror }));
}

/**
 * Starts at a kept root of another start: with its files, and with the maps of
 * the newer root, which say what is in use. Inode numbers go on from the newer
 * root's, so that none stands for one file before and another file after.
 */
export function takenBack(start: VolumeStart, to: ViewedRoot): VolumeStart {
  const files = { ...start.root.files, inodes: to.inodes };
  return { ...start, root: { ...start.root, files, inodeCount: to.inodeCount, freeInodeHead: 0 } };
}

/** The block layer of a volume that takes changes. */
function contextFor(set: VolumeDevices, options: VolumeOptions): Required<BlockFileContext> {
  const { blockSizeBytes } = set;
  const store = new BlockStore(set.data, blockSizeBytes);
  return {
    geometry: geometryOf(blockSizeBytes),
    cache: new BlockCache(store, { capacityBytes: options.cacheBytes ?? defaultCacheBytes }),
    pool: new BlockPool({ capacityBytes: options.poolBytes ?? defaultPoolBytes, blockSizeBytes }),
  };
}

function journalOf(set: VolumeDevices, root: RootNode): Journal {
  return new Journal(set.journal, { key: root.journalKey, offsetBytes: root.journalOffsetBytes, batch: root.journalBatch });
}

function checkSizes(set: VolumeDevices, root: RootNode, name: string): void {
  if (root.blockSizeBytes !== set.blockSizeBytes) {
    throw new MirrorpointError(
      'volume-damaged',
      `Volume ${name} has blocks of ${root.blockSizeBytes} bytes by its root node and ${set.blockSizeBytes} by its labels. ` +
        'Its devices do not belong together; check which ones were given.',
    );
  }
  if (root.blockCount > set.blockCount) {
    throw new MirrorpointError(
      'device-too-small',
      `Volume ${name} needs ${root.blockCount} blocks, and its devices have room for ${set.blockCount}. ` +
        'A device has shrunk or is not the one it was; give the right one.',
    );
  }
}
