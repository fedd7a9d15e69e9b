import type { Attributes, FileReader } from '../../files/index.ts';
import type { ServedFiles, ServedStates } from '../served-files.ts';
import { type Address, parseAddress, pathOfNames } from './address.ts';
import type { DavRequest } from './exchange.ts';
import { holds, parseIfHeader, submittedTokens } from './if-header.ts';
import type { ShareLocks } from './locks.ts';
import { isConditional, judgePreconditions } from './preconditions.ts';
import { DavRefusal } from './refusal.ts';
import { etagOf, findResource, isSameFile, versionOf } from './resources.ts';
import { type Staging, stagingName } from './staging.ts';

/** The folder of a share in which its snapshots are. */
export const snapshotsName = '.snapshot';

/** A place in a share: a state of the volume, and the names in it. */
export interface Spot {
  /** From the share's root, as addresses and locks have them. */
  readonly names: readonly string[];
  /** From the root of the state. */
  readonly inner: readonly string[];
  readonly state: 'current' | 'snapshots' | { readonly snapshot: string };
  readonly isFolder: boolean;
}

/** What the requests of one share work with. */
export interface SharePart {
  readonly name: string;
  readonly states: ServedStates;
  readonly locks: ShareLocks;
  readonly staging: Staging;
  /** Throws `cancelled` when the share ends. */
  readonly checkOpen: () => void;
}

/** One request on its way. `files` is the state of its spot. */
export interface Scene {
  readonly share: SharePart;
  readonly request: DavRequest;
  readonly spot: Spot;
  readonly files: ServedFiles;
}

export function spotOf({ names, isFolder }: Address): Spot {
  if (names[0] !== snapshotsName) return { names, inner: names, state: 'current', isFolder };
  const [, snapshot, ...inner] = names;
  return snapshot === undefined ? { names, inner, state: 'snapshots', isFolder } : { names, inner, state: { snapshot }, isFolder };
}

/** Whether a place is out of sight: the one where things are until they are whole. */
export function isHidden({ inner }: Spot): boolean {
  return inner[0] === stagingName;
}

export function lockPath({ names }: Pick<Spot, 'names'>): string {
  return pathOfNames(names);
}

export function currentAt(files: FileReader, { inner }: Spot): Attributes | undefined {
  return findResource(files, inner);
}

/** What whoever asks may change in spite of locks. */
export interface Submitted {
  readonly user: string;
  readonly tokens: ReadonlySet<string>;
}

/**
 * Judges the conditions of a request that changes something, and resolves to
 * what it may change in spite of locks. Throws 412.
 */
export async function judgeChange(scene: Scene): Promise<Submitted> {
  const { request, share } = scene;
  const lists = parseIfHeader(request.headers.if);
  const hasHeld = await holds(lists, async (resource) => {
    const spot = resource === undefined ? scene.spot : await otherSpot(scene, resource);
    if (spot === undefined) return { etag: undefined, tokens: new Set() };
    const found = spot.state === scene.spot.state ? await scene.files.query((files) => currentAt(files, spot)) : undefined;
    return { etag: found && etagOf(found), tokens: new Set(share.locks.covering(lockPath(spot)).map(({ token }) => token)) };
  });
  if (!hasHeld) throw unmet();
  const found = await scene.files.query((files) => currentAt(files, scene.spot));
  if (judgePreconditions(request.headers, found && versionOf(found), false) !== 'go on') throw unmet();
  return { user: request.user, tokens: submittedTokens(lists) };
}

async function otherSpot({ share }: Scene, resource: string): Promise<Spot | undefined> {
  const address = parseAddress(resource);
  return address.share === share.name ? spotOf(address) : undefined;
}

function unmet(): DavRefusal {
  return new DavRefusal(412, 'The file is not what the conditions of the request say, so nothing was changed. Look at it again.');
}

/** Makes sure, in the step that changes something, that it is still what the conditions were judged by. */
export function refuseChanged(scene: Scene, files: FileReader, judged: Attributes | undefined): void {
  if (isConditional(scene.request.headers) && !isSameFile(currentAt(files, scene.spot), judged)) throw unmet();
}

/** Throws 423 unless the locks of a resource let it be changed. */
export function checkLocks({ share }: Scene, spot: Spot, submitted: Submitted): void {
  share.locks.check(lockPath(spot), submitted);
}

/** The same for a name that comes into a folder or goes from it. */
export function checkMembership({ share }: Scene, spot: Spot, submitted: Submitted): void {
  share.locks.check(lockPath({ names: spot.names.slice(0, -1) }), submitted);
}

/** The same for all that is in a folder. */
export function checkTree(scene: Scene, spot: Spot, submitted: Submitted): void {
  checkLocks(scene, spot, submitted);
  scene.share.locks.checkBelow(lockPath(spot), submitted);
}

/** A state that is only read says so itself, before anything is done. */
export async function refuseReadOnly({ files }: Scene): Promise<void> {
  if (files.isReadOnly) await files.change(0, () => undefined);
}
