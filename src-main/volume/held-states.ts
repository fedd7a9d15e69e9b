import { FileReader, InodeReader } from '../files/index.ts';
import type { RootNode } from '../format/index.ts';
import type { ViewedRoot } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import type { Line } from './mirror-line.ts';
import type { MirrorViews } from './mirror-views.ts';
import { isWholeOnMirror } from './root-view.ts';
import type { VolumeCore } from './volume-core.ts';
import { findStates, type FoundState, type FoundStates, type StateGround, type StatesInView, type StatesWanted, type VolumeState } from './volume-states.ts';

type UseStates<T> = (states: StatesInView) => Promise<T>;

/** Holds states of a primary's volume while `use` looks at them. They are found between CPs, which could give them up. */
export async function withPrimaryStates<T>(volume: { name: string; nowMs: number; core: VolumeCore }, wanted: StatesWanted, use: UseStates<T>): Promise<T> {
  const { name, nowMs, core } = volume;
  const { context, cps, ledger, files, table } = core;
  const { found, leaves } = await cps.between(() =>
    context.cache.run(() => {
      const states = findStates({ name, context, last: cps.root, isLive: true, isWhole: () => true }, wanted);
      return { found: states, leaves: rootsOf(states).map(({ cp }) => ledger.enterView(cp)) };
    }),
  );
  const live: VolumeState = { kind: 'live', cp: 0, wallMs: nowMs, names: [], files, cache: context.cache };
  try {
    return await use(inView(found, (state) => (state.root === undefined ? live : stateOf({ ...state, root: state.root }, context))));
  } finally {
    for (const leave of leaves) leave();
    // What was looked at of the live state stays decoded until somebody forgets it.
    table.trim();
  }
}

/** What the states of a mirror are found in. */
export interface MirrorGround {
  readonly name: string;
  readonly views: MirrorViews;
  /** The root that is served now. Throws while there is none. */
  readonly served: () => { readonly root: RootNode; readonly line: Line };
  readonly setAside: () => (NonNullable<StateGround['setAside']> & { readonly line: Line }) | undefined;
}

/** Holds states of a mirror while `use` looks at them; CPs may be committed meanwhile. */
export async function withMirrorStates<T>(ground: MirrorGround, wanted: StatesWanted, use: UseStates<T>): Promise<T> {
  for (;;) {
    const held = await holdMirrorStates(ground, wanted);
    if (held === undefined) continue;
    try {
      return await use(inView(held.found, (state) => stateOf({ ...state, root: state.root! }, held.lineOf(state).space.context)));
    } finally {
      held.leave();
    }
  }
}

/** Undefined when another root has come to be served before everything was read: what the table of the old one lists may be given up. */
async function holdMirrorStates(
  { name, views, served, setAside }: MirrorGround,
  wanted: StatesWanted,
): Promise<{ found: FoundStates; lineOf: (state: FoundState) => Line; leave: () => void } | undefined> {
  const { root: last, line } = served();
  const { context } = line.space;
  const leaveServed = views.enter([{ line, root: { ...last, inodes: last.files.inodes } }]);
  try {
    return await context.cache.run(() => {
      if (served().root !== last) return undefined;
      const aside = setAside();
      const held = (cp: number): ViewedRoot | undefined => line.views.get(cp)?.root;
      const found = findStates({ name, context, last, isLive: false, isWhole: isWholeOnMirror, held, setAside: aside }, wanted);
      const lineOf = ({ kind }: FoundState): Line => (kind === 'set-aside' && aside !== undefined ? aside.line : line);
      const roots = allOf(found).map((state) => ({ line: lineOf(state), root: state.root! }));
      return { found, lineOf, leave: views.enter(roots) };
    });
  } finally {
    leaveServed();
  }
}

function allOf({ at, older, newer }: FoundStates): FoundState[] {
  return [...at, ...older, ...(newer === undefined ? [] : [newer])];
}

function rootsOf(found: FoundStates): ViewedRoot[] {
  return allOf(found).flatMap(({ root }) => (root === undefined ? [] : [root]));
}

function inView(found: FoundStates, view: (state: FoundState) => VolumeState): StatesInView {
  return { at: found.at.map(view), older: found.older.map(view), nextCp: found.nextCp, newer: found.newer && view(found.newer) };
}

function stateOf({ kind, names, root }: FoundState & { root: ViewedRoot }, { geometry, cache }: BlockFileContext): VolumeState {
  const blocks = { geometry, cache };
  // The root is held as long as the state is looked at; no CP has to wait for its reads.
  const files = new FileReader({ blocks, enterRead: () => () => undefined }, new InodeReader(blocks, root.inodes));
  return { kind, names, cp: root.cp, wallMs: root.wallMs, files, cache };
}
