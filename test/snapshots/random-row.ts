import type { SeededRandom } from '../../src-main/base/index.ts';
import { holdsMax, type KeptRoot, namesMax } from '../../src-main/snapshots/index.ts';
import { randomInode } from '../format/random-inode.ts';

/** A row of the snapshot table with every field at random, each in its range. */
export function randomRow(random: SeededRandom): KeptRoot {
  const text = (): string => Array.from({ length: random.below(20) }, () => random.pick(['a', '9', 'ß', '日', ' '])).join('');
  const u48 = (): number => Math.floor(random.next() * 2 ** 48);
  return {
    cp: u48(),
    wallMs: u48(),
    names: Array.from({ length: random.below(namesMax + 1) }, text),
    holds: Array.from({ length: random.below(holdsMax + 1) }, text),
    isBase: random.chance(0.5),
    deletedAtCp: u48(),
    inodeCount: u48(),
    usedBlockCount: u48(),
    inodes: randomInode(random),
  };
}
