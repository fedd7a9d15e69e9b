import type { RelationshipStatus, ServerStatus } from '../../../src-main/contract/index.ts';
import { plural } from '../../composables/index.ts';

type Volume = ServerStatus['volumes'][number];

/** A card of the screen: a relationship, or a volume that has none. */
export type OverviewCard =
  | { readonly kind: 'relationship'; readonly key: string; readonly volume: Volume | undefined; readonly relationship: RelationshipStatus }
  | { readonly kind: 'alone'; readonly key: string; readonly volume: Volume };

/** What a relationship is told apart by. */
export function keyOf({ role, volume, address }: Pick<RelationshipStatus, 'role' | 'volume' | 'address'>): string {
  return `${role} ${volume} ${address}`;
}

/** The cards, volume by volume as the server has them. */
export function cardsOf({ volumes, relationships }: Pick<ServerStatus, 'volumes' | 'relationships'>): OverviewCard[] {
  const cards = volumes.flatMap((volume): OverviewCard[] => {
    const own = relationships.filter((one) => one.volume === volume.name);
    if (own.length === 0) return [{ kind: 'alone', key: `volume ${volume.name}`, volume }];
    return own.map((relationship) => ({ kind: 'relationship', key: keyOf(relationship), volume, relationship }));
  });
  const names = new Set(volumes.map(({ name }) => name));
  const others = relationships.filter(({ volume }) => !names.has(volume));
  return [...cards, ...others.map((relationship): OverviewCard => ({ kind: 'relationship', key: keyOf(relationship), volume: undefined, relationship }))];
}

/** How many volumes there are, and how many of them have no second copy. */
export function countsOf(cards: readonly OverviewCard[], serverName: string): string {
  const volumes = new Set(cards.map((card) => (card.kind === 'alone' ? card.volume.name : card.relationship.volume))).size;
  const alone = cards.filter((card) => card.kind === 'alone' && card.volume.cloneOf === undefined).length;
  const copies = alone === 0 ? (volumes === 1 ? 'with a second copy' : 'each with a second copy') : `${alone} without a second copy`;
  return `${plural(volumes, 'volume')} on '${serverName}', ${copies}.`;
}

/** Where to see to something. */
export interface Way {
  readonly label: string;
  readonly path: string;
}

/** What a volume without a second copy is, why that matters, and where to go on. */
export interface Alone {
  readonly level: 'good' | 'attention' | 'problem' | 'working';
  readonly label: string;
  readonly sentence: string;
  readonly next: string;
  readonly ways: readonly Way[];
}

const pairing: Way = { label: 'Pair a server', path: '/pairing' };
const failover: Way = { label: 'Go to Failover', path: '/failover' };
const volumesWay: Way = { label: 'Go to Volumes', path: '/volumes' };

const transitions = {
  'handing-over': 'It is being handed over to its mirror, and takes no changes until that is settled.',
  promoting: 'It becomes the primary.',
  'stepping-down': 'It becomes a mirror.',
} as const;

/** What a change of roles that is under way means for a volume; undefined without one. */
export function transitionText({ transition }: Pick<Volume, 'transition'>): string | undefined {
  return transition === undefined ? undefined : transitions[transition];
}

export function aloneOf(volume: Volume, serverName: string): Alone {
  const { name, role, state, fault, cloneOf } = volume;
  if (state === 'failed') {
    return { level: 'problem', label: 'Not served', sentence: fault?.message ?? `'${name}' could not be opened.`, next: 'See to its devices, then attach it again under Volumes.', ways: [volumesWay] };
  }
  if (cloneOf !== undefined) {
    const sentence = `'${name}' is a clone of '${cloneOf}', to try something on. It is not mirrored, and forgotten when it ends.`;
    return { level: 'good', label: 'Clone', sentence, next: 'End it under Failover when it is not needed any more.', ways: [failover] };
  }
  const transition = transitionText(volume);
  if (transition !== undefined) return { level: 'working', label: 'Changing roles', sentence: transition, next: 'Failover says how far that is.', ways: [failover] };
  if (role === 'mirror') {
    return {
      level: 'attention',
      label: 'Follows nobody',
      sentence: `'${name}' on '${serverName}' is a mirror that no primary has come to yet.`,
      next: 'Pair this server with the one that has the files, and link its volume to this mirror there.',
      ways: [pairing],
    };
  }
  return {
    level: 'attention',
    label: 'Not mirrored',
    sentence: `'${name}' is on '${serverName}' alone: what is lost with this machine is lost.`,
    next: 'Pair this server with one that is to hold the copy. Or, if this volume took over from a primary that is to come back, bring that back under Failover.',
    ways: [pairing, failover],
  };
}
