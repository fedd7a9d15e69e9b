import { assert, getU32, getU48, setU32, setU48 } from '../base/index.ts';
import type { BlockCache } from '../blocks/index.ts';
import { emptyInode, type Geometry, type InodeFields, type RootNode, treeCapacity, treeHeightMax } from '../format/index.ts';
import { BlockFile, IntervalSet, type TreeRoot } from '../tree/index.ts';
import type { CpWriter } from './cp-writer.ts';
import { type Extent, FreedList } from './freed-list.ts';
import type { SpaceMap } from './space-map.ts';

/** Bytes of one record in the shed file: VBN u48, birth u48, count u32. */
const shedRecordBytes = 16;

/** The whole of a file, as holes. */
const everything = new IntervalSet();
everything.add(0, Infinity);

/**
 * Writes the free map and the shed file, last of all blocks of a CP. Writing the
 * map needs blocks, and taking blocks changes the map; so enough blocks are
 * reserved first for every map block that can change, and what was too much is
 * given back before the map is sealed.
 *
 * What the maps themselves shed in this CP is listed in the shed file and freed
 * by the next CP: this ends the circle that freeing it here would begin.
 */
export async function writeMaps(options: {
  geometry: Geometry;
  cache: BlockCache;
  space: SpaceMap;
  writer: CpWriter;
  /** Gets the new roots of `freeMap` and `shed`. */
  node: RootNode;
  /** Extents kept out of this CP's allocations, free again in its map. */
  excluded: readonly Extent[];
}): Promise<void> {
  const { geometry, space, writer, node } = options;
  const shedEdit = writer.editMaps(node.files.shed);
  await shedEdit.punch(everything);
  await space.open(writer.released);
  await reserveForMaps(space, writer, geometry);
  space.readmit(options.excluded);
  space.clear(writer.released);

  const mapEdit = writer.editMaps(space.file.root);
  await mapEdit.stage(space.pages as Map<number, Uint8Array>);
  const { bytes, blocks } = encodeShed(writer.mapsFreed, geometry.blockSizeBytes);
  await shedEdit.stage(blocks);

  const vbns = Array.from({ length: mapEdit.newBlockCount + shedEdit.newBlockCount }, () => space.allocate());
  space.forfeit();
  const shedRoot = await writer.placeAt(shedEdit, vbns);
  const mapRoot = await writer.placeAt(mapEdit, vbns);
  assert(vbns.length === 0, 'every block reserved for the maps is placed');
  node.files.shed = { ...systemFile(shedRoot), sizeBytes: bytes };
  node.files.freeMap = systemFile(mapRoot);
}

/** The inode of a file that only the root node names. */
export function systemFile(root: TreeRoot): InodeFields {
  return { ...emptyInode('system'), slots: root.slots, height: root.height, blockCount: root.blockCount };
}

/** Reads back what the maps shed in the CP of a root node. */
export async function readShed(
  context: { geometry: Geometry; cache: BlockCache },
  fields: InodeFields,
): Promise<FreedList> {
  const shed = new FreedList();
  const file = new BlockFile(context, fields);
  const { blockSizeBytes } = context.geometry;
  for (let offset = 0; offset < fields.sizeBytes; offset += blockSizeBytes) {
    await context.cache.run(() => {
      const block = file.read(offset / blockSizeBytes);
      assert(block !== null, 'the shed file has no holes');
      const end = Math.min(blockSizeBytes, fields.sizeBytes - offset);
      for (let at = 0; at < end; at += shedRecordBytes) {
        const vbn = getU48(block, at);
        const birthCp = getU48(block, at + 6);
        for (let index = 0; index < getU32(block, at + 12); index++) shed.add(vbn + index, birthCp);
      }
    });
  }
  return shed;
}

async function reserveForMaps(space: SpaceMap, writer: CpWriter, geometry: Geometry): Promise<void> {
  for (let known = -1; known !== space.pages.size; ) {
    known = space.pages.size;
    // Every changed map block, and at each level above at most one address block for each.
    const mapBlocks = known * (1 + heightFor(geometry, space));
    const shedRecords = writer.mapsFreed.count + mapBlocks;
    const shedBlocks = 2 * Math.ceil((shedRecords * shedRecordBytes) / geometry.blockSizeBytes) + treeHeightMax;
    await space.reserve(mapBlocks + shedBlocks);
  }
}

/** The height that the free map's tree has once every map block of the volume is in it. */
function heightFor(geometry: Geometry, space: SpaceMap): number {
  const mapBlockCount = Math.ceil(space.blockCount / geometry.blocksPerMapBlock);
  let height = space.file.root.height;
  while (treeCapacity(geometry, height) < mapBlockCount) height++;
  return height;
}

function encodeShed(freed: FreedList, blockSizeBytes: number): { bytes: number; blocks: Map<number, Uint8Array> } {
  const order = Array.from({ length: freed.count }, (_, position) => position).sort(
    (a, b) => freed.vbn(a) - freed.vbn(b),
  );
  const blocks = new Map<number, Uint8Array>();
  let records = 0;
  let last: { block: Uint8Array; at: number; nextVbn: number; birthCp: number } | undefined;
  for (const position of order) {
    const vbn = freed.vbn(position);
    const birthCp = freed.birthCp(position);
    if (last?.nextVbn === vbn && last.birthCp === birthCp) {
      setU32(last.block, last.at + 12, getU32(last.block, last.at + 12) + 1);
      last.nextVbn++;
      continue;
    }
    const offset = records * shedRecordBytes;
    const index = Math.floor(offset / blockSizeBytes);
    let block = blocks.get(index);
    if (block === undefined) blocks.set(index, (block = new Uint8Array(blockSizeBytes)));
    const at = offset % blockSizeBytes;
    setU48(block, at, vbn);
    setU48(block, at + 6, birthCp);
    setU32(block, at + 12, 1);
    last = { block, at, nextVbn: vbn + 1, birthCp };
    records++;
  }
  return { bytes: records * shedRecordBytes, blocks };
}
