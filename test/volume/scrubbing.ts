import { assert } from '../../src-main/base/index.ts';
import { type Device, readLabel } from '../../src-main/device/index.ts';
import { inodeBytes, inodeSlots, inodeTreeAt, pointerBirth, pointerBytes, pointerChecksum, systemFileNames } from '../../src-main/format/index.ts';
import { type MirrorVolume, newScrub, ScrubPass, type ScrubState, type ScrubSubject, type Volume, walkBlocks } from '../../src-main/volume/index.ts';

const size = 4096;

/** Runs a pass to its end, in stretches, through JSON between them as a restart would. */
export async function scrub(volume: Volume | MirrorVolume, options: { stretch?: number; between?: (state: ScrubState) => Promise<void> } = {}): Promise<ScrubState> {
  let state = newScrub(volume.scrubbing.root);
  while (state.phase !== 'done') {
    await new ScrubPass(volume.scrubbing, state).stretch(options.stretch ?? 100_000);
    state = JSON.parse(JSON.stringify(state)) as ScrubState;
    await options.between?.(state);
  }
  return state;
}

export interface UsedBlock {
  readonly vbn: number;
  readonly checksum: bigint;
  readonly isMetadata: boolean;
}

/** Every block that a scrub of the subject is to prove. */
export async function usedBlocks(subject: ScrubSubject): Promise<UsedBlock[]> {
  const maps = await subject.holdMaps();
  maps.leave();
  const { geometry, cache } = maps.context;
  const found = new Map<number, UsedBlock>();
  const walk = async (tree: { slots: Uint8Array; height: number }, dataIs: (bytes: Uint8Array) => Promise<boolean>): Promise<void> => {
    await walkBlocks(geometry, tree, {
      afterCp: 0,
      read: async ({ pointers, level }) => {
        const targets = Array.from({ length: pointers.count }, () => new Uint8Array(size));
        await cache.store.readProven(pointers, targets);
        for (const [position, bytes] of targets.entries()) {
          const isMetadata = level > 0 || (await dataIs(bytes));
          const checksum = pointerChecksum(pointers.bytes, position * pointerBytes);
          assert(pointerBirth(pointers.bytes, position * pointerBytes) > 0, 'every block in use was born in a CP');
          found.set(pointers.vbn(position), { vbn: pointers.vbn(position), checksum, isMetadata });
        }
        return targets;
      },
    });
  };
  for (const name of systemFileNames) if (name !== 'inodes') await walk(subject.root.files[name], () => Promise.resolve(true));
  for (let fromCp = 1; Number.isFinite(fromCp); ) {
    const held = await subject.holdOldest(fromCp);
    await walk(held.inodes, async (bytes) => {
      for (let offset = 0; offset < size; offset += inodeBytes) {
        const tree = inodeTreeAt(bytes, offset);
        if (tree === undefined) continue;
        const slots = bytes.slice(tree.slotsOffset, tree.slotsOffset + inodeSlots * pointerBytes);
        await walk({ slots, height: tree.height }, () => Promise.resolve(tree.kind === 'directory'));
      }
      return true;
    });
    held.leave();
    fromCp = held.isLast ? Infinity : held.cp + 1;
  }
  return [...found.values()];
}

/** Where block 0 of a volume lies on its only device. */
export async function dataOffset(device: Device): Promise<number> {
  return (await readLabel(device)).label.set.segments[0]!.deviceOffsetBytes;
}

/** Flips a bit of the block that lies at an offset. */
export async function flip(device: Device, offsetBytes: number, bit: number): Promise<void> {
  const bytes = new Uint8Array(size);
  await device.read(offsetBytes, [bytes]);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  await device.write(offsetBytes, [bytes]);
}
