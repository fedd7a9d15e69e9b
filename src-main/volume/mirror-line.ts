import type { BlockSpace } from '../preservation/index.ts';
import type { ViewedRoot } from '../snapshots/index.ts';

/** Roots of one history on a mirror's devices, and who reads them. */
export interface Line {
  readonly space: BlockSpace;
  /** By CP. */
  readonly views: Map<number, { readonly root: ViewedRoot; count: number }>;
}

export function lineOf(space: BlockSpace): Line {
  return { space, views: new Map() };
}
