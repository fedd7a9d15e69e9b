import { openServedFiles } from '../../src-main/engine/index.ts';
import type { RootChoice } from '../../src-main/contract/index.ts';
import { FuseSession } from '../../src-main/serving/index.ts';
import { opcodes } from '../../src-main/serving/fuse/kernel-request.ts';
import { MemoryServer } from '../engine/memory-engine.ts';

export { opcodes };

/** What the kernel gets for a request. */
export interface Answer {
  /** 0, or the number of an error. */
  readonly errno: number;
  readonly body: Buffer;
}

/** A node as the kernel keeps it. */
export type NodeId = bigint;

export const rootNode: NodeId = 1n;

const headBytes = 40;

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index));
  return bytes;
}

export function u64(...values: (bigint | number)[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 8 * index));
  return bytes;
}

export function text(...names: string[]): Buffer {
  return Buffer.from(names.map((name) => `${name}\0`).join(''), 'utf8');
}

export function requestOf(opcode: number, node: NodeId, body: Buffer, unique = 2): Buffer {
  const head = Buffer.concat([u32(headBytes + body.length, opcode), u64(unique, node), u32(1000, 1000, 77, 0)]);
  return Buffer.concat([head, body]);
}

/** The attributes in an answer. */
export interface Stat {
  readonly ino: number;
  readonly sizeBytes: number;
  readonly blocks: number;
  readonly mode: number;
  readonly linkCount: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedSeconds: number;
}

export function statAt(body: Buffer, at: number): Stat {
  const big = (offset: number): number => Number(body.readBigInt64LE(at + offset));
  const [mode, linkCount, uid, gid] = [60, 64, 68, 72].map((offset) => body.readUInt32LE(at + offset)) as [number, number, number, number];
  return { ino: big(0), sizeBytes: big(8), blocks: big(16), modifiedSeconds: big(32), mode, linkCount, uid, gid };
}

export interface Listed {
  readonly name: string;
  readonly ino: number;
  readonly place: bigint;
  readonly node: NodeId;
}

/** The entries of a listing, with or without what a lookup would say. */
export function listedIn(body: Buffer, isWithAttributes: boolean): Listed[] {
  const found: Listed[] = [];
  for (let at = 0; at < body.length; ) {
    const entry = isWithAttributes ? at + 128 : at;
    const nameBytes = body.readUInt32LE(entry + 16);
    found.push({
      node: isWithAttributes ? body.readBigUInt64LE(at) : 0n,
      ino: Number(body.readBigUInt64LE(entry)),
      place: body.readBigUInt64LE(entry + 8),
      name: body.toString('utf8', entry + 24, entry + 24 + nameBytes),
    });
    at = entry + Math.ceil((24 + nameBytes) / 8) * 8;
  }
  return found;
}

/** The kernel's side of a mount, in this process: it asks as the kernel asks. */
export class KernelSide implements AsyncDisposable {
  readonly server: MemoryServer;
  readonly session: FuseSession;
  readonly faults: unknown[] = [];
  #unique = 2;

  private constructor(server: MemoryServer, session: (onFault: (thrown: unknown) => void) => FuseSession) {
    this.server = server;
    this.session = session((thrown) => this.faults.push(thrown));
  }

  /** Serves a state of the volume `work` of a server, which is made with it unless given. */
  static async open(options: { server?: MemoryServer; at?: RootChoice } = {}): Promise<KernelSide> {
    const server = options.server ?? new MemoryServer();
    if (options.server === undefined) {
      await server.start();
      await server.createVolume('work');
    }
    const files = await openServedFiles(server.engine, 'work', options.at ?? 'live');
    const side = new KernelSide(server, (onFault) => new FuseSession(files, { onFault }));
    const hello = await side.ask(opcodes.init, 0n, Buffer.concat([u32(7, 38, 131_072, 0xffff_ffff, 0), Buffer.alloc(44)]));
    if (hello.errno !== 0) throw new Error(`the greeting was refused by ${hello.errno}`);
    return side;
  }

  /** Resolves to undefined when nothing is answered. */
  async send(request: Uint8Array): Promise<Buffer | undefined> {
    let reply: Buffer | undefined;
    const answered = Promise.withResolvers<undefined>();
    const done = this.session.handle(request, (bytes) => {
      reply = Buffer.from(bytes);
      answered.resolve(undefined);
    });
    await Promise.race([answered.promise, done ?? this.#untilIdle()]);
    return reply;
  }

  async ask(opcode: number, node: NodeId, body: Buffer = Buffer.alloc(0)): Promise<Answer> {
    const unique = (this.#unique += 2);
    const reply = await this.send(requestOf(opcode, node, body, unique));
    if (reply === undefined) throw new Error(`opcode ${opcode} was not answered`);
    if (reply.readUInt32LE(0) !== reply.length || Number(reply.readBigUInt64LE(8)) !== unique) throw new Error('an answer has a wrong head');
    return { errno: Math.abs(reply.readInt32LE(4)), body: reply.subarray(16) };
  }

  async lookup(parent: NodeId, name: string): Promise<{ errno: number; node: NodeId; stat: Stat }> {
    return this.entry(await this.ask(opcodes.lookup, parent, text(name)));
  }

  entry({ errno, body }: Answer): { errno: number; node: NodeId; stat: Stat } {
    const whole = body.length >= 128 ? body : Buffer.alloc(128);
    return { errno, node: whole.readBigUInt64LE(0), stat: statAt(whole, 40) };
  }

  /** Makes a file and opens it. */
  async create(parent: NodeId, name: string, flags = 0o2, mode = 0o100644): Promise<{ errno: number; node: NodeId; handle: bigint; stat: Stat }> {
    const answer = await this.ask(opcodes.create, parent, Buffer.concat([u32(flags, mode, 0, 0), text(name)]));
    const handle = answer.errno === 0 ? answer.body.readBigUInt64LE(128) : 0n;
    return { ...this.entry(answer), handle };
  }

  async mkdir(parent: NodeId, name: string, mode = 0o755): Promise<{ errno: number; node: NodeId; stat: Stat }> {
    return this.entry(await this.ask(opcodes.mkdir, parent, Buffer.concat([u32(mode, 0), text(name)])));
  }

  async stat(node: NodeId): Promise<Stat & { errno: number }> {
    const { errno, body } = await this.ask(opcodes.getattr, node, Buffer.alloc(16));
    return { errno, ...statAt(errno === 0 ? body : Buffer.alloc(104), 16) };
  }

  write(node: NodeId, handle: bigint, offset: number, content: Buffer, flags = 0): Promise<Answer> {
    return this.ask(opcodes.write, node, Buffer.concat([u64(handle, offset), u32(content.length, flags), u64(0, 0), content]));
  }

  read(node: NodeId, handle: bigint, offset: number, sizeBytes: number): Promise<Answer> {
    return this.ask(opcodes.read, node, Buffer.concat([u64(handle, offset), u32(sizeBytes, 0), u64(0, 0)]));
  }

  async open(node: NodeId, flags = 0o2): Promise<{ errno: number; handle: bigint }> {
    const { errno, body } = await this.ask(opcodes.open, node, u32(flags, 0));
    return { errno, handle: errno === 0 ? body.readBigUInt64LE(0) : 0n };
  }

  async openDirectory(node: NodeId): Promise<bigint> {
    return (await this.ask(opcodes.opendir, node, u32(0, 0))).body.readBigUInt64LE(0);
  }

  async list(node: NodeId, handle: bigint, from: bigint | number, options: { sizeBytes?: number; plus?: boolean } = {}): Promise<Listed[]> {
    const { sizeBytes = 4096, plus = false } = options;
    const { errno, body } = await this.ask(plus ? opcodes.readdirplus : opcodes.readdir, node, Buffer.concat([u64(handle, from), u32(sizeBytes, 0), u64(0, 0)]));
    if (errno !== 0) throw new Error(`a listing was refused by ${errno}`);
    return listedIn(body, plus);
  }

  /** All of a directory, as `ls` reads it. */
  async listAll(node: NodeId, options: { sizeBytes?: number; plus?: boolean } = {}): Promise<Listed[]> {
    const handle = await this.openDirectory(node);
    const all: Listed[] = [];
    for (;;) {
      const page = await this.list(node, handle, all.at(-1)?.place ?? 0, options);
      if (page.length === 0) break;
      all.push(...page);
    }
    await this.ask(opcodes.releasedir, node, Buffer.concat([u64(handle), u32(0, 0), u64(0)]));
    return all;
  }

  release(node: NodeId, handle: bigint): Promise<Answer> {
    return this.ask(opcodes.release, node, Buffer.concat([u64(handle), u32(0, 0), u64(0)]));
  }

  async forget(node: NodeId): Promise<void> {
    await this.send(requestOf(opcodes.forget, node, u64(1)));
  }

  /** The whole server ends with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
    await this.server.stop();
  }

  async #untilIdle(): Promise<void> {
    while (this.session.running > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
