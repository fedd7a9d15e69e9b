import { assert, getU32, getU48, MirrorpointError, setU32, setU48 } from '../base/index.ts';
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
  await mapEdit.stage(space.pages);
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

/** Reads back what the maps shed in the CP of a root node. Throws `volume-damaged`. */
export async function readShed(
  context: { geometry: Geometry; cache: BlockCache },
  { files: { shed: fields }, blockCount }: Pick<RootNode, 'files' | 'blockCount'>,
): Promise<FreedList> {
  const shed = new FreedList();
  const file = new BlockFile(context, fields);
  const { blockSizeBytes } = context.geometry;
  if (fields.sizeBytes > blockCount * shedRecordBytes) damagedShed('it has more records than the volume has blocks');
  for (let offset = 0; offset < fields.sizeBytes; offset += blockSizeBytes) {
    await context.cache.run(() => {
      const block = file.read(offset / blockSizeBytes) ?? damagedShed('it has holes');
      const end = Math.min(blockSizeBytes, fields.sizeBytes - offset);
      for (const { vbn, birthCp, count } of decodeShed(block.subarray(0, end), blockCount - shed.count)) {
        if (vbn + count > blockCount) damagedShed('it names blocks beyond the end of the volume');
        for (let index = 0; index < count; index++) shed.add(vbn + index, birthCp);
      }
    });
  }
  return shed;
}

/** The records in a part of the shed file. Throws `volume-damaged` when they name more than so many blocks. */
export function decodeShed(bytes: Uint8Array, blocksMax: number): { vbn: number; birthCp: number; count: number }[] {
  if (bytes.length % shedRecordBytes !== 0) damagedShed('it ends within a record');
  const records: { vbn: number; birthCp: number; count: number }[] = [];
  let blocks = 0;
  for (let at = 0; at < bytes.length; at += shedRecordBytes) {
    const record = { vbn: getU48(bytes, at), birthCp: getU48(bytes, at + 6), count: getU32(bytes, at + 12) };
    blocks += record.count;
    if (blocks > blocksMax) damagedShed('it names more blocks than the volume has');
    records.push(record);
  }
  return records;
}

function damagedShed(why: string): never {
  throw new MirrorpointError(
    'volume-damaged',
    `The list of what the volume's maps shed is damaged: ${why}. Run \`mirrorpoint volume check\` on the volume, and restore from the other side.`,
  );
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
