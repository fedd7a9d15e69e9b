import { isFault } from '../../base/index.ts';
import { type Attributes, changeBlocks, type LiveFiles, rootDirectoryInode } from '../../files/index.ts';
import { parseDestination } from './address.ts';
import { type DavReply, emptyReply } from './exchange.ts';
import { DavRefusal } from './refusal.ts';
import { type Entry, entryOf, existingResource, findEntry, notHere } from './resources.ts';
import {
  checkMembership,
  checkTree,
  currentAt,
  isHidden,
  judgeChange,
  lockPath,
  refuseChanged,
  refuseReadOnly,
  type Scene,
  type Spot,
  spotOf,
  type Submitted,
} from './scene.ts';
import { stagingName } from './staging.ts';
import { TreeCopy } from './tree-copy.ts';

interface Target {
  readonly spot: Spot;
  readonly entry: Entry;
  readonly found: Attributes | undefined;
}

/** Where to, and what is there. Throws what stands against it. */
async function targetOf(scene: Scene): Promise<Target> {
  const { request, share, spot } = scene;
  const address = parseDestination(request.headers.destination, request.headers.host);
  if (address.share !== share.name) {
    throw new DavRefusal(502, `The Destination is outside of the share ${share.name}. Copy it by way of the client, and remove it here then.`);
  }
  const to = spotOf(address);
  if (isHidden(to)) throw new DavRefusal(403, `${stagingName} is the server's own. Choose another name.`);
  if (to.state !== 'current') throw new DavRefusal(403, 'Snapshots are only read. Choose a Destination outside of .snapshot.', { code: 'volume-read-only' });
  const [from, onto] = [lockPath(spot), lockPath(to)];
  if (from === onto || onto.startsWith(`${from}/`) || from.startsWith(onto === '/' ? '/' : `${onto}/`)) {
    throw new DavRefusal(403, 'A resource is neither copied nor moved onto itself, into itself, nor over a folder that it is in. Choose another Destination.');
  }
  await using live = await share.states.openCurrent();
  const entry = await live.query((files) => entryOf(files, to.inner));
  return { spot: to, entry, found: await live.query((files) => findEntry(files, entry)) };
}

function mayOverwrite({ request }: Scene): boolean {
  const { overwrite = 'T' } = request.headers;
  if (!/^[TF]$/i.test(overwrite)) throw new DavRefusal(400, 'Overwrite is T or F.');
  return overwrite.toUpperCase() === 'T';
}

function refuseOverwrite(): DavRefusal {
  return new DavRefusal(412, 'Something is at the Destination already, and the request says that it is to stay. Choose another, or send Overwrite: T.', { code: 'exists' });
}

/**
 * Puts what has one name under the name of the target, in one step, whatever is
 * there: a file gives way, and a folder goes out of sight.
 */
async function place(scene: Scene, from: Entry, target: Target, before: (live: LiveFiles) => void): Promise<void> {
  const { share } = scene;
  const { entry } = target;
  await using files = await share.states.openCurrent();
  const moved = await files.query((reader) => findEntry(reader, from));
  if (moved !== undefined && moved.ino === target.found?.ino) {
    // Two names of one file: a rename would leave both.
    await files.change(changeBlocks.remove, (live) => {
      before(live);
      live.unlink(from.parent, from.name);
    }, { frees: true });
    return;
  }
  const hasFolder = moved?.kind === 'directory' || target.found?.kind === 'directory';
  if (target.found === undefined || !hasFolder) {
    await files.change(changeBlocks.rename, (live) => {
      before(live);
      live.rename(from, entry, { noReplace: target.found === undefined });
    });
    return;
  }
  await share.staging.beside(files, (aside) =>
    files.change(changeBlocks.displace, (live) => {
      before(live);
      live.displace(from, entry, aside);
    }),
  );
  share.staging.sweep();
}

function checkTarget(scene: Scene, { spot, found }: Target, submitted: Submitted): void {
  checkTree(scene, spot, submitted);
  if (found === undefined) checkMembership(scene, spot, submitted);
}

/** A name that was taken, or changed its kind, since it was looked at. */
function meanwhile(fault: unknown): unknown {
  if (isFault(fault, 'exists')) return refuseOverwrite();
  return fault;
}

/** MOVE: one rename, of a file or of a folder with all that is in it. */
export async function answerMove(scene: Scene): Promise<DavReply> {
  const { request, share, spot, files } = scene;
  await refuseReadOnly(scene);
  const { depth } = request.headers;
  if (depth !== undefined && depth.toLowerCase() !== 'infinity') throw new DavRefusal(400, 'A MOVE takes all that is in a folder. Leave the Depth out.');
  const submitted = await judgeChange(scene);
  const source = await files.query((reader) => entryOf(reader, spot.inner));
  const found = await files.query((reader) => findEntry(reader, source));
  if (found === undefined) notHere(spot.names);
  const judged = await files.query((reader) => currentAt(reader, spot));
  const target = await targetOf(scene);
  if (target.found !== undefined && !mayOverwrite(scene)) throw refuseOverwrite();
  const check = (live: LiveFiles): void => {
    checkTree(scene, spot, submitted);
    checkMembership(scene, spot, submitted);
    checkTarget(scene, target, submitted);
    refuseChanged(scene, live, judged);
  };
  try {
    await place(scene, source, target, check);
  } catch (fault) {
    throw meanwhile(fault);
  }
  share.locks.forget(lockPath(spot));
  if (target.found !== undefined) share.locks.forgetBelow(lockPath(target.spot));
  return emptyReply(target.found === undefined ? 201 : 204);
}

/** COPY: what is copied comes into being out of sight, and takes its place when it is whole, by one rename. */
export async function answerCopy(scene: Scene): Promise<DavReply> {
  const { request, share, spot, files } = scene;
  const { depth = 'infinity' } = request.headers;
  if (!/^(0|infinity)$/i.test(depth)) throw new DavRefusal(400, 'A COPY has Depth 0 or infinity.');
  if (isHidden(spot) || spot.state === 'snapshots') notHere(spot.names);
  const submitted = await judgeChange(scene);
  const source = await files.query((reader) => existingResource(reader, spot.inner));
  const target = await targetOf(scene);
  if (target.found !== undefined && !mayOverwrite(scene)) throw refuseOverwrite();
  checkTarget(scene, target, submitted);
  await using to = await share.states.openCurrent();
  await refuseReadOnly({ ...scene, files: to });
  await share.staging.beside(to, async (temporary) => {
    try {
      const copy = new TreeCopy({ from: files, to, checkOpen: share.checkOpen, isHidden: (parent, name) => parent === rootDirectoryInode && name === stagingName });
      await copy.run(source.ino, temporary, { isDeep: depth !== '0' });
      await place(scene, temporary, target, () => {
        checkTarget(scene, target, submitted);
      });
    } catch (fault) {
      share.staging.sweep();
      throw meanwhile(fault);
    }
  });
  if (target.found !== undefined) share.locks.forgetBelow(lockPath(target.spot));
  return emptyReply(target.found === undefined ? 201 : 204);
}
