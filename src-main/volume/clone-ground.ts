import { MirrorpointError, present, type RandomSource, toHex } from '../base/index.ts';
import { type BlockStore, PointerList } from '../blocks/index.ts';
import type { CpFollower } from '../consistency/index.ts';
import type { Device } from '../device/index.ts';
import { decodeRootNode, pointerBytes, type RootNode, setPointer } from '../format/index.ts';
import type { KnownNeeds } from '../snapshots/index.ts';
import type { DamagedBlock, PeerSource } from './block-healer.ts';
import type { RootView, RootViewAt } from './root-view.ts';

/** What a clone stands on: a root, kept with all of its maps until it is left. */
export interface CloneGround {
  readonly root: RootNode;
  /** Which state the clone shows: the root's own, or that of a snapshot in its table, kept as well. */
  readonly at: RootViewAt;
  /** The blocks of the root, at their VBNs. Others may be written over at any time. */
  readonly data: Device;
  /** Gets a block that the data does not give right. */
  readonly heal: PeerSource;
  leave(): Promise<void>;
}

/** What a clone can be made of: a volume or a mirror. */
export interface Cloneable {
  readonly name: string;
  /** Throws `snapshot-not-found`, and `not-found` for an empty mirror. */
  holdForClone(at: RootViewAt): Promise<CloneGround>;
}

/** What holding a CP of a volume needs of it. */
interface KeepsBases {
  readonly name: string;
  readonly root: RootNode;
  openView(at: RootViewAt): Promise<RootView>;
  takeCp(): Promise<unknown>;
  follow(follower: CpFollower): void;
  unfollow(follower: CpFollower): void;
  setMirrorNeeds(relationship: string, needs: KnownNeeds | undefined): void;
}

/** Takes a CP that is kept whole, as a base, until the ground is left. */
export async function holdAsBase(
  volume: KeepsBases,
  { at, data, store, random }: { at: RootViewAt; data: Device; store: BlockStore; random: RandomSource },
): Promise<CloneGround> {
  const isLast = at === 'last' || ('cp' in at && (at.cp ?? volume.root.cp) === volume.root.cp);
  const id = `clone ${toHex(random.bytes(8))}`;
  const kept: { root?: RootNode; hasRoom: boolean } = { hasRoom: true };
  const follower: CpFollower = {
    begin: (cp, _baseCp, mayKeep) => {
      kept.hasRoom = mayKeep;
      if (mayKeep) volume.setMirrorNeeds(id, { committedCp: 0, neededCps: [cp], inFlightCps: [] });
      return { keep: mayKeep };
    },
    end: (_cp, rootBytes) => {
      volume.unfollow(follower);
      if (rootBytes !== undefined) kept.root = decodeRootNode(rootBytes);
    },
  };
  const view = isLast ? undefined : await volume.openView(at);
  const leave = async (): Promise<void> => {
    volume.unfollow(follower);
    volume.setMirrorNeeds(id, undefined);
    await view?.close();
  };
  try {
    volume.follow(follower);
    await volume.takeCp();
    if (!kept.hasRoom) throw noRoom(volume.name);
    const root = present(kept.root, 'the root of the CP that was taken');
    return { root, at: view === undefined ? 'last' : { cp: view.cp }, data, heal: healFrom(store, root), leave };
  } catch (fault) {
    await leave();
    throw fault;
  }
}

function noRoom(name: string): MirrorpointError {
  return new MirrorpointError('volume-full', `Volume ${name} has no room to keep what a clone stands on. Delete files or snapshots, or grow the volume.`);
}

/** Lets a clone have blocks of its ground from wherever the ground itself gets them; what the clone wrote is its own. */
export function healFrom(store: BlockStore, root: RootNode): PeerSource {
  return async (block: DamagedBlock) => {
    if (block.birthCp > root.cp) return undefined;
    const pointer = new Uint8Array(pointerBytes);
    setPointer(pointer, 0, block);
    const pointers = new PointerList();
    pointers.push(pointer, 0);
    const bytes = new Uint8Array(store.blockSizeBytes);
    return (await store.readElsewhere(pointers, 0, bytes)) ? bytes : undefined;
  };
}
