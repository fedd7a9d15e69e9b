import { MirrorpointError } from '../../base/index.ts';
import { type AttributeChanges, type Attributes, changeBlocks, type LiveFiles } from '../../files/index.ts';
import { errno } from './errno.ts';
import * as replies from './kernel-reply.ts';
import * as requests from './kernel-request.ts';
import { checkOffset, inodeOf, type MountedState, textOf } from './mounted-state.ts';
import { dropCapability, killedMode } from './privileges.ts';

type KernelRequest = requests.KernelRequest;

export async function getAttributes(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const attributes = await state.files.query((files) => files.stat(inodeOf(files, request.node)));
  return replies.encodeAttributes(request.unique, attributes, state.trustSeconds);
}

/** Sets a size, owners, mode and times, all in one step. */
export async function setAttributes(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files } = state;
  const asked = requests.decodeSetattr(request);
  const { sizeBytes } = asked;
  if (sizeBytes !== undefined) checkOffset(sizeBytes);
  const attributes = await files.change(changeBlocks.truncate, (live) => {
    const ino = inodeOf(live, request.node);
    const changes = changesOf(asked, live.stat(ino));
    if (sizeBytes !== undefined) live.truncate(ino, sizeBytes);
    if (changes !== undefined) live.setAttributes(ino, changes);
    return live.stat(ino);
  }, { frees: sizeBytes !== undefined });
  const isOthers = sizeBytes !== undefined || asked.uid !== undefined || asked.gid !== undefined;
  if (isOthers && attributes.kind === 'file') await dropCapability(files, attributes.ino);
  return replies.encodeAttributes(request.unique, attributes, state.trustSeconds);
}

function changesOf(asked: requests.AttributeRequest, now: Attributes): AttributeChanges | undefined {
  const { uid, gid, accessedNs, modifiedNs, sizeBytes, killsPrivileges } = asked;
  const isOwned = uid !== undefined || gid !== undefined;
  const killed = isOwned || (sizeBytes !== undefined && killsPrivileges) ? killedMode(now) : undefined;
  const mode = asked.mode === undefined ? killed : asked.mode & 0o7777;
  const isAnything = isOwned || mode !== undefined || accessedNs !== undefined || modifiedNs !== undefined;
  // A change of nothing still is a change of the status, unless the size says so already.
  if (!isAnything && sizeBytes !== undefined) return undefined;
  return {
    ...(mode !== undefined && { mode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(accessedNs !== undefined && { accessedNs }),
    ...(modifiedNs !== undefined && { modifiedNs }),
  };
}

export async function readLink(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const target = await state.files.query((files) => files.readLink(inodeOf(files, request.node)));
  return replies.encodeBytes(request.unique, Buffer.from(target, 'utf8'));
}

export function statFileSystem(state: MountedState, request: KernelRequest): Uint8Array {
  return replies.encodeStatfs(request.unique, state.files.capacity());
}

/** Access lists would have to be enforced by the kernel, and it is not told of them; so none can be set. */
const accessLists = 'system.posix_acl_';

function attributeName(bytes: Uint8Array): string {
  const name = textOf(bytes);
  if (!name.startsWith(accessLists)) return name;
  throw new MirrorpointError('unsupported', 'Access control lists are not kept here. Use the permission bits of owner, group and others.');
}

/** A value as far as the caller has room, or how much room it takes. */
function sized(request: KernelRequest, value: Uint8Array, roomBytes: number): Uint8Array {
  if (roomBytes === 0) return replies.encodeCount(request.unique, value.length);
  if (value.length > roomBytes) return replies.encodeError(request.unique, errno.ERANGE);
  return replies.encodeBytes(request.unique, value);
}

export async function getExtended(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { name: bytes, sizeBytes } = requests.decodeGetxattr(request);
  const name = attributeName(bytes);
  const value = await state.files.query((files) => {
    const ino = inodeOf(files, request.node);
    return files.hasExtendedAttributes(ino) ? files.getExtendedAttribute(ino, name) : undefined;
  });
  return value === undefined ? replies.encodeError(request.unique, errno.ENODATA) : sized(request, value, sizeBytes);
}

export async function listExtended(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const names = await state.files.query((files) => files.listExtendedAttributes(inodeOf(files, request.node)));
  return sized(request, Buffer.from(names.map((name) => `${name}\0`).join(''), 'utf8'), request.u32(0));
}

const onlyIf = { 0: undefined, 1: 'create', 2: 'replace' } as const;

async function changeExtended(state: MountedState, request: KernelRequest, change: (files: LiveFiles, ino: number) => void): Promise<Uint8Array> {
  await state.files.change(changeBlocks.extendedAttribute(state.blockSizeBytes), (files) => {
    change(files, inodeOf(files, request.node));
  });
  return replies.encodeDone(request.unique);
}

export function setExtended(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { name: bytes, value, flags } = requests.decodeSetxattr(request);
  const name = attributeName(bytes);
  const only = onlyIf[flags as keyof typeof onlyIf];
  return changeExtended(state, request, (files, ino) => {
    files.setExtendedAttribute(ino, name, value, only);
  });
}

export function removeExtended(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const name = attributeName(requests.decodeName(request));
  return changeExtended(state, request, (files, ino) => {
    files.removeExtendedAttribute(ino, name);
  });
}
