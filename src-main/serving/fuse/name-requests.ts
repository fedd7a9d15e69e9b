import { MirrorpointError } from '../../base/index.ts';
import { type Attributes, changeBlocks, type FileReader, type LiveFiles, nameBytesMax } from '../../files/index.ts';
import { emptied } from './content-requests.ts';
import * as replies from './kernel-reply.ts';
import * as requests from './kernel-request.ts';
import { keptRemovedMax } from './limits.ts';
import { inodeOf, type MountedState, nameOf, textOf } from './mounted-state.ts';
import { inherited } from './privileges.ts';

type KernelRequest = requests.KernelRequest;

const typeMask = 0o170000;
const fileType = 0o100000;

/** What a name leads to; `.` and `..` are asked for where the mount is exported further. */
export async function lookup(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const bytes = requests.decodeName(request);
  if (bytes.length > nameBytesMax) nameOf(bytes);
  const attributes = await state.files.query((files) => {
    const parent = inodeOf(files, request.node);
    const ino = isDots(bytes) ? dotsFrom(files, parent, bytes) : files.findBytes(parent, bytes)?.ino;
    return ino === undefined ? undefined : files.stat(ino);
  });
  return attributes === undefined
    ? replies.encodeNoEntry(request.unique, state.trustSeconds)
    : replies.encodeEntry(request.unique, attributes, state.trustSeconds);
}

const dot = 0x2e;

function isDots(name: Uint8Array): boolean {
  return name[0] === dot && (name.length === 1 || (name.length === 2 && name[1] === dot));
}

function dotsFrom(files: FileReader, ino: number, name: Uint8Array): number {
  return name.length === 1 ? ino : files.parentOf(ino);
}

/** Makes an entry by `make`, and answers with what it is. */
async function made(
  state: MountedState,
  request: KernelRequest,
  how: { costBlocks: number; make: (files: LiveFiles, parent: number) => number },
): Promise<Uint8Array> {
  const attributes = await state.files.change(how.costBlocks, (files) => files.stat(how.make(files, inodeOf(files, request.node))));
  return replies.encodeEntry(request.unique, attributes, state.trustSeconds);
}

function ownedBy(request: KernelRequest, mode: number): { mode: number; uid: number; gid: number } {
  return { mode: mode & 0o7777, uid: request.uid, gid: request.gid };
}

export function makeNode(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { mode, name } = requests.decodeMknod(request);
  if ((mode & typeMask) !== fileType && (mode & typeMask) !== 0) {
    throw new MirrorpointError('not-permitted', `${state.files.subject} keeps files, directories and symbolic links, and no devices, pipes or sockets. Put those elsewhere.`);
  }
  const text = nameOf(name);
  const make = (files: LiveFiles, parent: number): number => files.createFile(parent, text, inherited(files.stat(parent), ownedBy(request, mode), 'file'));
  return made(state, request, { costBlocks: changeBlocks.create, make });
}

export function makeDirectory(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { mode, name } = requests.decodeMkdir(request);
  const text = nameOf(name);
  const make = (files: LiveFiles, parent: number): number => files.makeDirectory(parent, text, inherited(files.stat(parent), ownedBy(request, mode), 'directory'));
  return made(state, request, { costBlocks: changeBlocks.create, make });
}

export function makeSymlink(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { name, target } = requests.decodeSymlink(request);
  const text = nameOf(name);
  const leadsTo = textOf(target);
  const make = (files: LiveFiles, parent: number): number => files.symlink(parent, text, leadsTo, inherited(files.stat(parent), ownedBy(request, 0o777), 'symlink'));
  return made(state, request, { costBlocks: changeBlocks.symlink, make });
}

export function makeLink(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { node, name } = requests.decodeLink(request);
  const text = nameOf(name);
  const make = (files: LiveFiles, parent: number): number => {
    const ino = inodeOf(files, node);
    files.link(ino, parent, text);
    return ino;
  };
  return made(state, request, { costBlocks: changeBlocks.create, make });
}

/** Makes a file and opens it, in one step; opens the one that another has made meanwhile. */
export async function createFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files, handles, trustSeconds } = state;
  const { mode, name, isExclusive, truncates, killsPrivileges } = requests.decodeCreate(request);
  const text = nameOf(name);
  handles.refuseTooMany();
  let attributes: Attributes | undefined;
  const ino = await files.hold(changeBlocks.create + changeBlocks.truncate, (live) => {
    const parent = inodeOf(live, request.node);
    const there = isExclusive ? undefined : live.findBytes(parent, name);
    if (there !== undefined && there.kind !== 'file') throw taken(text);
    const opened = there === undefined ? live.createFile(parent, text, inherited(live.stat(parent), ownedBy(request, mode), 'file')) : there.ino;
    if (there !== undefined && truncates) emptied(live, opened, killsPrivileges);
    attributes = live.stat(opened);
    return opened;
  });
  const handle = handles.add(ino, 'file');
  return replies.encodeCreated(request.unique, { attributes: attributes!, trustSeconds, handle, content: true, listing: false });
}

function taken(name: string): MirrorpointError {
  return new MirrorpointError('exists', `There is a ${JSON.stringify(name)} already, which is no file. Choose another name.`);
}

export async function unlink(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const name = nameOf(requests.decodeName(request));
  await state.files.change(changeBlocks.remove, (files) => {
    files.unlink(inodeOf(files, request.node), name);
  }, { frees: true });
  return replies.encodeDone(request.unique);
}

/**
 * Removes a directory. Programs may be in it, so it stays readable, and empty,
 * until the kernel has forgotten it. Files need no such care: who can still do
 * something with one that has lost its name has it open.
 */
export async function removeDirectory(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const bytes = requests.decodeName(request);
  const name = nameOf(bytes);
  await removing(state, changeBlocks.remove, {
    find: (files) => files.findBytes(inodeOf(files, request.node), bytes),
    remove: (files) => {
      files.removeDirectory(inodeOf(files, request.node), name);
    },
  });
  return replies.encodeDone(request.unique);
}

export async function rename(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { name, toParent, toName, noReplace, exchange, isUnknown } = requests.decodeRename(request);
  if (isUnknown || (noReplace && exchange)) {
    throw new MirrorpointError('argument-invalid', 'A file can be renamed over another, or not over it, or exchanged with it, and in no other way. Leave the other flags out.');
  }
  const [from, to] = [nameOf(name), nameOf(toName)];
  await removing(state, changeBlocks.rename, {
    find: (files) => (exchange ? undefined : files.findBytes(inodeOf(files, toParent), toName)),
    remove: (files) => {
      files.rename({ parent: inodeOf(files, request.node), name: from }, { parent: inodeOf(files, toParent), name: to }, { noReplace, exchange });
    },
  });
  return replies.encodeDone(request.unique);
}

/** A change that may take the only name of a directory away, which is kept then until it is forgotten. */
async function removing(
  { files, keptRemoved }: MountedState,
  costBlocks: number,
  how: { find: (files: FileReader) => { ino: number; kind: string } | undefined; remove: (files: LiveFiles) => void },
): Promise<void> {
  const mayKeep = keptRemoved.size < keptRemovedMax;
  const kept = await files.holdThrough(costBlocks, (live) => {
    const found = mayKeep ? how.find(live) : undefined;
    return found?.kind === 'directory' ? found.ino : undefined;
  }, how.remove);
  if (kept === undefined) return;
  const isRemoved = await files.query((reader) => reader.stat(kept).linkCount === 0);
  if (isRemoved && !keptRemoved.has(kept)) keptRemoved.add(kept);
  else await files.release(kept);
}

/** The kernel knows these nodes no more. */
export async function forget({ files, keptRemoved }: MountedState, request: KernelRequest): Promise<void> {
  for (const { ino } of requests.decodeForgets(request)) {
    if (keptRemoved.delete(ino)) await files.release(ino);
  }
}
