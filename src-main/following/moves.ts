/** A name in a folder of the volume. */
export interface NamePlace {
  readonly parent: number;
  readonly name: string;
}

/** A name of the volume that the followed folder has no more, or has for something else. */
export interface Departure {
  readonly ino: number;
  readonly at: NamePlace;
}

/** A name of the followed folder for what the volume has as an inode already, perhaps elsewhere. */
export interface Arrival {
  readonly wanted: number;
  readonly to: NamePlace;
}

export interface Move<A extends Arrival, D extends Departure> {
  readonly departure: D;
  readonly arrival: A;
}

export interface MovePlan<A extends Arrival, D extends Departure> {
  /** To be made in this order. */
  readonly moves: readonly Move<A, D>[];
  /** What stands in the way of a move and moves as well: it goes aside first. */
  readonly aside: readonly D[];
  readonly arrivalsLeft: readonly A[];
}

function keyOf({ parent, name }: NamePlace): string {
  return `${parent}/${name}`;
}

/**
 * Finds the two ends of renames: what the volume has under a name that went and
 * the folder has under one that came. Names are places by inode number, so that
 * the order of moves matters only where one stands in another's way.
 */
export function planMoves<A extends Arrival, D extends Departure>(departures: readonly D[], arrivals: readonly A[]): MovePlan<A, D> {
  const byIno = new Map<number, D[]>();
  for (const departure of departures) {
    const known = byIno.get(departure.ino);
    if (known === undefined) byIno.set(departure.ino, [departure]);
    else known.push(departure);
  }
  const moves: Move<A, D>[] = [];
  const arrivalsLeft: A[] = [];
  for (const arrival of arrivals) {
    const departure = byIno.get(arrival.wanted)?.pop();
    if (departure === undefined) {
      arrivalsLeft.push(arrival);
      continue;
    }
    moves.push({ departure, arrival });
  }
  const targets = new Set(moves.map(({ arrival }) => keyOf(arrival.to)));
  const aside = moves.map(({ departure }) => departure).filter(({ at }) => targets.has(keyOf(at)));
  return { moves, aside, arrivalsLeft };
}
