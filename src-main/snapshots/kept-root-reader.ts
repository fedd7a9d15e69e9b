import { MirrorpointError } from '../base/index.ts';
import type { InodeFields } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile } from '../tree/index.ts';
import { cpOfKey, decodeKeptRoot, decodeNamed, type KeptRoot, nameKey, nameKeysEnd, nameOfKey, tableKey, type ViewedRoot } from './kept-root.ts';

/** Above every CP. */
const cpEnd = 2 ** 48 - 1;

/** Leaves of the table that one operation counts in. */
const countedLeavesMax = 256;

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
    const found = this.#named(name);
    return this.atCp(typeof found === 'number' ? found : found.cp) ?? snapshotNotFound(name);
  }

  /** As `byName`, and no more than a view shows. */
  viewByName(name: string): ViewedRoot {
    const found = this.#named(name);
    return typeof found === 'number' ? (this.atCp(found) ?? snapshotNotFound(name)) : found;
  }

  /** Counts names from a key on, as many as one operation may: `next` is the key to go on from, when there are more. */
  countNames(from: Uint8Array = nameKey('')): { count: number; next?: Uint8Array } {
    return this.#table.count(from, nameKeysEnd, countedLeavesMax);
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

  /** Names in the order of their bytes from one on (inclusive), at most `limit`, with what their entries say. */
  listNames(from: string, limit: number): { name: string; found: ViewedRoot | number }[] {
    const entries: { name: string; found: ViewedRoot | number }[] = [];
    this.#table.scan(nameKey(from), (key, value) => {
      const name = nameOfKey(key);
      if (name === undefined || entries.length >= limit) return false;
      entries.push({ name, found: decodeNamed(value) });
      return true;
    });
    return entries;
  }

  #named(name: string): ViewedRoot | number {
    const entry = this.#table.get(nameKey(name));
    return entry === undefined ? snapshotNotFound(name) : decodeNamed(entry);
  }
}

export function snapshotNotFound(name: string): never {
  throw new MirrorpointError(
    'snapshot-not-found',
    `There is no snapshot named "${name}". List the snapshots to see which there are.`,
  );
}
