import { assert, present } from '../base/index.ts';
import {
  type CpParticipant,
  type CpWriter,
  type Extent,
  extentsOf,
  type FreedList,
  systemFile,
  writeOverlay,
} from '../consistency/index.ts';
import type { InodeFields, RootNode } from '../format/index.ts';
import { BlockFile, type BlockFileContext, KeyedFile, type TreeRoot } from '../tree/index.ts';
import { automaticName } from './automatic-name.ts';
import { DeadLedger } from './dead-ledger.ts';
import type { Chain } from './dead-record.ts';
import { type HeldSpace, heldSpace, type LooseRoot, sumOfHeld } from './held-space.ts';
import { cpOfKey, decodeKeptRoot, decodeNamed, encodeKeptRoot, encodeNamed, isSameTree, type KeptRoot, nameKey, tableKey } from './kept-root.ts';
import { type KnownNeeds, mirrorNeeds } from './mirror-needs.ts';
import { leaveNewer, type RollBack } from './roll-back.ts';
import { edited, type SnapshotEdit, type SnapshotIntent } from './snapshot-intent.ts';

/** Deadlist records that one CP takes apart: reclaiming a large snapshot is spread over CPs. */
const recordsPerCpDefault = 4096;

/** Dead blocks between two looks at how long others have waited. */
const blocksPerLook = 256;

/** Stands for the relationships that have not spoken yet. */
const openingRelationship = '';

/**
 * The snapshots' part in a CP: lists what died and is still needed, gives up the
 * roots that nobody needs, and keeps the root of this CP when it was asked for.
 * Its two files change nowhere else, so a failed CP simply forgets the changes.
 */
export class SnapshotLedger implements CpParticipant {
  readonly #context: BlockFileContext;
  readonly #tableFile: BlockFile;
  readonly #deadFile: BlockFile;
  readonly #table: KeyedFile;
  readonly #dead: DeadLedger;
  readonly #inodesOf: () => { file: InodeFields; inodeCount: number };
  readonly #lastRoot: () => RootNode;
  readonly #recordsPerCp: number;
  readonly #mayKeepUnasked: () => boolean;
  readonly #droppingBlocksMax: () => number;
  readonly #needs = new Map<string, KnownNeeds>();
  /** Those at the start of the CP being written: what hangs together is given up in one CP. */
  #needsBefore: readonly KnownNeeds[] = [];
  /** Readers on this side by CP. */
  readonly #views = new Map<number, number>();
  #bases: number[] = [];
  #nextBases: number[] = [];
  #intents: SnapshotIntent[] = [];
  #taken: SnapshotIntent[] = [];
  #keepAsBase = false;
  #hasMoreToDrop = false;
  /** Every CP that changes files is kept under an automatic name, while there is room for that. */
  keepsEachCp = false;
  /** Roots without a name that the last CP left because somebody needed them. */
  #spared: { cp: number; deletedAtCp: number }[] = [];
  #rollBack: RollBack | undefined;
  #roots: { table: TreeRoot; dead: TreeRoot };
  #heldByMirrors = new Map<string, HeldSpace>();
  #heldByViews: HeldSpace = { blocks: 0, sinceCp: 0 };

  constructor(options: {
    /** With a pool of its own: what it writes is not a client's. */
    context: BlockFileContext;
    root: RootNode;
    /** The inodes as the CP being written leaves them. */
    inodesOf: () => { file: InodeFields; inodeCount: number };
    lastRoot: () => RootNode;
    recordsPerCp?: number;
    /** Whether there is room to keep a root that nobody asked for by name; left out: always. */
    mayKeepUnasked?: () => boolean;
    /** Blocks of the maps that one CP may change before it stops dropping; left out: any number. */
    droppingBlocksMax?: () => number;
  }) {
    this.#context = options.context;
    this.#recordsPerCp = options.recordsPerCp ?? recordsPerCpDefault;
    this.#mayKeepUnasked = options.mayKeepUnasked ?? ((): boolean => true);
    this.#droppingBlocksMax = options.droppingBlocksMax ?? ((): number => Infinity);
    this.#inodesOf = options.inodesOf;
    this.#lastRoot = options.lastRoot;
    this.#tableFile = new BlockFile(options.context, options.root.files.snapshots);
    this.#deadFile = new BlockFile(options.context, options.root.files.deadlists);
    this.#table = new KeyedFile(this.#tableFile);
    this.#dead = new DeadLedger(new KeyedFile(this.#deadFile), options.context.cache);
    this.#roots = { table: this.#tableFile.root, dead: this.#deadFile.root };
  }

  /** CPs kept for mirrors, oldest first. */
  get bases(): readonly number[] {
    return this.#bases;
  }

  get pendingIntents(): readonly SnapshotIntent[] {
    return [...this.#taken, ...this.#intents];
  }

  /** By relationship, the CPs that its mirror has as its last, or, while it has not spoken, may have. */
  get mirrorCps(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#needs].map(([relationship, needs]) => [relationship, needs === 'unknown' ? this.#bases : [needs.committedCp]]));
  }

  /** Requests that wait for a CP to be durable. */
  get waitingCount(): number {
    return this.#taken.length + this.#intents.length;
  }

  /** There is something for a CP to do, even if no file has changed. */
  get hasWork(): boolean {
    return this.#intents.length > 0 || this.#hasMoreToDrop;
  }

  /** The next CP could give up roots that were needed at the last one. */
  get canGiveUp(): boolean {
    return this.#bases.some((cp) => !this.#isNeeded(cp, 0)) || this.#spared.some(({ cp, deletedAtCp }) => !this.#views.has(cp) && !this.#isNeeded(cp, deletedAtCp));
  }

  /**
   * Reads the few rows that are held in memory. Called once, after opening;
   * `needs` are those of all mirrors until the first relationship speaks.
   */
  async load(needs: KnownNeeds = 'unknown'): Promise<void> {
    this.#needs.set(openingRelationship, needs);
    this.#hasMoreToDrop = (await this.#cpsOf('doomed')).length > 0;
    this.#bases = await this.#cpsOf('base');
    // Whatever a mirror has was kept as a base for it.
    if (this.#bases.length === 0) this.#needs.delete(openingRelationship);
  }

  /** What each relationship's mirror keeps, by the last measuring. */
  get heldByMirrors(): ReadonlyMap<string, HeldSpace> {
    return this.#heldByMirrors;
  }

  /** What readers on this side keep, by the last measuring. */
  get heldByViews(): HeldSpace {
    return this.#heldByViews;
  }

  /** All blocks that only kept roots need, or undefined while they are being counted. Called between CPs until it knows. */
  countDead(): Promise<number | undefined> {
    return this.#dead.tally.countAll();
  }

  /**
   * Finds out what mirrors and readers keep. Called between CPs. What it has
   * measured once it only keeps up with: a few rows are read each time.
   */
  async measureHolds(): Promise<void> {
    const { tally } = this.#dead;
    const unnamed = this.#needs.size === 0 && this.#views.size === 0 ? [] : await this.#unnamedRoots();
    const bases = this.#bases.map((cp): LooseRoot => ({ cp, deletedAtCp: 0, afterCp: 0 }));
    // What nobody needs is on its way out, and may be much.
    const needed = unnamed.filter(({ cp, deletedAtCp }) => this.#views.has(cp) || this.#isNeeded(cp, deletedAtCp));
    await tally.watch([
      ...needed.map(({ cp }) => ({ chain: 'files' as const, holderCp: cp })),
      ...bases.map(({ cp }) => ({ chain: 'maps' as const, holderCp: cp })),
    ]);
    const held = (chain: Chain, loose: readonly LooseRoot[], isTheirs: (root: LooseRoot) => boolean): HeldSpace =>
      heldSpace(loose, isTheirs, (range) => tally.blocks({ chain, ...range }));
    const unread = await this.#looseRoots(unnamed, ({ cp }) => !this.#views.has(cp));
    this.#heldByMirrors = new Map(
      [...this.#needs].map(([relationship, needs]) => {
        const isTheirs = ({ cp, deletedAtCp }: LooseRoot): boolean => mirrorNeeds(needs, cp, deletedAtCp);
        return [relationship, sumOfHeld([held('files', unread, isTheirs), held('maps', bases, isTheirs)])];
      }),
    );
    this.#heldByViews = held('files', await this.#looseRoots(unnamed, () => true), ({ cp }) => this.#views.has(cp));
  }

  request(intent: SnapshotIntent): void {
    this.#intents.push(intent);
  }

  setMirrorNeeds(relationship: string, needs: KnownNeeds | undefined): void {
    this.#needs.delete(openingRelationship);
    if (needs === undefined) this.#needs.delete(relationship);
    else this.#needs.set(relationship, needs);
  }

  /** A reader opens the root of a CP: it is kept until the result is called. The CP is a kept one or the last. */
  enterView(cp: number): () => void {
    this.#views.set(cp, (this.#views.get(cp) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const others = present(this.#views.get(cp), 'the view being left') - 1;
      if (others === 0) this.#views.delete(cp);
      else this.#views.set(cp, others);
    };
  }

  /** The next CP takes the live trees back; those that take part in it are the kept root's. */
  rollBack(rollBack: RollBack): void {
    this.#rollBack = rollBack;
  }

  freeze(_cp: number, keepAsBase: boolean): void {
    this.#keepAsBase = keepAsBase;
    this.#taken = this.#intents;
    this.#intents = [];
  }

  async flush(writer: CpWriter): Promise<void> {
    this.#nextBases = [...this.#bases];
    this.#needsBefore = [...this.#needs.values()];
    await this.#keepViewedRoot();
    await this.#bury(writer, { chain: 'maps', freed: writer.shedBefore, deathCp: this.#lastRoot().cp });
    if (this.#rollBack !== undefined) await this.#leaveNewer(writer, this.#rollBack);
    await this.#bury(writer, { chain: 'files', freed: writer.filesFreed, deathCp: writer.cp });
    for (const intent of this.#taken) if (intent.kind !== 'create' && intent.kind !== 'keep') await this.#apply(intent, writer.cp);
    await this.#giveUpBases(writer);
    await this.#dropDoomed(writer);
    await this.#keepThisRoot(writer);
    this.#roots = {
      table: await this.#write(writer, this.#tableFile),
      dead: await this.#write(writer, this.#deadFile),
    };
  }

  fill(node: RootNode): void {
    node.files.snapshots = systemFile(this.#roots.table);
    node.files.deadlists = systemFile(this.#roots.dead);
  }

  settle(committed: boolean): void {
    if (committed) {
      this.#tableFile.settle(this.#roots.table);
      this.#deadFile.settle(this.#roots.dead);
      this.#bases = this.#nextBases;
      this.#rollBack = undefined;
    } else {
      this.#tableFile.discardChanges();
      this.#deadFile.discardChanges();
      this.#intents = [...this.#taken, ...this.#intents];
    }
    this.#dead.tally.settle(committed);
    this.#needsBefore = [];
    this.#taken = [];
  }

  /** Kept roots without a name, in rising order: those that mirrors and readers keep. */
  async #unnamedRoots(): Promise<KeptRoot[]> {
    const rows: KeptRoot[] = [];
    for (const cp of [...this.#bases, ...(await this.#cpsOf('doomed'))].sort((a, b) => a - b)) {
      const row = await this.#row(cp);
      if (row?.names.length === 0) rows.push(row);
    }
    return rows;
  }

  /** Those that are kept for one kind of reason, each with the newest kept root before it that is kept for another. */
  async #looseRoots(roots: readonly KeptRoot[], isLoose: (root: KeptRoot) => boolean): Promise<LooseRoot[]> {
    const loose: LooseRoot[] = [];
    for (const root of roots) {
      if (!isLoose(root)) continue;
      const { cp, deletedAtCp } = root;
      const beforeCp = await this.#keptBefore('files', cp);
      const last = loose.at(-1);
      loose.push({ cp, deletedAtCp, afterCp: last?.cp === beforeCp ? last.afterCp : beforeCp });
    }
    return loose;
  }

  async #write(writer: CpWriter, file: BlockFile): Promise<TreeRoot> {
    const overlay = file.freeze();
    if (overlay === undefined) return file.root;
    return writeOverlay(writer, { root: file.root, overlay, isMap: true, cacheData: true });
  }

  /** A reader of the last CP needs its root from now on, so it becomes a row before anything of it is given up. */
  async #keepViewedRoot(): Promise<void> {
    const last = this.#lastRoot();
    if (!this.#views.has(last.cp)) return;
    if ((await this.#row(last.cp)) !== undefined) return;
    await this.#put(rowOf(last, last.files.inodes, { names: [], isBase: false }));
    await this.#set(tableKey('doomed', last.cp));
  }

  /** Lists dead blocks under the roots that need them, and releases the others. */
  async #bury(writer: CpWriter, dead: { chain: Chain; freed: FreedList; deathCp: number }): Promise<void> {
    const { chain, freed, deathCp } = dead;
    const newestCp = await this.#keptBefore(chain, deathCp);
    const free: number[] = [];
    const eras = new Map<number, number[]>();
    let era = { afterCp: 0, eraCp: 0 };
    for (let position = 0; position < freed.count; position++) {
      const birthCp = freed.birthCp(position);
      if (birthCp > newestCp) {
        free.push(freed.vbn(position));
        continue;
      }
      if (birthCp <= era.afterCp || birthCp > era.eraCp) era = await this.#eraOf(chain, birthCp);
      const others = eras.get(era.eraCp);
      if (others === undefined) eras.set(era.eraCp, [freed.vbn(position)]);
      else others.push(freed.vbn(position));
      const pause = position % blocksPerLook === 0 ? writer.pace() : undefined;
      if (pause !== undefined) await pause;
    }
    for (const extent of extentsOf(free)) writer.released.push(extent);
    for (const [eraCp, vbns] of eras) await this.#dead.add({ chain, holderCp: newestCp, eraCp }, vbns);
  }

  async #apply(edit: SnapshotEdit, cp: number): Promise<void> {
    const key = nameKey(edit.name);
    const found = await this.#context.cache.run(() => {
      const value = this.#table.get(key);
      return value === undefined ? undefined : decodeNamed(value);
    });
    const row = found === undefined ? undefined : await this.#row(typeof found === 'number' ? found : found.cp);
    if (row === undefined) return;
    Object.assign(row, edited(row, edit));
    if (edit.kind === 'delete') {
      await this.#context.cache.run(() => this.#table.delete(key));
      if (row.names.length === 0) {
        row.deletedAtCp = cp;
        if (!row.isBase) await this.#set(tableKey('doomed', row.cp));
      }
    }
    await this.#put(row);
  }

  /** Bases that no mirror has or may have any more are ordinary kept roots again. */
  async #giveUpBases(writer: CpWriter): Promise<void> {
    for (const cp of this.#nextBases) {
      if (this.#isNeeded(cp, 0)) continue;
      await this.#giveUpMaps(writer, cp);
      const row = present(await this.#row(cp), 'row of a base');
      row.isBase = false;
      await this.#put(row);
      if (row.names.length === 0) await this.#set(tableKey('doomed', cp));
    }
  }

  /** The volume's own maps as of a base are needed no more. */
  async #giveUpMaps(writer: CpWriter, cp: number): Promise<void> {
    const previousCp = this.#nextBases.filter((base) => base < cp).at(-1) ?? 0;
    const { isEmpty } = await this.#dead.drop({ chain: 'maps', holderCp: cp, previousCp }, () => true, release(writer));
    assert(isEmpty, 'a base is given up whole');
    this.#nextBases = this.#nextBases.filter((base) => base !== cp);
    await this.#context.cache.run(() => this.#table.delete(tableKey('base', cp)));
  }

  async #leaveNewer(writer: CpWriter, rollBack: RollBack): Promise<void> {
    const newerBases = this.#nextBases.filter((base) => base > rollBack.toCp);
    for (const cp of newerBases.reverse()) await this.#giveUpMaps(writer, cp);
    await leaveNewer({ context: this.#context, table: this.#table, dead: this.#dead }, rollBack);
  }

  /**
   * Takes apart roots without a name that neither a mirror nor a reader needs. The
   * row goes first, so that nobody opens a root that is half gone; the key in the
   * index of doomed roots stays until the last record of its deadlist has gone.
   * Each CP takes something apart, and leaves the rest to the next ones when it has
   * no room for the blocks that change.
   */
  async #dropDoomed(writer: CpWriter): Promise<void> {
    this.#hasMoreToDrop = false;
    this.#spared = [];
    const blocksMax = this.#droppingBlocksMax();
    let dropped = 0;
    const mayGoOn = (taken: number): boolean =>
      dropped + taken === 0 || (dropped + taken < this.#recordsPerCp && present(this.#context.pool, 'pool of the ledger').takenCount < blocksMax);
    for (const cp of await this.#cpsOf('doomed')) {
      const row = await this.#row(cp);
      if (row !== undefined && (this.#views.has(cp) || this.#isNeeded(cp, row.deletedAtCp))) {
        this.#spared.push({ cp, deletedAtCp: row.deletedAtCp });
        continue;
      }
      if (!mayGoOn(0)) {
        this.#hasMoreToDrop = true;
        return;
      }
      if (row !== undefined) await this.#context.cache.run(() => this.#table.delete(tableKey('row', cp)));
      const previousCp = await this.#keptBefore('files', cp);
      const { taken, isEmpty } = await this.#dead.drop({ chain: 'files', holderCp: cp, previousCp }, mayGoOn, release(writer));
      dropped += taken + 1;
      if (!isEmpty) {
        this.#hasMoreToDrop = true;
        return;
      }
      await this.#context.cache.run(() => this.#table.delete(tableKey('doomed', cp)));
    }
  }

  async #keepThisRoot({ cp, wallMs }: CpWriter): Promise<void> {
    const { file, inodeCount } = this.#inodesOf();
    const { files, usedBlockCount } = this.#lastRoot();
    const automatic = automaticName({ cp, wallMs });
    const isUnasked = this.keepsEachCp && !isSameTree(file, files.inodes) && this.#mayKeepUnasked();
    const names = new Set(isUnasked ? [automatic] : []);
    for (const intent of this.#taken) {
      if (intent.kind !== 'create' && intent.kind !== 'keep') continue;
      names.add(intent.kind === 'create' ? intent.name : automatic);
      intent.onKept?.({ cp, wallMs });
    }
    if (names.size === 0 && !this.#keepAsBase) return;
    const row = rowOf({ cp, wallMs, inodeCount, usedBlockCount }, file, { names: [...names], isBase: this.#keepAsBase });
    await this.#put(row);
    const named = encodeNamed(row);
    for (const name of names) await this.#set(nameKey(name), named);
    if (!this.#keepAsBase) return;
    await this.#set(tableKey('base', cp));
    this.#nextBases.push(cp);
  }

  /** A mirror needs a root. */
  #isNeeded(cp: number, deletedAtCp: number): boolean {
    return [...this.#needsBefore, ...this.#needs.values()].some((needs) => mirrorNeeds(needs, cp, deletedAtCp));
  }

  /** The newest kept root of a chain below a CP, or 0. */
  async #keptBefore(chain: Chain, cp: number): Promise<number> {
    if (chain === 'maps') return this.#nextBases.filter((base) => base < cp).at(-1) ?? 0;
    return this.#context.cache.run(() => {
      const found = this.#table.last(tableKey('row', cp));
      return (found === undefined ? undefined : cpOfKey(found.key, 'row')) ?? 0;
    });
  }

  /** The era of a birth: the oldest kept root of the chain at or after it, and the one before that. */
  async #eraOf(chain: Chain, birthCp: number): Promise<{ afterCp: number; eraCp: number }> {
    const afterCp = await this.#keptBefore(chain, birthCp);
    if (chain === 'maps') {
      return { afterCp, eraCp: present(this.#nextBases.find((base) => base >= birthCp), 'era of a base') };
    }
    const eraCp = await this.#context.cache.run(() => {
      const found = this.#table.first(tableKey('row', birthCp));
      return found === undefined ? undefined : cpOfKey(found.key, 'row');
    });
    return { afterCp, eraCp: present(eraCp, 'era of a kept root') };
  }

  #row(cp: number): Promise<KeptRoot | undefined> {
    return this.#context.cache.run(() => {
      const row = this.#table.get(tableKey('row', cp));
      return row === undefined ? undefined : decodeKeptRoot(row);
    });
  }

  #put(row: KeptRoot): Promise<void> {
    return this.#set(tableKey('row', row.cp), encodeKeptRoot(row));
  }

  #set(key: Uint8Array, value: Uint8Array = new Uint8Array(0)): Promise<void> {
    return this.#context.cache.run(() => {
      this.#table.set(key, value);
    });
  }

  #cpsOf(kind: 'base' | 'doomed'): Promise<number[]> {
    return this.#context.cache.run(() => {
      const cps: number[] = [];
      this.#table.scan(tableKey(kind, 0), (key) => {
        const cp = cpOfKey(key, kind);
        if (cp === undefined) return false;
        cps.push(cp);
        return true;
      });
      return cps;
    });
  }
}

function rowOf(
  root: Pick<RootNode, 'cp' | 'wallMs' | 'inodeCount' | 'usedBlockCount'>,
  inodes: InodeFields,
  as: { names: string[]; isBase: boolean },
): KeptRoot {
  const { cp, wallMs, inodeCount, usedBlockCount } = root;
  return { cp, wallMs, inodeCount, usedBlockCount, inodes, holds: [], deletedAtCp: 0, ...as };
}

function release(writer: CpWriter): (extents: Extent[]) => void {
  return (extents) => {
    for (const extent of extents) writer.released.push(extent);
  };
}
