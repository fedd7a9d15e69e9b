import { MirrorpointError } from '../../base/index.ts';
import type { Attributes, DirectoryEntry, FileReader } from '../../files/index.ts';
import { firstPlace } from './directory-places.ts';
import * as replies from './kernel-reply.ts';
import * as requests from './kernel-request.ts';
import { contentBytesMax, listingStepEntries } from './limits.ts';
import { inodeOf, type MountedState } from './mounted-state.ts';

type KernelRequest = requests.KernelRequest;

/** An entry, and what it leads to where that is asked for. */
type Found = DirectoryEntry & { readonly attributes: Attributes | undefined };

export async function openDirectory(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const { files, handles } = state;
  handles.refuseTooMany();
  const ino = await files.keep((reader) => {
    const found = inodeOf(reader, request.node);
    reader.parentOf(found);
    return found;
  });
  return replies.encodeOpen(request.unique, { handle: handles.add(ino, 'directory'), content: files.isReadOnly, listing: files.isReadOnly });
}

/** Lists a directory from a place on, as far as the caller has room. */
export async function readDirectory(state: MountedState, request: KernelRequest): Promise<Uint8Array> {
  const isWithAttributes = request.opcode === requests.opcodes.readdirplus;
  const { handle, offset, sizeBytes } = requests.decodeRead(request);
  const { ino, places } = state.handles.directory(handle);
  const roomBytes = Math.min(sizeBytes, contentBytesMax);
  const reply = new replies.ListingReply({ sizeBytes: roomBytes, isWithAttributes, trustSeconds: state.trustSeconds });
  let after: string | undefined;
  if (offset > firstPlace) after = places.nameBefore(offset) ?? forgotten(offset);
  else if (!(await addDots(state, reply, { ino, from: offset }))) return reply.finish(request.unique);
  const fitting = Math.ceil(roomBytes / replies.listedBytes(1, isWithAttributes));
  const limit = Math.min(fitting, listingStepEntries);
  for (;;) {
    const page = await state.files.query((files) => entriesOf(files, { ino, after, limit, isWithAttributes }));
    for (const { name, ...entry } of page) {
      const bytes = Buffer.from(name, 'utf8');
      if (!reply.add({ ...entry, name: bytes, place: places.behind(name) })) return reply.finish(request.unique);
    }
    after = page.at(-1)?.name;
    if (page.length < limit) return reply.finish(request.unique);
  }
}

function entriesOf(files: FileReader, part: { ino: number; after: string | undefined; limit: number; isWithAttributes: boolean }): Found[] {
  const entries = files.readDirectory(part.ino, part.after, part.limit);
  return entries.map((entry) => ({ ...entry, attributes: part.isWithAttributes ? files.stat(entry.ino) : undefined }));
}

/** The directory itself and the one that it lies in, which stand before all others. */
async function addDots(state: MountedState, reply: replies.ListingReply, at: { ino: number; from: number }): Promise<boolean> {
  if (at.from >= firstPlace) return true;
  const parent = await state.files.query((files) => files.parentOf(at.ino));
  const dots = [
    { ino: at.ino, name: '.' },
    { ino: parent, name: '..' },
  ];
  return dots.every(({ ino, name }, position) => position < at.from || reply.add({ ino, kind: 'directory', name: Buffer.from(name), place: position + 1 }));
}

function forgotten(place: number): never {
  throw new MirrorpointError('argument-invalid', `A directory was to be listed from place ${place}, which is not known. List it from its start.`);
}
