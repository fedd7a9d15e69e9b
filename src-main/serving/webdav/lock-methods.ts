import { changeBlocks } from '../../files/index.ts';
import { type DavReply, emptyReply, xmlReply } from './exchange.ts';
import { lockOwnerCharactersMax, lockTimeoutSecondsMax } from './limits.ts';
import { activeLock } from './live-properties.ts';
import type { Lock, LockRequest } from './locks.ts';
import { DavRefusal } from './refusal.ts';
import { entryOf, findResource } from './resources.ts';
import { checkLocks, checkMembership, judgeChange, lockPath, refuseReadOnly, type Scene, type Submitted } from './scene.ts';
import { davChild, isDav, type XmlElement } from './xml-element.ts';
import { xmlOf } from './xml-body.ts';
import { davDocument, writeXml } from './xml-writer.ts';

/** The first of the times that a client proposes, and never more than the most there is. */
function timeoutOf(header: string | undefined): number {
  const seconds = /^\s*Second-([0-9]{1,10})\b/i.exec(header ?? '')?.[1];
  return Math.min(seconds === undefined ? lockTimeoutSecondsMax : Math.max(1, Number(seconds)), lockTimeoutSecondsMax);
}

function lockReply(scene: Scene, status: number, lock: Lock): DavReply {
  const { name, locks } = scene.share;
  const text = davDocument('prop', `<D:lockdiscovery>${activeLock(name, lock, locks)}</D:lockdiscovery>`);
  return xmlReply(status, text, { 'lock-token': `<${lock.token}>` });
}

function wantedLock(document: XmlElement): Pick<LockRequest, 'scope' | 'owner'> {
  const scope = davChild(document, 'lockscope');
  const type = davChild(document, 'locktype');
  const isShared = scope !== undefined && davChild(scope, 'shared') !== undefined;
  const isExclusive = scope !== undefined && davChild(scope, 'exclusive') !== undefined;
  const isWrite = type !== undefined && davChild(type, 'write') !== undefined;
  if (!isDav(document, 'lockinfo') || isShared === isExclusive || !isWrite) {
    throw new DavRefusal(400, 'The LOCK does not say what it asks for. Ask for an exclusive or a shared write lock in lockinfo.', { code: 'message-invalid' });
  }
  const owner = davChild(document, 'owner');
  if (owner !== undefined && writeXml(owner).length > lockOwnerCharactersMax) {
    throw new DavRefusal(413, `What a LOCK says of its owner has ${lockOwnerCharactersMax} characters at most. Say less.`);
  }
  return { scope: isShared ? 'shared' : 'exclusive', owner };
}

/** LOCK: a new lock, or without a body more time for one that there is. */
export async function answerLock(scene: Scene): Promise<DavReply> {
  const { request, share, spot } = scene;
  await refuseReadOnly(scene);
  const { depth = 'infinity' } = request.headers;
  if (!/^(0|infinity)$/i.test(depth)) throw new DavRefusal(400, 'A LOCK has Depth 0 or infinity.');
  const timeoutSeconds = timeoutOf(request.headers.timeout);
  const document = await xmlOf(request.body);
  const submitted = await judgeChange(scene);
  if (document === undefined) {
    const known = share.locks.covering(lockPath(spot)).find(({ token, user }) => submitted.tokens.has(token) && user === submitted.user);
    if (known === undefined) throw new DavRefusal(412, 'There is no such lock of this user here that could be renewed. It may have ended: lock again.');
    return lockReply(scene, 200, share.locks.renew(known, timeoutSeconds));
  }
  const wanted = wantedLock(document);
  const found = await scene.files.query((reader) => findResource(reader, spot.inner));
  const lock = share.locks.add({
    ...wanted,
    path: lockPath(spot),
    isFolder: found?.kind === 'directory',
    isDeep: depth !== '0',
    user: submitted.user,
    timeoutSeconds,
  });
  if (found !== undefined) return lockReply(scene, 200, lock);
  try {
    await makeEmpty(scene, { user: submitted.user, tokens: new Set([...submitted.tokens, lock.token]) });
  } catch (fault) {
    share.locks.remove(lock);
    throw fault;
  }
  return lockReply(scene, 201, lock);
}

/** A lock on a name that nothing has makes an empty file of it. */
async function makeEmpty(scene: Scene, submitted: Submitted): Promise<void> {
  const { spot, files } = scene;
  if (spot.isFolder) throw new DavRefusal(409, 'There is no such folder. Make it first.', { code: 'not-found' });
  checkLocks(scene, spot, submitted);
  checkMembership(scene, spot, submitted);
  const { parent, name } = await files.query((reader) => entryOf(reader, spot.inner));
  await files.change(changeBlocks.create, (live) => live.createFile(parent, name, { mode: 0o644, uid: 0, gid: 0 }));
}

/** UNLOCK: ends a lock of this user that holds for the resource. */
export async function answerUnlock(scene: Scene): Promise<DavReply> {
  const { request, share, spot } = scene;
  await refuseReadOnly(scene);
  const token = /^\s*<([^<>]+)>\s*$/.exec(request.headers['lock-token'] ?? '')?.[1];
  if (token === undefined) throw new DavRefusal(400, 'The UNLOCK does not say which lock is to end. Name its token in Lock-Token.');
  const lock = share.locks.covering(lockPath(spot)).find((known) => known.token === token);
  if (lock === undefined) {
    throw new DavRefusal(409, 'There is no such lock on this resource. It may have ended already.', { condition: '<D:lock-token-matches-request-uri/>' });
  }
  if (lock.user !== request.user) throw new DavRefusal(403, `The lock is one of ${lock.user}. Ask them to unlock it.`);
  share.locks.remove(lock);
  return emptyReply(204);
}
