import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import { checkVolumePath, isFault, type RootChoice } from '../../../src-main/contract/index.ts';

/** What the left pane shows. */
export type Finding = 'files' | 'search' | 'differences';

/** What the right pane shows. */
export type Beside = 'target' | 'versions' | 'preview';

/** Where in the states of which volume one is: what the address of the screen says. */
export interface ScreenPlace {
  readonly volume: string | undefined;
  /** The paired server that has the volume. */
  readonly peer: string | undefined;
  readonly at: RootChoice;
  readonly path: string;
  readonly finding: Finding;
  readonly beside: Beside;
  /** The file that versions and preview are of, and the state that has it. */
  readonly item: string | undefined;
  readonly itemAt: RootChoice;
  /** The volume to restore into; undefined for the one that goes with what is shown. */
  readonly target: string | undefined;
  /** The folder there; undefined while it follows the left pane's. */
  readonly folder: string | undefined;
  readonly text: string;
  readonly isOverAll: boolean;
  /** The other state of a comparison. */
  readonly than: RootChoice | undefined;
}

/** A state in an address: no snapshot can be called `live`, `last` or `cp=…`. */
export function formatState(at: RootChoice): string {
  if (typeof at === 'string') return at;
  return 'cp' in at ? `cp=${at.cp}` : at.snapshot;
}

export function parseState(text: string | undefined): RootChoice | undefined {
  if (text === undefined || text === '' || text.length > 255) return undefined;
  if (text === 'live' || text === 'last') return text;
  const cp = /^cp=([0-9]{1,15})$/.exec(text)?.[1];
  if (cp !== undefined) return Number(cp) >= 1 ? { cp: Number(cp) } : undefined;
  return { snapshot: text };
}

export function isSameState(one: RootChoice, other: RootChoice): boolean {
  return formatState(one) === formatState(other);
}

function textOf(query: LocationQuery, key: string): string | undefined {
  const value = query[key];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined || first === null || first === '' ? undefined : first;
}

function pathOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return checkVolumePath(text);
  } catch (thrown) {
    if (isFault(thrown, 'path-escapes')) return undefined;
    throw thrown;
  }
}

function oneOf<T extends string>(text: string | undefined, known: readonly T[], otherwise: T): T {
  return known.find((one) => one === text) ?? otherwise;
}

/** The place that an address means; what is no place in it counts as left out. */
export function parsePlaceQuery(query: LocationQuery): ScreenPlace {
  const at = parseState(textOf(query, 'at')) ?? 'last';
  return {
    volume: textOf(query, 'volume'),
    peer: textOf(query, 'peer'),
    at,
    path: pathOf(textOf(query, 'path')) ?? '/',
    finding: oneOf(textOf(query, 'find'), ['files', 'search', 'differences'], 'files'),
    beside: oneOf(textOf(query, 'beside'), ['target', 'versions', 'preview'], 'target'),
    item: pathOf(textOf(query, 'item')),
    itemAt: parseState(textOf(query, 'itemAt')) ?? at,
    target: textOf(query, 'target'),
    folder: pathOf(textOf(query, 'folder')),
    text: textOf(query, 'text') ?? '',
    isOverAll: textOf(query, 'all') === 'yes',
    than: parseState(textOf(query, 'than')),
  };
}

/** The address of a place, without what is so by itself. */
export function formatPlaceQuery(place: ScreenPlace): LocationQueryRaw {
  const parts: Record<string, string | undefined> = {
    volume: place.volume,
    peer: place.peer,
    at: place.at === 'last' ? undefined : formatState(place.at),
    path: place.path === '/' ? undefined : place.path,
    find: place.finding === 'files' ? undefined : place.finding,
    beside: place.beside === 'target' ? undefined : place.beside,
    item: place.item,
    itemAt: place.item === undefined || isSameState(place.itemAt, place.at) ? undefined : formatState(place.itemAt),
    target: place.target,
    folder: place.folder,
    text: place.text === '' ? undefined : place.text,
    all: place.isOverAll ? 'yes' : undefined,
    than: place.than === undefined ? undefined : formatState(place.than),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
