import { MirrorpointError } from '../../base/index.ts';
import { changeBlocks, type FileReader, type LiveFiles } from '../../files/index.ts';
import { errno } from './errno.ts';
import * as replies from './kernel-reply.ts';
import * as requests from './kernel-request.ts';
import { contentBytesMax, replyHeadBytes } from './limits.ts';
import { checkOffset, inodeOf, type MountedState } from './mounted-state.ts';
import { dropCapability, killedMode } from './privileges.ts';

type KernelRequest = requests.KernelRequest;

/** What the kernel may keep: it looks at sizes and times again by itself where others may change the file. */
const keepsContent = { content: true, listing: false } as const;

/** Opens a file, and empties it where that is asked for. */
export async function openFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files, handles } = state;
  const { truncates, killsPrivileges } = requests.decodeOpen(request);
  handles.refuseTooMany();
  const find = (reader: FileReader): number => inodeOf(reader, request.node);
  const ino = truncates ? await files.hold(changeBlocks.truncate, (live) => emptied(live, find(live), killsPrivileges)) : await files.keep(find);
  if (truncates) await dropCapability(files, ino);
  return replies.encodeOpen(request.unique, { handle: handles.add(ino, 'file'), ...keepsContent });
}

/** Empties a file; returns its number. */
export function emptied(live: LiveFiles, ino: number, killsPrivileges: boolean): number {
  const mode = killsPrivileges ? killedMode(live.stat(ino)) : undefined;
  live.truncate(ino, 0);
  if (mode !== undefined) live.setAttributes(ino, { mode });
  return ino;
}

export async function readFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { handle, offset, sizeBytes } = requests.decodeRead(request);
  const { ino } = state.handles.get(handle);
  checkOffset(offset);
  const buffer = state.buffers.take();
  try {
    const length = Math.min(sizeBytes, contentBytesMax);
    const count = await state.files.readInto(ino, offset, buffer.subarray(replyHeadBytes, replyHeadBytes + length));
    const reply = buffer.subarray(0, replyHeadBytes + count);
    replies.fillHead(reply, request.unique);
    return reply;
  } catch (fault) {
    state.buffers.giveBack(buffer);
    throw fault;
  }
}

export async function writeFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files, blockSizeBytes } = state;
  const { handle, offset, content, killsPrivileges } = requests.decodeWrite(request);
  const { ino } = state.handles.get(handle);
  checkOffset(offset + content.length);
  if (content.length > contentBytesMax) throw tooMuch(content.length);
  const hasAttributes = await files.change(changeBlocks.write(content.length, blockSizeBytes), (live) => {
    const mode = killsPrivileges ? killedMode(live.stat(ino)) : undefined;
    live.write(ino, offset, content);
    if (mode !== undefined) live.setAttributes(ino, { mode });
    return live.hasExtendedAttributes(ino);
  });
  if (hasAttributes) await dropCapability(files, ino);
  return replies.encodeCount(request.unique, content.length);
}

function tooMuch(lengthBytes: number): MirrorpointError {
  return new MirrorpointError('message-invalid', `A write of ${lengthBytes} bytes came from the kernel, which was told to keep to ${contentBytesMax}. It was refused.`);
}

/** Copies between files without a way through the program, up to 1 MiB at a time. */
export async function copyRange(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files, handles, blockSizeBytes, buffers } = state;
  const copy = requests.decodeCopy(request);
  const from = handles.get(copy.handle).ino;
  const to = handles.get(copy.toHandle).ino;
  checkOffset(copy.offset);
  const length = Math.min(copy.lengthBytes, contentBytesMax);
  checkOffset(copy.toOffset + length);
  const buffer = buffers.take();
  try {
    const count = await files.readInto(from, copy.offset, buffer.subarray(0, length));
    await files.change(changeBlocks.write(count, blockSizeBytes), (live) => {
      live.write(to, copy.toOffset, buffer.subarray(0, count));
    });
    return replies.encodeCount(request.unique, count);
  } finally {
    buffers.giveBack(buffer);
  }
}

/** Where data or a hole begins. */
export async function seekFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { handle, offset, what } = requests.decodeLseek(request);
  const { ino } = state.handles.get(handle);
  if (what === undefined) return replies.encodeError(request.unique, errno.EINVAL);
  const found = Number.isSafeInteger(offset) ? await state.files.seek(ino, offset, what) : undefined;
  return found === undefined ? replies.encodeError(request.unique, errno.ENXIO) : replies.encodeOffset(request.unique, found);
}

/** Makes sure of a size, or holes. */
export async function allocateFile(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files } = state;
  const { offset, lengthBytes, keepsSize, what } = requests.decodeFallocate(request);
  const { ino } = state.handles.get(requests.decodeHandle(request));
  const endBytes = checkOffset(offset + lengthBytes);
  if (what === 'unknown' || (what === 'punch' && !keepsSize)) return replies.encodeError(request.unique, errno.EOPNOTSUPP);
  if (what === 'allocate') refuseMoreThanThereIs(state, lengthBytes);
  await files.change(changeBlocks.punchHole + changeBlocks.truncate, (live) => {
    if (what !== 'allocate') live.punchHole(ino, offset, lengthBytes);
    if (keepsSize) return;
    if (what === 'allocate') live.allocate(ino, { offsetBytes: offset, lengthBytes });
    else if (live.stat(ino).sizeBytes < endBytes) live.truncate(ino, endBytes);
  }, { frees: what !== 'allocate' });
  return replies.encodeDone(request.unique);
}

/** No room can be set aside, but what there is no room for is refused at once. */
function refuseMoreThanThereIs({ files, blockSizeBytes }: MountedState, lengthBytes: number): void {
  if (lengthBytes <= files.capacity().freeBlockCount * blockSizeBytes) return;
  throw new MirrorpointError('volume-full', `${files.subject} has no room for ${lengthBytes} bytes more. Delete files or snapshots, or grow the volume.`);
}

/** Everything that was answered before is durable when this is. */
export async function syncAll(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  await state.files.sync();
  return replies.encodeDone(request.unique);
}

export async function release(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  await state.files.release(state.handles.remove(requests.decodeHandle(request)));
  return replies.encodeDone(request.unique);
}
