import { type SeededRandom, u48Max } from '../../src-main/base/index.ts';
import { type RootNode, type SystemFileName, systemFileNames } from '../../src-main/format/index.ts';
import { randomInode } from './random-inode.ts';

/** A root node with every field at random, each in its range. */
export function randomRoot(random: SeededRandom): RootNode {
  const u48 = (): number => Math.floor(random.next() * u48Max);
  return {
    volumeId: random.bytes(16),
    blockSizeBytes: 4096 << random.below(5),
    cp: 1 + u48(),
    epoch: u48(),
    wallMs: u48(),
    blockCount: u48(),
    usedBlockCount: u48(),
    nextInode: u48(),
    freeInodeHead: u48(),
    inodeCount: u48(),
    requestSequence: u48(),
    journalKey: random.bytes(16),
    journalOffsetBytes: u48(),
    journalBatch: u48(),
    allocationCursor: u48(),
    setId: random.bytes(16),
    files: Object.fromEntries(systemFileNames.map((name) => [name, randomInode(random)])) as Record<
      SystemFileName,
      RootNode['files'][SystemFileName]
    >,
  };
}
