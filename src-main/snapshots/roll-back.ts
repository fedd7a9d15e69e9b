import type { RootNode } from '../format/index.ts';
import { type BlockFileContext, type KeyedFile, walkInodeFile } from '../tree/index.ts';
import type { DeadLedger } from './dead-ledger.ts';
import { cpOfKey, decodeKeptRoot, type KeptRoot, nameKey, tableKey } from './kept-root.ts';

/** Blocks that are listed together, so that neighbours make long runs. */
const listedTogetherMin = 65536;

/** The live trees go back to those of a kept root. */
export interface RollBack {
  /** The kept root's CP. */
  toCp: number;
  /** The root that is left, whose maps the volume goes on with. */
  left: RootNode;
}

/**
 * Gives up everything newer than a kept root: rows with their names and holds,
 * and what only they and the root that is left reference. A block in use is one
 * of these: referenced by the kept root, and so live again, whatever deadlist it
 * was on; listed under an older holder, as before; or born since. Those born
 * since are on deadlists of eras since, or in the tree that is left; they are
 * listed under holders that have no row, and are dropped as such holders are.
 */
export async function leaveNewer(
  parts: { context: BlockFileContext; table: KeyedFile; dead: DeadLedger },
  { toCp, left }: RollBack,
): Promise<void> {
  const { context, table, dead } = parts;
  const { cache } = context;
  const doom = (cp: number): Promise<void> =>
    cache.run(() => {
      table.set(tableKey('doomed', cp), new Uint8Array(0));
    });
  for (;;) {
    const row = await cache.run(() => oldestAfter(table, toCp));
    if (row === undefined) break;
    for (const key of [tableKey('row', row.cp), ...row.names.map(nameKey)]) await cache.run(() => table.delete(key));
    await doom(row.cp);
  }
  await dead.revive('files', toCp);
  await listTree(parts, left, toCp);
  await doom(left.cp);
}

/** Lists what a root references and was born after a CP, with that root as holder and era. */
async function listTree({ context, dead }: { context: BlockFileContext; dead: DeadLedger }, root: RootNode, afterCp: number): Promise<void> {
  let vbns: number[] = [];
  const list = async (countMin: number): Promise<void> => {
    if (vbns.length < countMin) return;
    await dead.add({ chain: 'files', holderCp: root.cp, eraCp: root.cp }, vbns);
    vbns = [];
  };
  await walkInodeFile(context, root.files.inodes, {
    afterCp,
    visit: async (pointers) => {
      for (let position = 0; position < pointers.count; position++) vbns.push(pointers.vbn(position));
      await list(listedTogetherMin);
    },
  });
  await list(1);
}

function oldestAfter(table: KeyedFile, cp: number): KeptRoot | undefined {
  const found = table.first(tableKey('row', cp + 1));
  return found === undefined || cpOfKey(found.key, 'row') === undefined ? undefined : decodeKeptRoot(found.value);
}
