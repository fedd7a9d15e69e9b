import { isFault } from '../../base/index.ts';
import { changeBlocks } from '../../files/index.ts';
import { type DavReply, emptyReply } from './exchange.ts';
import { DavRefusal } from './refusal.ts';
import { entryOf, findEntry, notHere } from './resources.ts';
import { checkLocks, checkMembership, checkTree, judgeChange, lockPath, refuseChanged, refuseReadOnly, currentAt, type Scene } from './scene.ts';

/** MKCOL: makes an empty folder. */
export async function answerMkcol(scene: Scene): Promise<DavReply> {
  const { request, spot, files } = scene;
  await refuseReadOnly(scene);
  for await (const part of request.body) {
    if (part.length > 0) throw new DavRefusal(415, 'A new folder has no content that a request could bring. Send MKCOL without a body.');
  }
  const submitted = await judgeChange(scene);
  checkLocks(scene, spot, submitted);
  checkMembership(scene, spot, submitted);
  if (spot.inner.length === 0) throw new DavRefusal(405, 'The root of the share is there already.', { code: 'exists' });
  const entry = await files.query((reader) => entryOf(reader, spot.inner));
  await files.change(changeBlocks.create, (live) => live.makeDirectory(entry.parent, entry.name, { mode: 0o755, uid: 0, gid: 0 }));
  return emptyReply(201);
}

/** DELETE: a file goes at once; a folder goes out of sight with all that is in it, in one step, and is taken apart there. */
export async function answerDelete(scene: Scene): Promise<DavReply> {
  const { request, share, spot, files } = scene;
  await refuseReadOnly(scene);
  const { depth } = request.headers;
  if (depth !== undefined && depth.toLowerCase() !== 'infinity') throw new DavRefusal(400, `A DELETE takes all that is in a folder, and not Depth ${JSON.stringify(depth.slice(0, 20))}. Leave the header out.`);
  const submitted = await judgeChange(scene);
  const entry = await files.query((reader) => entryOf(reader, spot.inner));
  const found = await files.query((reader) => findEntry(reader, entry));
  if (found === undefined) return notHere(spot.names);
  const judged = await files.query((reader) => currentAt(reader, spot));
  const check = (): void => {
    checkTree(scene, spot, submitted);
    checkMembership(scene, spot, submitted);
  };
  check();
  if (found.kind === 'directory') {
    await share.staging.beside(files, (aside) =>
      files.change(changeBlocks.rename, (live) => {
        check();
        refuseChanged(scene, live, judged);
        live.rename(entry, aside, { noReplace: true });
      }, { frees: true }),
    );
    share.staging.sweep();
  } else {
    await files.change(changeBlocks.remove, (live) => {
      check();
      refuseChanged(scene, live, judged);
      live.unlink(entry.parent, entry.name);
    }, { frees: true }).catch((fault: unknown) => {
      throw isFault(fault, 'is-a-directory') ? new DavRefusal(409, 'It was replaced by a folder meanwhile. Look at it again.') : fault;
    });
  }
  share.locks.forget(lockPath(spot));
  return emptyReply(204);
}
