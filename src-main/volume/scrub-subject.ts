import { RootRing } from '../consistency/index.ts';
import type { VolumeDevices } from '../device/index.ts';
import type { Geometry, InodeFields, RootNode } from '../format/index.ts';
import { type KeptRoot, KeptRootReader } from '../snapshots/index.ts';
import type { BlockFileContext } from '../tree/index.ts';
import type { BlockHealer } from './block-healer.ts';
import type { RootView, RootViewAt } from './root-view.ts';
import type { VolumeCore } from './volume-core.ts';

/** Rows of the snapshot table looked at in one step. */
const pageRows = 256;

/** A root whose blocks nobody gives away until `leave`. */
export interface HeldRoot {
  /** Through which its blocks are read. */
  readonly context: BlockFileContext;
  readonly cp: number;
  readonly inodes: InodeFields;
  /** Names of the snapshots that it is. */
  readonly names: readonly string[];
  /** It is the last root, not only a kept one. */
  readonly isLast: boolean;
  leave(): void;
}

/** What a scrub needs of a volume, of either role. */
export interface ScrubSubject {
  readonly geometry: Geometry;
  readonly healer: BlockHealer;
  readonly root: RootNode;
  /** Holds the last root and its maps. Short: on a primary CPs wait for it. */
  holdMaps(): Promise<{ root: RootNode; context: BlockFileContext; leave: () => void }>;
  /** Holds the oldest root that is whole here and not older than a CP. */
  holdOldest(fromCp: number): Promise<HeldRoot>;
  /** Writes bad copies of the newest root node and of the labels anew from the good ones; resolves to their number. */
  mendCopies(): Promise<number>;
  openView(at: RootViewAt): Promise<RootView>;
}

/**
 * The oldest root that is whole here and not older than a CP: a kept one, or
 * the last. Whoever asks sees to it that none is given up until `hold` has been
 * called, which is in the step that finds it.
 */
export async function holdOldest(options: {
  context: BlockFileContext;
  last: RootNode;
  fromCp: number;
  isWhole: (row: KeptRoot) => boolean;
  hold: (root: KeptRoot | RootNode) => () => void;
}): Promise<HeldRoot> {
  const { context, last, fromCp, isWhole, hold } = options;
  const rows = new KeptRootReader(context, last.files.snapshots);
  for (let after = fromCp - 1; ; ) {
    const step = await context.cache.run(() => {
      const page = rows.list(after, pageRows).filter(({ cp }) => cp < last.cp);
      const row = page.find(isWhole);
      if (row !== undefined) return { context, cp: row.cp, inodes: row.inodes, names: row.names, isLast: false, leave: hold(row) };
      if (page.length === pageRows) return page.at(-1)!.cp;
      // A row of the last root's own number only says which names it has.
      const names = rows.atCp(last.cp)?.names ?? [];
      return { context, cp: last.cp, inodes: last.files.inodes, names, isLast: true, leave: hold(last) };
    });
    if (typeof step === 'object') return step;
    after = step;
  }
}

/** Writes bad copies of the newest root node and of the labels anew; resolves to how many there were. No root is written meanwhile. */
export async function mendCopies(set: VolumeDevices, root: { cp: number; bytes: Uint8Array }): Promise<number> {
  const roots = await new RootRing(set.rootAreas, set.volumeId).mend(root.cp, root.bytes);
  if (roots > 0) await set.flush();
  return roots + (await set.mendLabels());
}

/** A primary's volume for its scrub. Roots are found and held between CPs, which could give them up. */
export function volumeScrubbing(
  volume: Pick<ScrubSubject, 'root' | 'healer' | 'openView'> & { readonly rootBytes: Uint8Array },
  { context, ledger, gate, cps }: VolumeCore,
  set: VolumeDevices,
): ScrubSubject {
  const hold = ({ cp }: { cp: number }): (() => void) => ledger.enterView(cp);
  return {
    geometry: context.geometry,
    healer: volume.healer,
    root: volume.root,
    holdMaps: () => cps.between(() => ({ root: volume.root, context, leave: gate.enter() })),
    holdOldest: (fromCp) => cps.between(() => holdOldest({ context, last: volume.root, fromCp, isWhole: () => true, hold })),
    mendCopies: () => cps.between(() => mendCopies(set, { cp: volume.root.cp, bytes: volume.rootBytes })),
    openView: (at) => volume.openView(at),
  };
}
