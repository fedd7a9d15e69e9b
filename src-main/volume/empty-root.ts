import { systemFile } from '../consistency/index.ts';
import { inodeSlots, pointerBytes, type RootNode, type SystemFileName, systemFileNames } from '../format/index.ts';

/** The root that a new volume has before its first CP: number 0, and nothing under it. */
export function emptyRoot(volume: {
  volumeId: Uint8Array;
  blockSizeBytes: number;
  blockCount: number;
  journalKey: Uint8Array;
  setId: Uint8Array;
}): RootNode {
  const tree = { slots: new Uint8Array(inodeSlots * pointerBytes), height: 0, blockCount: 0 };
  const files = Object.fromEntries(systemFileNames.map((name) => [name, systemFile(tree)]));
  return {
    ...volume,
    cp: 0,
    epoch: 1,
    wallMs: 0,
    usedBlockCount: 0,
    nextInode: 1,
    freeInodeHead: 0,
    inodeCount: 0,
    requestSequence: 0,
    journalOffsetBytes: 0,
    journalBatch: 1,
    allocationCursor: 0,
    files: files as Record<SystemFileName, RootNode['files'][SystemFileName]>,
  };
}
