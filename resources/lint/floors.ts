/**
 * The rooms of the source tree and the floors they stand on. A file imports
 * its own room and lower floors, and enters another room through its
 * `index.ts`. Paths here are relative to the project folder, with slashes.
 */
export const mainFloors: Readonly<Record<string, number>> = {
  base: 0,
  contract: 1,
  format: 1,
  device: 1,
  wire: 1,
  transport: 1,
  retention: 1,
  blocks: 2,
  tree: 3,
  consistency: 4,
  files: 5,
  snapshots: 5,
  preservation: 5,
  volume: 6,
  control: 7,
  pairing: 7,
  replication: 7,
  explore: 7,
  restore: 7,
  following: 7,
  serving: 7,
  engine: 8,
  shells: 9,
};

/** The renderer's rooms; its top-level files (main.ts, App.vue, router.ts) stand above them all. */
export const rendererFloors: Readonly<Record<string, number>> = {
  client: 0,
  composables: 0,
  styles: 0,
  stores: 1,
  components: 1,
  views: 2,
};

const rendererTopFloor = 3;

/** Rooms that may read the clock, the random source, the network and paths by themselves. */
export const ambientRooms: ReadonlySet<string> = new Set(['base', 'device', 'transport', 'shells']);

export interface Place {
  readonly side: 'src-main' | 'src-renderer' | 'test' | 'elsewhere';
  /** The first folder below the side, or '' for a file directly in it. */
  readonly room: string;
  /** undefined where the room is not in the table. */
  readonly floor: number | undefined;
}

/** Where a file stands. */
export function placeOf(path: string): Place {
  const [side = '', ...rest] = path.split('/');
  const room = rest.length > 1 ? (rest[0] ?? '') : '';
  switch (side) {
    case 'src-main':
      return { side, room, floor: mainFloors[room] };
    case 'src-renderer':
      return { side, room, floor: room === '' ? rendererTopFloor : rendererFloors[room] };
    case 'test':
      return { side, room, floor: undefined };
    default:
      return { side: 'elsewhere', room: '', floor: undefined };
  }
}

function judgeFromTest(from: Place, to: Place, target: string): string | undefined {
  if (to.side === 'test' || from.room === 'house') return undefined;
  if (to.side === 'src-renderer' && from.room === 'renderer') return undefined;
  if (to.room === from.room && to.side === 'src-main') return undefined;
  if (to.side === 'elsewhere') return undefined;
  if (target === `${to.side}/${to.room}/index.ts`) return undefined;
  return `${target} is inside ${to.side}/${to.room}: a test of another room enters through its index.ts`;
}

/** Why a file may not import another, or undefined when it may. */
export function judgeImport(source: string, target: string): string | undefined {
  const from = placeOf(source);
  const to = placeOf(target);
  if (from.side === 'test') return judgeFromTest(from, to, target);
  if (from.side === 'elsewhere') return undefined;
  if (target === 'package.json') return undefined;
  if (from.floor === undefined) {
    return `${source} stands in no room that the table of floors knows`;
  }
  if (from.side === to.side && from.room === to.room) return undefined;
  if (from.side === 'src-renderer' && target === 'src-main/contract/index.ts') return undefined;
  if (from.side !== to.side) return `${from.side} may not import ${target}`;
  if (to.floor === undefined) return `${target} stands in no room that the table of floors knows`;
  if (to.floor >= from.floor) {
    const relation = to.floor === from.floor ? 'the same floor as' : 'a higher floor than';
    return `${to.room || target} stands on ${relation} ${from.room || source}: imports point down`;
  }
  if (target !== `${to.side}/${to.room}/index.ts`) {
    return `${target} is inside another room: enter ${to.side}/${to.room} through its index.ts`;
  }
  return undefined;
}
