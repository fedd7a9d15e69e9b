import { getU48, MirrorpointError } from '../base/index.ts';
import type { InodeFields } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';
import { cpOfKey, decodeKeptRoot, type KeptRoot, nameKey, tableKey } from './kept-root.ts';

/** Above every CP. */
const cpEnd = 2 ** 48 - 1;

/** The snapshot table of a durable root, read-only: what exists on this side, and on the mirror. */
export class KeptRootReader {
  readonly #table: KeyedFile;

  constructor(context: BlockFileContext, snapshotsFile: InodeFields) {
    this.#table = new KeyedFile(new BlockFile({ geometry: context.geometry, cache: context.cache }, snapshotsFile));
  }

  /** The kept root of a CP, named or not. */
  atCp(cp: number): KeptRoot | undefined {
    const row = this.#table.get(tableKey('row', cp));
    return row === undefined ? undefined : decodeKeptRoot(row);
  }

  /** The snapshot of that name; throws `snapshot-not-found`. */
  byName(name: string): KeptRoot {
    const cp = this.#table.get(nameKey(name));
    const root = cp === undefined ? undefined : this.atCp(getU48(cp, 0));
    return root ?? snapshotNotFound(name);
  }

  /** The newest kept root that has a name. */
  newestNamed(): KeptRoot | undefined {
    for (let root = this.newestBefore(cpEnd); ; root = this.newestBefore(root.cp)) {
      if (root === undefined || root.names.length > 0) return root;
    }
  }

  /** The newest kept root with a CP below one. */
  newestBefore(cp: number): KeptRoot | undefined {
    const found = this.#table.last(tableKey('row', Math.min(cp, cpEnd)));
    return found === undefined || cpOfKey(found.key, 'row') === undefined ? undefined : decodeKeptRoot(found.value);
  }

  has(name: string): boolean {
    return this.#table.get(nameKey(name)) !== undefined;
  }

  /** The CP of the newest kept root before a CP, or 0. */
  before(cp: number): number {
    const found = this.#table.last(tableKey('row', cp));
    return (found === undefined ? undefined : cpOfKey(found.key, 'row')) ?? 0;
  }

  /** Kept roots with CPs above `afterCp`, in CP order, at most `limit`. */
  list(afterCp: number, limit: number): KeptRoot[] {
    const found: KeptRoot[] = [];
    this.#table.scan(tableKey('row', afterCp + 1), (key, value) => {
      if (cpOfKey(key, 'row') === undefined || found.length >= limit) return false;
      found.push(decodeKeptRoot(value));
      return true;
    });
    return found;
  }
}

export function snapshotNotFound(name: string): never {
  throw new MirrorpointError(
    'snapshot-not-found',
    `There is no snapshot named "${name}". List the snapshots to see which there are.`,
  );
}
