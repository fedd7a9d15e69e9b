import type { SeededRandom } from '../../src-main/base/index.ts';
import { emptyInode, inlineBytesMax, type InodeFields, inodeSlots, pointerBytes, treeHeightMax } from '../../src-main/format/index.ts';

/** An inode with every field at random, each in its range. */
export function randomInode(random: SeededRandom): InodeFields {
  const u48 = (): number => Math.floor(random.next() * 2 ** 48);
  const ns = (): bigint => BigInt.asIntN(64, BigInt(Math.floor(random.next() * 2 ** 53)) * (random.chance(0.5) ? 1001n : -1001n));
  const isInline = random.chance(0.3);
  return {
    ...emptyInode(random.pick(['free', 'file', 'directory', 'symlink', 'attributes', 'system'] as const)),
    height: random.below(treeHeightMax + 1),
    mode: random.below(4096),
    linkCount: random.below(2 ** 32),
    uid: random.below(2 ** 32),
    gid: random.below(2 ** 32),
    sizeBytes: Math.floor(random.next() * 2 ** 53),
    blockCount: u48(),
    inlineContent: isInline ? random.bytes(random.below(inlineBytesMax + 1)) : null,
    modifiedNs: ns(),
    changedNs: ns(),
    accessedNs: ns(),
    createdNs: ns(),
    attributesInode: u48(),
    parentInode: u48(),
    generation: u48(),
    nextFreeInode: u48(),
    slots: isInline ? new Uint8Array(inodeSlots * pointerBytes) : random.bytes(inodeSlots * pointerBytes),
  };
}
