import type { InodeFields } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';
import { countBlocks } from './dead-counting.ts';
import { DeadTally } from './dead-tally.ts';
import { KeptRootReader } from './kept-root-reader.ts';

/**
 * What dropping kept roots would free, read from a durable root's own maps, on
 * either side of a relationship.
 *
 * A dead block listed under holder `h` in era `e` is referenced by exactly the
 * kept roots from `e` to `h`. When it was listed, `e` was the oldest kept root
 * not older than its birth and `h` the newest before its death. Kept roots are
 * only added at the newest end, so none has come between since; those that went
 * only shorten the list; and when `h` itself went, the block moved to the kept
 * root before it, or was freed if that is older than `e`. So dropping a set of
 * roots frees the block if and only if no root outside of the set lies in
 * [e, h]: that is, `h` is in the set, and `e` lies above the newest root outside
 * of the set that is older than `h`. Those blocks stand together in the
 * deadlist of `h`, so counting them reads the records that the drop would free.
 */
export class KeptSpace {
  readonly #rows: KeptRootReader;
  readonly #dead: { file: KeyedFile; cache: BlockFileContext['cache'] };

  constructor(context: BlockFileContext, root: { snapshots: InodeFields; deadlists: InodeFields }) {
    const { geometry, cache } = context;
    this.#rows = new KeptRootReader(context, root.snapshots);
    this.#dead = { file: new KeyedFile(new BlockFile({ geometry, cache }, root.deadlists)), cache };
  }

  /** Blocks of files that would be free if these kept roots went, and nothing else needed them. */
  async freedBy(cps: Iterable<number>): Promise<number> {
    let blocks = 0;
    let previous = { cp: 0, aboveCp: 0 };
    for (const cp of [...new Set(cps)].sort((a, b) => a - b)) {
      const beforeCp = await this.#dead.cache.run(() => this.#rows.before(cp));
      // Neighbours in the set go together.
      const aboveCp = previous.cp > 0 && beforeCp === previous.cp ? previous.aboveCp : beforeCp;
      blocks += await countBlocks(this.#dead, { chain: 'files', holderCp: cp, aboveCp, upToCp: cp });
      previous = { cp, aboveCp };
    }
    return blocks;
  }

  /** All blocks that only kept roots need: reads every deadlist. */
  async deadBlocks(): Promise<number> {
    const tally = new DeadTally(this.#dead);
    for (;;) {
      const blocks = await tally.countAll();
      if (blocks !== undefined) return blocks;
    }
  }
}
