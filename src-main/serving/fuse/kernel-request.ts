import { getU16, getU32, getU48, getU64, MirrorpointError } from '../../base/index.ts';

/**
 * The requests of the Linux kernel's FUSE protocol, version 7, as
 * include/uapi/linux/fuse.h lays them out. All numbers are little-endian here.
 *
 *     0   u32 length of the whole request
 *     4   u32 opcode
 *     8   u64 unique: repeated in the answer
 *     16  u64 node: what the request is about
 *     24  u32 uid, u32 gid, u32 pid of the caller
 *     36  u16 length of extensions, u16 zero
 *     40  the body: numbers by opcode, then names that end with a zero byte, or content
 *
 * A node is 48 bits of inode number and above them 16 bits of the inode's
 * generation, so that a number which is used again is another node, and no
 * table of nodes is needed. The root is node 1, as the kernel wants it.
 */
export const opcodes = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
  copyFileRange: 47,
  syncfs: 50,
} as const;

const headBytes = 40;

/** Seconds before or after 1970 that a time may be, so that its nanoseconds fit 64 bits. */
const timeSecondsMax = 9_000_000_000;

/** Whether a request carries content, which is too much to be copied before it is worked on. */
export function isWriteRequest(request: Uint8Array): boolean {
  return request.length >= headBytes && getU32(request, 4) === opcodes.write;
}

/** A node as the kernel names it. */
export interface Node {
  readonly ino: number;
  /** The low 16 bits of the inode's generation; 0 for the root. */
  readonly generation: number;
}

function nodeAt(bytes: Uint8Array, offset: number): Node {
  return { ino: getU48(bytes, offset), generation: getU16(bytes, offset + 6) };
}

/** One request. Its accessors throw `message-invalid` where it is too short for what its opcode promises. */
export class KernelRequest {
  readonly opcode: number;
  /** What the answer is to repeat. The kernel counts it up from zero, so that it stays exact. */
  readonly unique: number;
  readonly node: Node;
  readonly uid: number;
  readonly gid: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    if (bytes.length < headBytes || getU32(bytes, 0) !== bytes.length) {
      throw new MirrorpointError('message-invalid', `A request of ${bytes.length} bytes came from the kernel that has another length by its head. It was passed over.`);
    }
    this.opcode = getU32(bytes, 4);
    this.unique = getU64(bytes, 8);
    this.node = nodeAt(bytes, 16);
    this.uid = getU32(bytes, 24);
    this.gid = getU32(bytes, 28);
    this.#bytes = bytes;
  }

  u32(offset: number): number {
    return getU32(this.#bytes, this.#at(offset, 4));
  }

  /** Values beyond 2^53 are rounded; whoever takes one as an offset checks that it is safe. */
  u64(offset: number): number {
    return getU64(this.#bytes, this.#at(offset, 8));
  }

  /**
   * A time: seconds since 1970 UTC, which may be negative, and nanoseconds elsewhere in the body.
   * One that cannot be kept becomes the last or first that can, as other file systems do it.
   */
  timeNs(secondsAt: number, nanosecondsAt: number): bigint {
    const at = this.#at(secondsAt, 8);
    const seconds = getU32(this.#bytes, at) + (getU32(this.#bytes, at + 4) | 0) * 0x1_0000_0000;
    const within = Math.max(-timeSecondsMax, Math.min(timeSecondsMax, seconds));
    return BigInt(within) * 1_000_000_000n + BigInt(this.u32(nanosecondsAt) % 1_000_000_000);
  }

  nodeAt(offset: number): Node {
    return nodeAt(this.#bytes, this.#at(offset, 8));
  }

  /** The content that follows the numbers of the body. Valid as long as the request. */
  content(offset: number, lengthBytes: number): Uint8Array {
    const at = this.#at(offset, lengthBytes);
    return this.#bytes.subarray(at, at + lengthBytes);
  }

  /** The bytes before the next zero byte, and the offset behind it. */
  text(offset: number): { bytes: Uint8Array; endsAt: number } {
    const at = this.#at(offset, 1);
    const end = this.#bytes.indexOf(0, at);
    if (end < 0) throw tooShort(this.opcode);
    return { bytes: this.#bytes.subarray(at, end), endsAt: end + 1 - headBytes };
  }

  /** The caller's place in the bytes; the body has them. */
  #at(offset: number, lengthBytes: number): number {
    const at = headBytes + offset;
    if (at + lengthBytes > this.#bytes.length) throw tooShort(this.opcode);
    return at;
  }
}

function tooShort(opcode: number): MirrorpointError {
  return new MirrorpointError('message-invalid', `A request with opcode ${opcode} came from the kernel that ends too early. It was refused.`);
}

/** The flags of a `setattr` that say which of its fields count. */
const attributeFlags = { mode: 1, uid: 2, gid: 4, size: 8, accessed: 16, modified: 32, killPrivileges: 1 << 11 } as const;

export interface AttributeRequest {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly sizeBytes: number | undefined;
  readonly accessedNs: bigint | undefined;
  readonly modifiedNs: bigint | undefined;
  /** The caller may not keep the bits that lend an owner's rights. */
  readonly killsPrivileges: boolean;
}

export function decodeSetattr(request: KernelRequest): AttributeRequest {
  const valid = request.u32(0);
  const has = (flag: number): boolean => (valid & flag) !== 0;
  return {
    mode: has(attributeFlags.mode) ? request.u32(68) : undefined,
    uid: has(attributeFlags.uid) ? request.u32(76) : undefined,
    gid: has(attributeFlags.gid) ? request.u32(80) : undefined,
    sizeBytes: has(attributeFlags.size) ? request.u64(16) : undefined,
    accessedNs: has(attributeFlags.accessed) ? request.timeNs(32, 56) : undefined,
    modifiedNs: has(attributeFlags.modified) ? request.timeNs(40, 60) : undefined,
    killsPrivileges: has(attributeFlags.killPrivileges),
  };
}

/** Flags of an open file: `O_EXCL` and `O_TRUNC`. */
const exclusiveFlag = 0o200;
const truncateFlag = 0o1000;

export interface OpenRequest {
  readonly truncates: boolean;
  readonly killsPrivileges: boolean;
}

export function decodeOpen(request: KernelRequest): OpenRequest {
  return { truncates: (request.u32(0) & truncateFlag) !== 0, killsPrivileges: (request.u32(4) & 1) !== 0 };
}

export interface NamedRequest {
  /** Type and permission bits; 0 where a name alone is asked about. */
  readonly mode: number;
  readonly name: Uint8Array;
}

/** Lookups and removals: a name alone. */
export function decodeName(request: KernelRequest): Uint8Array {
  return request.text(0).bytes;
}

export function decodeMknod(request: KernelRequest): NamedRequest {
  return { mode: request.u32(0), name: request.text(16).bytes };
}

export function decodeMkdir(request: KernelRequest): NamedRequest {
  return { mode: request.u32(0), name: request.text(8).bytes };
}

/** A file that is made if it is not there, and opened. */
export function decodeCreate(request: KernelRequest): NamedRequest & OpenRequest & { isExclusive: boolean } {
  const flags = request.u32(0);
  return {
    mode: request.u32(4),
    name: request.text(16).bytes,
    isExclusive: (flags & exclusiveFlag) !== 0,
    truncates: (flags & truncateFlag) !== 0,
    killsPrivileges: (request.u32(12) & 1) !== 0,
  };
}

export function decodeSymlink(request: KernelRequest): { name: Uint8Array; target: Uint8Array } {
  const name = request.text(0);
  return { name: name.bytes, target: request.text(name.endsAt).bytes };
}

export function decodeLink(request: KernelRequest): { node: Node; name: Uint8Array } {
  return { node: request.nodeAt(0), name: request.text(8).bytes };
}

export interface RenameRequest {
  readonly name: Uint8Array;
  readonly toParent: Node;
  readonly toName: Uint8Array;
  readonly noReplace: boolean;
  readonly exchange: boolean;
  /** Flags that no version of the volume knows. */
  readonly isUnknown: boolean;
}

export function decodeRename(request: KernelRequest): RenameRequest {
  const isSecond = request.opcode === opcodes.rename2;
  const flags = isSecond ? request.u32(8) : 0;
  const name = request.text(isSecond ? 16 : 8);
  const toName = request.text(name.endsAt);
  return {
    name: name.bytes,
    toParent: request.nodeAt(0),
    toName: toName.bytes,
    noReplace: (flags & 1) !== 0,
    exchange: (flags & 2) !== 0,
    isUnknown: (flags & ~3) !== 0,
  };
}

/** Reads and listings. */
export function decodeRead(request: KernelRequest): { handle: number; offset: number; sizeBytes: number } {
  return { handle: request.u64(0), offset: request.u64(8), sizeBytes: request.u32(16) };
}

export interface WriteRequest {
  readonly handle: number;
  readonly offset: number;
  readonly content: Uint8Array;
  readonly killsPrivileges: boolean;
}

export function decodeWrite(request: KernelRequest): WriteRequest {
  return {
    handle: request.u64(0),
    offset: request.u64(8),
    content: request.content(40, request.u32(16)),
    killsPrivileges: (request.u32(20) & 4) !== 0,
  };
}

/** Of a request that begins with a handle. */
export function decodeHandle(request: KernelRequest): number {
  return request.u64(0);
}

export function decodeSetxattr(request: KernelRequest): { name: Uint8Array; value: Uint8Array; flags: number } {
  const name = request.text(8);
  return { name: name.bytes, value: request.content(name.endsAt, request.u32(0)), flags: request.u32(4) };
}

/** `sizeBytes` is the caller's room; 0 asks how much is needed. */
export function decodeGetxattr(request: KernelRequest): { name: Uint8Array; sizeBytes: number } {
  return { name: request.text(8).bytes, sizeBytes: request.u32(0) };
}

export interface FallocateRequest {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly keepsSize: boolean;
  readonly what: 'allocate' | 'punch' | 'zero' | 'unknown';
}

export function decodeFallocate(request: KernelRequest): FallocateRequest {
  const mode = request.u32(24);
  const what = ({ 0: 'allocate', 2: 'punch', 16: 'zero' } as const)[mode & ~1];
  return { offset: request.u64(8), lengthBytes: request.u64(16), keepsSize: (mode & 1) !== 0, what: what ?? 'unknown' };
}

export function decodeLseek(request: KernelRequest): { handle: number; offset: number; what: 'data' | 'hole' | undefined } {
  const whence = request.u32(16);
  return { handle: request.u64(0), offset: request.u64(8), what: whence === 3 ? 'data' : whence === 4 ? 'hole' : undefined };
}

export interface CopyRequest {
  readonly handle: number;
  readonly offset: number;
  readonly toHandle: number;
  readonly toOffset: number;
  readonly lengthBytes: number;
}

export function decodeCopy(request: KernelRequest): CopyRequest {
  return { handle: request.u64(0), offset: request.u64(8), toHandle: request.u64(24), toOffset: request.u64(32), lengthBytes: request.u64(40) };
}

/** Nodes that the kernel knows no more. */
export function decodeForgets(request: KernelRequest): Node[] {
  if (request.opcode === opcodes.forget) return [request.node];
  const count = request.u32(0);
  request.content(8, 16 * count);
  return Array.from({ length: count }, (_, position) => request.nodeAt(8 + 16 * position));
}

/** What the kernel offers. */
export function decodeInit(request: KernelRequest): { major: number; minor: number; readAheadBytes: number; flags: number } {
  return { major: request.u32(0), minor: request.u32(4), readAheadBytes: request.u32(8), flags: request.u32(12) };
}
