import type { BlockCache } from '../blocks/index.ts';
import type { FileReader } from '../files/index.ts';
import type { RootNode } from '../format/index.ts';
import { type KeptRoot, KeptRootReader, type ViewedRoot } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import { findViewedRoot, type RootViewAt } from './root-view.ts';

/** Rows of the snapshot table looked at for one list of states; those without a name are passed over. */
const rowsMax = 1024;

/** Rows looked at in one step on the way to a newer state. */
const pageRows = 64;

/** One state of a volume beside others, readable as long as they are held. */
export interface VolumeState {
  readonly kind: 'live' | 'last' | 'kept' | 'set-aside';
  /** 0 for the live state, which belongs to no CP yet. */
  readonly cp: number;
  readonly wallMs: number;
  /** What it is called as a snapshot, or as a state set aside. */
  readonly names: readonly string[];
  readonly files: FileReader;
  /** What operations on its files run over. */
  readonly cache: BlockCache;
}

/** Which states of a volume are to be looked at together. */
export interface StatesWanted {
  /** These, as `openView` knows them; `live` on a mirror is its last CP. */
  readonly at: readonly (RootViewAt | 'live')[];
  /** Those with a name, the newest first: behind the newest state of all, or those older than the first of `at`, or than a CP. */
  readonly older?: { readonly than: 'all' | 'at' | number; readonly countMax: number };
}

export interface StatesInView {
  /** In the order in which they were wanted. */
  readonly at: readonly VolumeState[];
  readonly older: readonly VolumeState[];
  /** The CP to go on with, when there may be older ones. */
  readonly nextCp: number | undefined;
  /** Where they are those older than a CP: the one next to them that is not, of the volume's own line. */
  readonly newer: VolumeState | undefined;
}

/** A state that was found and is to be held. */
export interface FoundState {
  readonly kind: VolumeState['kind'];
  readonly names: readonly string[];
  /** Left out for the live state. */
  readonly root?: ViewedRoot;
}

/** What `findStates` looks in. */
export interface StateGround {
  /** What messages call the volume. */
  readonly name: string;
  readonly context: BlockFileContext;
  /** The last durable root. */
  readonly last: RootNode;
  /** Whether there is a live state beside the last CP. */
  readonly isLive: boolean;
  readonly isWhole: (row: KeptRoot) => boolean;
  /** A root that is kept although the snapshot table does not say so. */
  readonly held?: (cp: number) => ViewedRoot | undefined;
  /** What was set aside; `isServed` as long as the last CP is that very state. */
  readonly setAside?: { readonly name: string; readonly root: ViewedRoot; readonly isServed: boolean } | undefined;
}

export interface FoundStates {
  readonly at: readonly FoundState[];
  readonly older: readonly FoundState[];
  readonly nextCp: number | undefined;
  readonly newer: FoundState | undefined;
}

/** Finds states, in one operation on the snapshot table. Throws `snapshot-not-found` for what is wanted by name and not there. */
export function findStates(ground: StateGround, wanted: StatesWanted): FoundStates {
  const rows = new KeptRootReader(ground.context, ground.last.files.snapshots);
  const at = wanted.at.map((choice) => findState(ground, rows, choice));
  if (wanted.older === undefined) return { at, older: [], nextCp: undefined, newer: undefined };
  const { than, countMax } = wanted.older;
  const thanCp = than === 'all' ? Infinity : than === 'at' ? (at[0]?.root?.cp ?? Infinity) : than;
  const isLastOlder = !ground.isLive && ground.last.cp < thanCp;
  const newest = than === 'all' || isLastOlder ? [newestOf(ground, rows)] : [];
  const { kept, nextCp } = keptBefore(ground, rows, { thanCp: isLastOlder ? ground.last.cp : thanCp, countMax: countMax - newest.length });
  return {
    at,
    older: withSetAside(ground, [...newest, ...kept], { thanCp, nextCp }),
    nextCp,
    newer: typeof than === 'number' ? nextNewer(ground, rows, than) : undefined,
  };
}

function findState(ground: StateGround, rows: KeptRootReader, choice: RootViewAt | 'live'): FoundState {
  const { setAside, last, context, name, held, isWhole } = ground;
  if (choice === 'live') return newestOf(ground, rows);
  if (typeof choice === 'object' && 'snapshot' in choice && choice.snapshot === setAside?.name) {
    return setAside.isServed ? newestOf(ground, rows) : setAsideState(setAside);
  }
  const root = findViewedRoot({ name, context, root: () => last, at: choice, isWhole, ...(held !== undefined && { held }) });
  return { kind: root.cp === last.cp ? 'last' : 'kept', names: rows.atCp(root.cp)?.names ?? [], root };
}

function newestOf(ground: StateGround, rows: KeptRootReader): FoundState {
  return ground.isLive ? { kind: 'live', names: [] } : lastOf(ground, rows);
}

function lastOf({ last }: StateGround, rows: KeptRootReader): FoundState {
  const { cp, wallMs, inodeCount, files } = last;
  return { kind: 'last', names: rows.atCp(cp)?.names ?? [], root: { cp, wallMs, inodeCount, inodes: files.inodes } };
}

function setAsideState({ name, root }: { name: string; root: ViewedRoot }): FoundState {
  return { kind: 'set-aside', names: [name], root };
}

function keptState(root: KeptRoot): FoundState {
  return { kind: 'kept', names: root.names, root };
}

/** Kept roots with names below a CP, the newest first. */
function keptBefore(
  { isWhole }: StateGround,
  rows: KeptRootReader,
  { thanCp, countMax }: { thanCp: number; countMax: number },
): { kept: FoundState[]; nextCp: number | undefined } {
  const kept: FoundState[] = [];
  let cp = thanCp;
  for (let looked = 0; looked < rowsMax && kept.length < countMax; looked++) {
    const row = rows.newestBefore(cp);
    if (row === undefined) return { kept, nextCp: undefined };
    if (row.names.length > 0 && isWhole(row)) kept.push(keptState(row));
    cp = row.cp;
  }
  return { kept, nextCp: cp };
}

/** The states with the one set aside among them, where its CP stands. */
function withSetAside({ setAside }: StateGround, states: readonly FoundState[], range: { thanCp: number; nextCp: number | undefined }): FoundState[] {
  if (setAside === undefined || setAside.isServed || setAside.root.cp >= range.thanCp || setAside.root.cp < (range.nextCp ?? 0)) return [...states];
  const isNewer = ({ kind, root }: FoundState): boolean => kind === 'live' || root!.cp >= setAside.root.cp;
  return [...states.filter(isNewer), setAsideState(setAside), ...states.filter((state) => !isNewer(state))];
}

function nextNewer(ground: StateGround, rows: KeptRootReader, cp: number): FoundState | undefined {
  for (let afterCp = cp - 1; ; ) {
    const page = rows.list(afterCp, pageRows).filter((row) => ground.isLive || row.cp < ground.last.cp);
    const row = page.find((one) => one.names.length > 0 && ground.isWhole(one));
    if (row !== undefined) return keptState(row);
    if (page.length < pageRows) return ground.isLive || ground.last.cp >= cp ? newestOf(ground, rows) : undefined;
    afterCp = page.at(-1)!.cp;
  }
}

