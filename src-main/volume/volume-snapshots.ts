import { MirrorpointError, present } from '../base/index.ts';
import type { CpCause, CpRecord } from '../consistency/index.ts';
import type { RootNode } from '../format/index.ts';
import {
  automaticName,
  decodeHold,
  edited,
  fitsRow,
  type Hold,
  holdLabelBytesMax,
  holdReasonBytesMax,
  holdsMax,
  isAutomaticName,
  isSameTree,
  type KeptRoot,
  KeptRootReader,
  namesMax,
  type SnapshotEdit,
  type SnapshotLedger,
  snapshotNameBytesMax,
  snapshotNotFound,
} from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import { type Admission, keepBlocks } from './admission.ts';

/** A snapshot as users see it. */
export interface SnapshotInfo {
  name: string;
  cp: number;
  /** When it was taken, milliseconds since 1970 UTC: a label; the CP orders. */
  wallMs: number;
  /** What forbids deleting it. */
  holds: Hold[];
}

/** The CP that a snapshot keeps: another request's, when that began between the asking and the CP that was waited for. */
type KeptAt = Pick<SnapshotInfo, 'cp' | 'wallMs'>;

/** Rows read in one operation. */
const pageRows = 256;

/** One name of each CP is left for the schedule. */
const namesByHandMax = namesMax - 1;

/** Snapshots of a volume: checked requests, carried out by the next CP. */
export class VolumeSnapshots {
  readonly #context: BlockFileContext;
  readonly #ledger: SnapshotLedger;
  readonly #root: () => RootNode;
  readonly #hasChanges: () => boolean;
  readonly #refuseWhenRestricted: () => void;
  readonly #admission: Admission;
  readonly #findRoom: (fits: () => boolean) => Promise<boolean>;
  readonly #takeCp: (cause: CpCause) => Promise<CpRecord>;

  constructor(options: {
    context: BlockFileContext;
    ledger: SnapshotLedger;
    root: () => RootNode;
    /** Requests since the last CP. */
    hasChanges: () => boolean;
    /** Throws while the volume takes no requests. */
    refuseWhenRestricted: () => void;
    admission: Admission;
    /** Makes room on the devices; false when there is none. */
    findRoom: (fits: () => boolean) => Promise<boolean>;
    takeCp: (cause: CpCause) => Promise<CpRecord>;
  }) {
    this.#context = options.context;
    this.#ledger = options.ledger;
    this.#root = options.root;
    this.#hasChanges = options.hasChanges;
    this.#refuseWhenRestricted = options.refuseWhenRestricted;
    this.#admission = options.admission;
    this.#findRoom = options.findRoom;
    this.#takeCp = options.takeCp;
  }

  /** By relationship, the CPs that its mirror has as its last, or, while it has not spoken, may have. */
  get mirrorCps(): ReadonlyMap<string, readonly number[]> {
    return this.#ledger.mirrorCps;
  }

  /** Keeps every CP that changes files, under an automatic name, from now on or no longer; while the volume is full, none. */
  keepEachCp(isWanted: boolean): void {
    this.#ledger.keepsEachCp = isWanted;
  }

  /** Takes a CP and keeps its root under a name. Throws `name-invalid`, `snapshot-exists` or `volume-full`. */
  async create(name: string): Promise<SnapshotInfo> {
    checkText(name, { what: 'snapshot name', bytesMax: snapshotNameBytesMax });
    if (isAutomaticName(name)) {
      throw new MirrorpointError('name-invalid', `"${name}" is a name that only the schedule gives; choose another.`);
    }
    const kept: { at?: KeptAt } = {};
    for (;;) {
      if (!this.#fitsKept) await this.findRoom();
      if (await this.#requestNew(name, kept)) break;
      await this.#takeCp('snapshot');
    }
    await this.#takeCp('snapshot');
    return { name, ...present(kept.at, 'the CP of the snapshot'), holds: [] };
  }

  /** Waits until the devices have room for one more kept root. Throws `volume-full`. */
  async findRoom(): Promise<void> {
    if (!this.#fitsKept && !(await this.#findRoom(() => this.#fitsKept))) throw this.#admission.full();
  }

  /** Whether anything has changed since the newest snapshot, or there is none. */
  async hasNews(): Promise<boolean> {
    const newest = await this.#read((rows) => rows.newestNamed());
    return newest === undefined || this.#hasChanges() || !isSameTree(newest.inodes, this.#root().files.inodes);
  }

  /**
   * In one CP, keeps it under an automatic name, when that is wanted, and gives up
   * the snapshots named, those left out that are held or gone by now. Takes no CP
   * when there is nothing to do, and more than one on a volume that is nearly full.
   * Resolves to the new snapshot and the names given up. Throws `volume-full` when
   * there is no room for the new one even then.
   */
  async retain(wanted: { keep: boolean; drop: readonly string[] }): Promise<{ made?: SnapshotInfo; dropped: string[] }> {
    const dropped = await this.#requestDrops(wanted.drop);
    if (wanted.keep && !this.#fitsKept) await this.findRoom();
    this.#refuseWhenRestricted();
    const kept: { at?: KeptAt } = {};
    if (wanted.keep) this.#ledger.request({ kind: 'keep', onKept: (at) => (kept.at = at) });
    if (wanted.keep || dropped.length > 0) await this.#takeCp('snapshot');
    return { dropped, ...(kept.at !== undefined && { made: { name: automaticName(kept.at), ...kept.at, holds: [] } }) };
  }

  /** Has the next CP delete every snapshot, whoever holds it. */
  async forgetAll(): Promise<void> {
    for (const { name } of await this.list()) this.#ledger.request({ kind: 'delete', name });
  }

  /** Gives up a name; the space comes back with the next CPs. Throws `snapshot-not-found` or `snapshot-held`. */
  async delete(name: string): Promise<void> {
    await this.#edit(name, (row) => {
      if (!isHeld(row)) return { kind: 'delete', name };
      const holds = row.holds.map(decodeHold).map(({ label, reason }) => `"${label}"${reason === undefined ? '' : ` (${reason})`}`);
      throw new MirrorpointError(
        'snapshot-held',
        `Snapshot "${name}" is held by ${holds.join(', ')}. Release it first, then delete it.`,
      );
    });
  }

  /** Forbids deleting a snapshot until the label is released. A hold with the same label is replaced. Throws `volume-full`. */
  async hold(name: string, hold: Hold): Promise<void> {
    checkText(hold.label, { what: 'hold label', bytesMax: holdLabelBytesMax });
    checkReason(hold.reason);
    if (!this.#fitsKept) await this.findRoom();
    await this.#edit(name, (row) => {
      const edit: SnapshotEdit = { kind: 'hold', name, hold };
      const next = edited(row, edit);
      if (next.holds.length <= holdsMax && fitsRow(next)) return edit;
      throw new MirrorpointError(
        'argument-invalid',
        `Snapshot "${name}" has no room for one more hold: there can be ${holdsMax}, fewer with long reasons. Release one that is no longer needed, or give a shorter reason.`,
      );
    });
  }

  /** Takes a hold back. Throws `not-found` when the snapshot has none with that label. */
  async release(name: string, label: string): Promise<void> {
    await this.#edit(name, (row) => {
      if (row.holds.some((text) => decodeHold(text).label === label)) return { kind: 'release', name, label };
      throw new MirrorpointError('not-found', `Snapshot "${name}" has no hold labelled "${label}". List the snapshots to see who holds it.`);
    });
  }

  /** Snapshots in CP order, after a CP, at most `limit`. */
  async list(options: { after?: number; limit?: number } = {}): Promise<SnapshotInfo[]> {
    return listSnapshots((read) => this.#read(read), options);
  }

  /** How many there are. */
  count(): Promise<number> {
    return countSnapshots((read) => this.#read(read));
  }

  /** Requests a new snapshot; false when the next CP has as many already as one can have, or as there is room for. */
  #requestNew(name: string, kept: { at?: KeptAt }): Promise<boolean> {
    return this.#atOnce(
      (rows) => rows.has(name),
      (isThere) => {
        const pending = this.#ledger.pendingIntents.filter((intent) => intent.kind === 'create');
        if (isThere || pending.some((intent) => intent.name === name)) {
          throw new MirrorpointError('snapshot-exists', `There is a snapshot named "${name}" already; choose another name.`);
        }
        if (pending.length >= namesByHandMax || !this.#fitsKept) return false;
        this.#ledger.request({ kind: 'create', name, onKept: (at) => (kept.at = at) });
        return true;
      },
    );
  }

  /** Requests that the snapshots of these names go, as far as they may. */
  async #requestDrops(names: readonly string[]): Promise<string[]> {
    const dropped: string[] = [];
    for (let start = 0; start < names.length; ) {
      const page = names.slice(start, start + pageRows);
      const seen = await this.#atOnce(
        (table) => page.map((name) => (table.has(name) ? table.byName(name) : undefined)),
        (rows) => {
          for (const [index, name] of page.entries()) {
            const row = rows[index] && this.#withRequests(rows[index]);
            if (row === undefined || !row.names.includes(name) || isHeld(row)) continue;
            if (this.#mustWait) return index;
            this.#ledger.request({ kind: 'delete', name });
            dropped.push(name);
          }
          return page.length;
        },
      );
      start += seen;
      if (seen < page.length) await this.#takeCp('snapshot');
    }
    return dropped;
  }

  /** Carries out an edit that is decided on the snapshot as the requests before it will leave it. Throws `snapshot-not-found`. */
  async #edit(name: string, decide: (row: KeptRoot) => SnapshotEdit): Promise<void> {
    for (let isRequested = false; !isRequested; ) {
      isRequested = await this.#atOnce(
        (rows) => rows.byName(name),
        (found) => {
          const row = this.#withRequests(found);
          const edit = row.names.includes(name) ? decide(row) : snapshotNotFound(name);
          if (this.#mustWait) return false;
          this.#ledger.request(edit);
          return true;
        },
      );
      await this.#takeCp('snapshot');
    }
  }

  get #fitsKept(): boolean {
    return this.#admission.fits(keepBlocks, 'keep');
  }

  /** The next CP has no room for one more request that gives something up; there is always room for one alone. */
  get #mustWait(): boolean {
    return this.#ledger.waitingCount > 0 && !this.#admission.fits(keepBlocks, 'free');
  }

  #read<T>(read: (rows: KeptRootReader) => T): Promise<T> {
    const rows = new KeptRootReader(this.#context, this.#root().files.snapshots);
    return this.#context.cache.run(() => read(rows));
  }

  /** Reads rows of the last CP and makes requests on them while it still is the last, before any other request. */
  async #atOnce<T, R>(read: (rows: KeptRootReader) => T, act: (found: T) => R): Promise<R> {
    for (;;) {
      const root = this.#root();
      const found = await this.#read(read);
      if (this.#root() !== root) continue;
      this.#refuseWhenRestricted();
      return act(found);
    }
  }

  #withRequests(row: KeptRoot): KeptRoot {
    for (const intent of this.#ledger.pendingIntents) {
      if (intent.kind === 'create' || intent.kind === 'keep' || !row.names.includes(intent.name)) continue;
      Object.assign(row, edited(row, intent));
    }
    return row;
  }
}

function isHeld(row: KeptRoot): boolean {
  return row.holds.length > 0 && row.names.length === 1;
}

/** Runs one operation on the snapshot table of a root. */
export type RowsRead = <T>(read: (rows: KeptRootReader) => T) => Promise<T>;

/** Counts the names in a snapshot table, leaf by leaf. */
export async function countSnapshots(read: RowsRead): Promise<number> {
  let total = 0;
  for (let from: Uint8Array | undefined; ; ) {
    const { count, next } = await read((table) => table.countNames(from));
    total += count;
    if (next === undefined) return total;
    from = next;
  }
}

/** Lists snapshots page by page through a reader of the snapshot table. */
export async function listSnapshots(
  read: RowsRead,
  options: { after?: number; limit?: number },
): Promise<SnapshotInfo[]> {
  const limit = options.limit ?? Infinity;
  const found: SnapshotInfo[] = [];
  let after = options.after ?? 0;
  while (found.length < limit) {
    const rows = await read((table) => table.list(after, pageRows));
    for (const { names, cp, wallMs, holds } of rows) {
      for (const name of names) if (found.length < limit) found.push({ name, cp, wallMs, holds: holds.map(decodeHold) });
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

function checkReason(reason: string | undefined): void {
  if (reason === undefined) return;
  const bytes = Buffer.byteLength(reason);
  if (bytes > 0 && bytes <= holdReasonBytesMax && !/[\u0000-\u001f]/.test(reason) && reason.isWellFormed()) return;
  throw new MirrorpointError(
    'argument-invalid',
    `A hold's reason is 1 to ${holdReasonBytesMax} bytes without control characters. Write it shorter, or leave it out.`,
  );
}
