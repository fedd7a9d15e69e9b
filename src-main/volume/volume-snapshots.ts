import { MirrorpointError } from '../base/index.ts';
import type { CpCause, CpRecord } from '../consistency/index.ts';
import type { RootNode } from '../format/index.ts';
import {
  holdLabelBytesMax,
  holdsMax,
  type KeptRoot,
  KeptRootReader,
  namesMax,
  type SnapshotLedger,
  snapshotNameBytesMax,
} from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';

/** A snapshot as users see it. */
export interface SnapshotInfo {
  name: string;
  cp: number;
  /** When it was taken, milliseconds since 1970 UTC: a label; the CP orders. */
  wallMs: number;
  /** Labels of those who forbid deleting it. */
  holds: string[];
}

/** Rows read in one operation. */
const pageRows = 256;

/** Snapshots of a volume: checked requests, carried out by the next CP. */
export class VolumeSnapshots {
  readonly #context: BlockFileContext;
  readonly #ledger: SnapshotLedger;
  readonly #root: () => RootNode;
  readonly #takeCp: (cause: CpCause) => Promise<CpRecord>;

  constructor(options: {
    context: BlockFileContext;
    ledger: SnapshotLedger;
    root: () => RootNode;
    takeCp: (cause: CpCause) => Promise<CpRecord>;
  }) {
    this.#context = options.context;
    this.#ledger = options.ledger;
    this.#root = options.root;
    this.#takeCp = options.takeCp;
  }

  /** Takes a CP and keeps its root under a name. Throws `name-invalid` or `snapshot-exists`. */
  async create(name: string): Promise<SnapshotInfo> {
    checkText(name, { what: 'snapshot name', bytesMax: snapshotNameBytesMax });
    const pending = this.#ledger.pendingIntents.filter((intent) => intent.kind === 'create');
    const isTaken = pending.some((intent) => intent.name === name) || (await this.#read((rows) => rows.has(name)));
    if (isTaken) {
      throw new MirrorpointError('snapshot-exists', `There is a snapshot named "${name}" already; choose another name.`);
    }
    if (pending.length >= namesMax) {
      await this.#takeCp('snapshot');
      return this.create(name);
    }
    this.#ledger.request({ kind: 'create', name });
    const { cp, startedWallMs } = await this.#takeCp('snapshot');
    return { name, cp, wallMs: startedWallMs, holds: [] };
  }

  /** Gives up a name; the space comes back with the next CPs. Throws `snapshot-not-found` or `snapshot-held`. */
  async delete(name: string): Promise<void> {
    const row = await this.#byName(name);
    if (row.holds.length > 0 && row.names.length === 1) {
      throw new MirrorpointError(
        'snapshot-held',
        `Snapshot "${name}" is held by ${row.holds.map((label) => `"${label}"`).join(', ')}. Release it first, then delete it.`,
      );
    }
    this.#ledger.request({ kind: 'delete', name });
    await this.#takeCp('snapshot');
  }

  /** Forbids deleting a snapshot until the label is released. */
  async hold(name: string, label: string): Promise<void> {
    checkText(label, { what: 'hold label', bytesMax: holdLabelBytesMax });
    const row = await this.#byName(name);
    if (row.holds.includes(label)) return;
    if (row.holds.length >= holdsMax) {
      throw new MirrorpointError(
        'argument-invalid',
        `Snapshot "${name}" has ${holdsMax} holds, the most there can be. Release one that is no longer needed.`,
      );
    }
    this.#ledger.request({ kind: 'hold', name, label });
    await this.#takeCp('snapshot');
  }

  /** Takes a hold back. Throws `not-found` when the snapshot has none with that label. */
  async release(name: string, label: string): Promise<void> {
    const row = await this.#byName(name);
    if (!row.holds.includes(label)) {
      throw new MirrorpointError('not-found', `Snapshot "${name}" has no hold labelled "${label}".`);
    }
    this.#ledger.request({ kind: 'release', name, label });
    await this.#takeCp('snapshot');
  }

  /** Snapshots in CP order, after a CP, at most `limit`. */
  async list(options: { after?: number; limit?: number } = {}): Promise<SnapshotInfo[]> {
    return listSnapshots((read) => this.#read(read), options);
  }

  #read<T>(read: (rows: KeptRootReader) => T): Promise<T> {
    const rows = new KeptRootReader(this.#context, this.#root().files.snapshots);
    return this.#context.cache.run(() => read(rows));
  }

  #byName(name: string): Promise<KeptRoot> {
    return this.#read((rows) => rows.byName(name));
  }
}

/** Lists snapshots page by page through a reader of the snapshot table. */
export async function listSnapshots(
  read: <T>(read: (rows: KeptRootReader) => T) => Promise<T>,
  options: { after?: number; limit?: number },
): Promise<SnapshotInfo[]> {
  const limit = options.limit ?? Infinity;
  const found: SnapshotInfo[] = [];
  let after = options.after ?? 0;
  while (found.length < limit) {
    const rows = await read((table) => table.list(after, pageRows));
    for (const { names, cp, wallMs, holds } of rows) {
      for (const name of names) if (found.length < limit) found.push({ name, cp, wallMs, holds });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) break;
    after = last.cp;
  }
  return found;
}

function checkText(text: string, rule: { what: string; bytesMax: number }): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > 0 && bytes <= rule.bytesMax && !/[\u0000-\u001f/@:]/.test(text) && text.isWellFormed()) return;
  throw new MirrorpointError(
    'name-invalid',
    `"${text}" cannot be a ${rule.what}: use 1 to ${rule.bytesMax} bytes without control characters, "/", "@" and ":".`,
  );
}
