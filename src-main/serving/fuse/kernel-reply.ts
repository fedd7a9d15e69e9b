import { setU16, setU32, setU48, setU64 } from '../../base/index.ts';
import { rootDirectoryInode, type Attributes, type FileKind } from '../../files/index.ts';
import { backgroundRequestsMax, contentBytesMax, replyHeadBytes } from './limits.ts';

/**
 * The answers to the kernel, laid out as in include/uapi/linux/fuse.h:
 *
 *     0   u32 length of the whole answer
 *     4   i32 0, or an error number below zero, and then nothing follows
 *     8   u64 unique of the request
 *     16  what was asked for
 */

const attributesBytes = 88;
const entryBytes = 40 + attributesBytes;
const openBytes = 16;
const listedHeadBytes = 24;

/** The version that is spoken; what the kernel knows beyond it is not used. */
const protocol = { major: 7, minor: 38 } as const;

const typeBits: Readonly<Record<FileKind, number>> = { file: 0o100000, directory: 0o040000, symlink: 0o120000 };

/** Content is handed out in pieces that suit it. */
const statBlockBytes = 512;

export function fillHead(reply: Uint8Array, unique: number): void {
  setU32(reply, 0, reply.length);
  setU32(reply, 4, 0);
  setU64(reply, 8, unique);
}

function newReply(unique: number, bodyBytes: number): Buffer {
  const reply = Buffer.alloc(replyHeadBytes + bodyBytes);
  fillHead(reply, unique);
  return reply;
}

export function encodeError(unique: number, errno: number): Uint8Array {
  const reply = newReply(unique, 0);
  setU32(reply, 4, -errno);
  return reply;
}

export function encodeDone(unique: number): Uint8Array {
  return newReply(unique, 0);
}

export function encodeBytes(unique: number, bytes: Uint8Array): Uint8Array {
  const reply = newReply(unique, bytes.length);
  reply.set(bytes, replyHeadBytes);
  return reply;
}

/** The answer to a write, a copy, and to the question how long something is. */
export function encodeCount(unique: number, count: number): Uint8Array {
  const reply = newReply(unique, 8);
  setU32(reply, replyHeadBytes, count);
  return reply;
}

export function encodeOffset(unique: number, offset: number): Uint8Array {
  const reply = newReply(unique, 8);
  setU64(reply, replyHeadBytes, offset);
  return reply;
}

function setTime(reply: Uint8Array, timeNs: bigint, at: { seconds: number; nanoseconds: number }): void {
  const billion = 1_000_000_000n;
  const nanoseconds = ((timeNs % billion) + billion) % billion;
  const seconds = Number((timeNs - nanoseconds) / billion);
  setU32(reply, at.seconds, seconds >>> 0);
  setU32(reply, at.seconds + 4, Math.floor(seconds / 0x1_0000_0000) >>> 0);
  setU32(reply, at.nanoseconds, Number(nanoseconds));
}

function setAttributes(reply: Uint8Array, at: number, attributes: Attributes): void {
  setU64(reply, at, attributes.ino);
  setU64(reply, at + 8, attributes.sizeBytes);
  setU64(reply, at + 16, Math.ceil(attributes.allocatedBytes / statBlockBytes));
  setTime(reply, attributes.accessedNs, { seconds: at + 24, nanoseconds: at + 48 });
  setTime(reply, attributes.modifiedNs, { seconds: at + 32, nanoseconds: at + 52 });
  setTime(reply, attributes.changedNs, { seconds: at + 40, nanoseconds: at + 56 });
  setU32(reply, at + 60, typeBits[attributes.kind] | attributes.mode);
  setU32(reply, at + 64, attributes.linkCount);
  setU32(reply, at + 68, attributes.uid);
  setU32(reply, at + 72, attributes.gid);
  setU32(reply, at + 80, 4096);
}

/** What of an inode's generation stands in its node. */
export function nodeGeneration(ino: number, generation: number): number {
  return ino === rootDirectoryInode ? 0 : generation & 0xffff;
}

function setEntry(reply: Uint8Array, at: number, entry: { attributes: Attributes; trustSeconds: number }): void {
  const { attributes, trustSeconds } = entry;
  setU48(reply, at, attributes.ino);
  setU16(reply, at + 6, nodeGeneration(attributes.ino, attributes.generation));
  setU64(reply, at + 8, attributes.generation);
  setU64(reply, at + 16, trustSeconds);
  setU64(reply, at + 24, trustSeconds);
  setAttributes(reply, at + 40, attributes);
}

export function encodeAttributes(unique: number, attributes: Attributes, trustSeconds: number): Uint8Array {
  const reply = newReply(unique, 16 + attributesBytes);
  setU64(reply, replyHeadBytes, trustSeconds);
  setAttributes(reply, replyHeadBytes + 16, attributes);
  return reply;
}

export function encodeEntry(unique: number, attributes: Attributes, trustSeconds: number): Uint8Array {
  const reply = newReply(unique, entryBytes);
  setEntry(reply, replyHeadBytes, { attributes, trustSeconds });
  return reply;
}

/** The kernel may believe that there is nothing of the name. */
export function encodeNoEntry(unique: number, trustSeconds: number): Uint8Array {
  const reply = newReply(unique, entryBytes);
  setU64(reply, replyHeadBytes + 16, trustSeconds);
  return reply;
}

/** What the kernel may keep of what it has read already. */
export interface KeptCache {
  readonly content: boolean;
  readonly listing: boolean;
}

function setOpen(reply: Uint8Array, at: number, open: { handle: number } & KeptCache): void {
  setU64(reply, at, open.handle);
  setU32(reply, at + 8, (open.content ? 2 : 0) | (open.listing ? 8 : 0));
}

export function encodeOpen(unique: number, open: { handle: number } & KeptCache): Uint8Array {
  const reply = newReply(unique, openBytes);
  setOpen(reply, replyHeadBytes, open);
  return reply;
}

export function encodeCreated(unique: number, created: { attributes: Attributes; trustSeconds: number; handle: number } & KeptCache): Uint8Array {
  const reply = newReply(unique, entryBytes + openBytes);
  setEntry(reply, replyHeadBytes, created);
  setOpen(reply, replyHeadBytes + entryBytes, created);
  return reply;
}

export function encodeStatfs(unique: number, room: { blockSizeBytes: number; blockCount: number; freeBlockCount: number; inodeCount: number }): Uint8Array {
  const reply = newReply(unique, 80);
  const at = replyHeadBytes;
  setU64(reply, at, room.blockCount);
  setU64(reply, at + 8, room.freeBlockCount);
  setU64(reply, at + 16, room.freeBlockCount);
  // Inodes are made as they are needed, of the room that there is.
  setU64(reply, at + 24, room.inodeCount + room.freeBlockCount);
  setU64(reply, at + 32, room.freeBlockCount);
  setU32(reply, at + 40, room.blockSizeBytes);
  setU32(reply, at + 44, 255);
  setU32(reply, at + 48, room.blockSizeBytes);
  return reply;
}

/** What both sides may make use of. */
const features = {
  asyncRead: 1 << 0,
  truncateAtOpen: 1 << 3,
  exportable: 1 << 4,
  bigWrites: 1 << 5,
  invalidatesByTime: 1 << 12,
  listingWithAttributes: 1 << 13,
  listingWithAttributesWhereItPays: 1 << 14,
  asyncDirect: 1 << 15,
  writeBack: 1 << 16,
  parallelDirectories: 1 << 18,
  maxPages: 1 << 22,
  keepsLinks: 1 << 23,
  killsPrivileges: 1 << 28,
} as const;

export interface Greeting {
  readonly readAheadBytes: number;
  /** The flags that the kernel knows. */
  readonly flags: number;
  /** Whether the kernel may gather writes before it hands them over. */
  readonly writeBack: boolean;
}

export function encodeInit(unique: number, greeting: Greeting): Uint8Array {
  const { writeBack, ...always } = features;
  const wanted = Object.values(always).reduce((all, flag) => all | flag, greeting.writeBack ? writeBack : 0);
  const reply = newReply(unique, 64);
  const at = replyHeadBytes;
  setU32(reply, at, protocol.major);
  setU32(reply, at + 4, protocol.minor);
  setU32(reply, at + 8, greeting.readAheadBytes);
  setU32(reply, at + 12, (wanted & greeting.flags) >>> 0);
  setU16(reply, at + 16, backgroundRequestsMax);
  setU16(reply, at + 18, (backgroundRequestsMax * 3) / 4);
  setU32(reply, at + 20, contentBytesMax);
  setU32(reply, at + 24, 1);
  setU16(reply, at + 28, contentBytesMax / 4096);
  return reply;
}

const entryTypes: Readonly<Record<FileKind, number>> = { file: 8, directory: 4, symlink: 10 };

/** An entry of a directory as it is listed. */
export interface ListedEntry {
  readonly ino: number;
  readonly kind: FileKind;
  readonly name: Uint8Array;
  /** Where a listing goes on behind it. */
  readonly place: number;
  /** Makes the kernel know the entry, as a lookup does. */
  readonly attributes?: Attributes | undefined;
}

/** Bytes of an entry in a listing. */
export function listedBytes(nameBytes: number, isWithAttributes: boolean): number {
  return (isWithAttributes ? entryBytes : 0) + Math.ceil((listedHeadBytes + nameBytes) / 8) * 8;
}

/** Fills the answer to a request for a listing, as far as there is room. */
export class ListingReply {
  readonly #reply: Buffer;
  readonly #isWithAttributes: boolean;
  readonly #trustSeconds: number;
  #end = replyHeadBytes;

  constructor(room: { sizeBytes: number; isWithAttributes: boolean; trustSeconds: number }) {
    this.#reply = Buffer.alloc(replyHeadBytes + room.sizeBytes);
    this.#isWithAttributes = room.isWithAttributes;
    this.#trustSeconds = room.trustSeconds;
  }

  /** False when there is no room for it. */
  add(entry: ListedEntry): boolean {
    const bytes = listedBytes(entry.name.length, this.#isWithAttributes);
    if (this.#end + bytes > this.#reply.length) return false;
    let at = this.#end;
    if (this.#isWithAttributes) {
      if (entry.attributes !== undefined) setEntry(this.#reply, at, { attributes: entry.attributes, trustSeconds: this.#trustSeconds });
      at += entryBytes;
    }
    setU64(this.#reply, at, entry.ino);
    setU64(this.#reply, at + 8, entry.place);
    setU32(this.#reply, at + 16, entry.name.length);
    setU32(this.#reply, at + 20, entryTypes[entry.kind]);
    this.#reply.set(entry.name, at + listedHeadBytes);
    this.#end += bytes;
    return true;
  }

  finish(unique: number): Uint8Array {
    const reply = this.#reply.subarray(0, this.#end);
    fillHead(reply, unique);
    return reply;
  }
}
