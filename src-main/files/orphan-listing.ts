import { setU48BigEndian } from '../base/index.ts';
import { decodeInode, inodeBytes, type InodeFields } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';

const noBytes = new Uint8Array(0);

/** The key of a file without a name in the list of orphans. */
export function orphanKey(ino: number): Uint8Array {
  const key = new Uint8Array(6);
  setU48BigEndian(key, 0, ino);
  return key;
}

/**
 * Makes the list of orphans that of another inode file, one to which the live
 * tree is taken back: reads all of its inodes. Nothing is logged; the list
 * changes in memory, and the next CP carries it.
 */
export async function relistOrphans(context: Required<BlockFileContext>, list: BlockFile, inodeFile: InodeFields): Promise<void> {
  const { cache, geometry } = context;
  const orphans = new KeyedFile(list);
  while (await cache.run(() => deleteFirst(orphans)));
  const inodes = new BlockFile({ geometry, cache }, inodeFile);
  const blockCount = inodeFile.sizeBytes / geometry.blockSizeBytes;
  for (let index = 0; index < blockCount; index++) {
    const next = await cache.run(() => inodes.seek(index, blockCount, 'data'));
    if (next === undefined) return;
    index = next;
    for (const slot of await cache.run(() => namelessIn(inodes.read(index)))) {
      await cache.run(() => {
        orphans.set(orphanKey(index * geometry.inodesPerBlock + slot), noBytes);
      });
    }
  }
}

function deleteFirst(orphans: KeyedFile): boolean {
  const first = orphans.first();
  return first !== undefined && orphans.delete(first.key.slice());
}

/** Positions in a block of inodes that hold files without a name. */
function namelessIn(inodeBlock: Uint8Array | null): number[] {
  const slots: number[] = [];
  for (let offset = 0; offset < (inodeBlock?.length ?? 0); offset += inodeBytes) {
    const { kind, linkCount } = decodeInode(inodeBlock!, offset);
    if (kind !== 'free' && kind !== 'attributes' && linkCount === 0) slots.push(offset / inodeBytes);
  }
  return slots;
}
