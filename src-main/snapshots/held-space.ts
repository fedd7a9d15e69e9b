/** A kept root that no name keeps. */
export interface LooseRoot {
  readonly cp: number;
  readonly deletedAtCp: number;
  /** The newest kept root before it that is kept for another reason; 0 when there is none. */
  readonly afterCp: number;
}

/** What is kept for somebody. */
export interface HeldSpace {
  readonly blocks: number;
  /** The oldest root kept for them; 0 when there is none. */
  readonly sinceCp: number;
}

/**
 * The space that somebody's roots keep, of roots that nobody named: dead blocks
 * that one of their roots references and no root kept for another reason does.
 * What two mirrors both need counts for each of them, for it stays until both
 * have let go.
 *
 * `loose` is in rising order of CP. Of the blocks that a loose root `h` holds,
 * those with an era above `h.afterCp` are referenced by loose roots alone (see
 * KeptSpace), and those with an era not above `n`, the newest root not after `h`
 * that is theirs, by `n`.
 */
export function heldSpace(
  loose: readonly LooseRoot[],
  isTheirs: (root: LooseRoot) => boolean,
  countBlocks: (range: { holderCp: number; aboveCp: number; upToCp: number }) => number,
): HeldSpace {
  let blocks = 0;
  let sinceCp = 0;
  let newestCp = 0;
  for (const root of loose) {
    if (isTheirs(root)) {
      newestCp = root.cp;
      if (sinceCp === 0) sinceCp = root.cp;
    }
    if (newestCp > root.afterCp) blocks += countBlocks({ holderCp: root.cp, aboveCp: root.afterCp, upToCp: newestCp });
  }
  return { blocks, sinceCp };
}

/** Adds what is kept in several places. */
export function sumOfHeld(parts: readonly HeldSpace[]): HeldSpace {
  const starts = parts.map(({ sinceCp }) => sinceCp).filter((cp) => cp > 0);
  return { blocks: parts.reduce((sum, part) => sum + part.blocks, 0), sinceCp: starts.length === 0 ? 0 : Math.min(...starts) };
}
