/**
 * A plain pass-through FUSE file system, for comparison: what is asked of the
 * mount is done in a folder, by synchronous calls, one request after another.
 * `node test/bench/pass-through.ts FOLDER MOUNTPOINT`, until it is unmounted.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

const bodyAt = 40;
const pieceBytes = 1 << 20;

const [folder = '', mountPoint = ''] = process.argv.slice(2);
const device = fs.openSync('/dev/fuse', 'r+');
const paths = new Map<number, string>([[1, folder]]);
const nodes = new Map<string, number>([[folder, 1]]);
const readBuffer = Buffer.alloc(16 + pieceBytes);

class Refusal extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super(`refused by ${errno}`);
    this.errno = errno;
  }
}

function pathOf(node: number): string {
  const path = paths.get(node);
  if (path === undefined) throw new Refusal(116);
  return path;
}

function nodeOf(path: string): number {
  const known = nodes.get(path);
  if (known !== undefined) return known;
  const node = paths.size + 1;
  paths.set(node, path);
  nodes.set(path, node);
  return node;
}

function setAttributes(reply: Buffer, at: number, stat: fs.Stats): void {
  const times = [stat.atimeMs, stat.mtimeMs, stat.ctimeMs];
  reply.writeBigUInt64LE(BigInt(stat.ino), at);
  reply.writeBigUInt64LE(BigInt(stat.size), at + 8);
  reply.writeBigUInt64LE(BigInt(stat.blocks), at + 16);
  times.forEach((ms, index) => {
    reply.writeBigUInt64LE(BigInt(Math.floor(ms / 1000)), at + 24 + 8 * index);
    reply.writeUInt32LE(Math.floor((ms % 1000) * 1e6), at + 48 + 4 * index);
  });
  [stat.mode, stat.nlink, stat.uid, stat.gid, 0, 4096].forEach((value, index) => reply.writeUInt32LE(value, at + 60 + 4 * index));
}

function entry(path: string): Buffer {
  const body = Buffer.alloc(128);
  body.writeBigUInt64LE(BigInt(nodeOf(path)), 0);
  body.writeBigUInt64LE(1n, 16);
  body.writeBigUInt64LE(1n, 24);
  setAttributes(body, 40, fs.lstatSync(path));
  return body;
}

function attributes(path: string): Buffer {
  const body = Buffer.alloc(104);
  body.writeBigUInt64LE(1n, 0);
  setAttributes(body, 16, fs.lstatSync(path));
  return body;
}

function opened(descriptor: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(descriptor, 0);
  body.writeUInt32LE(2, 8);
  return body;
}

function greeting(request: Buffer): Buffer {
  const body = Buffer.alloc(64);
  const flags = (1 | 8 | 32 | (1 << 22) | (1 << 28)) & request.readUInt32LE(bodyAt + 12);
  [7, 31, request.readUInt32LE(bodyAt + 8), flags].forEach((value, index) => body.writeUInt32LE(value, 4 * index));
  body.writeUInt16LE(64, 16);
  body.writeUInt16LE(48, 18);
  body.writeUInt32LE(pieceBytes, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(pieceBytes / 4096, 28);
  return body;
}

function nameAt(request: Buffer, offset: number): string {
  return request.toString('utf8', bodyAt + offset, request.indexOf(0, bodyAt + offset));
}

function number64(request: Buffer, offset: number): number {
  return Number(request.readBigUInt64LE(bodyAt + offset));
}

function write(request: Buffer): Buffer {
  const size = request.readUInt32LE(bodyAt + 16);
  const body = Buffer.alloc(8);
  body.writeUInt32LE(fs.writeSync(number64(request, 0), request, bodyAt + 40, size, number64(request, 8)));
  return body;
}

function resize(request: Buffer, path: string): Buffer {
  if ((request.readUInt32LE(bodyAt) & 8) !== 0) fs.truncateSync(path, number64(request, 16));
  return attributes(path);
}

const none = Buffer.alloc(0);

function answer(request: Buffer, opcode: number): Buffer {
  if (opcode === 26) return greeting(request);
  const path = pathOf(Number(request.readBigUInt64LE(16)));
  switch (opcode) {
    case 1:
      return entry(join(path, nameAt(request, 0)));
    case 3:
      return attributes(path);
    case 4:
      return resize(request, path);
    case 9:
      fs.mkdirSync(join(path, nameAt(request, 8)));
      return entry(join(path, nameAt(request, 8)));
    case 10:
      fs.unlinkSync(join(path, nameAt(request, 0)));
      return none;
    case 14:
      return opened(fs.openSync(path, (request.readUInt32LE(bodyAt) & 0o1000) === 0 ? 'r+' : 'w+'));
    case 15: {
      const count = fs.readSync(number64(request, 0), readBuffer, 16, request.readUInt32LE(bodyAt + 16), number64(request, 8));
      return readBuffer.subarray(16, 16 + count);
    }
    case 16:
      return write(request);
    case 18:
      fs.closeSync(number64(request, 0));
      return none;
    case 20:
      fs.fsyncSync(number64(request, 0));
      return none;
    case 35: {
      const made = join(path, nameAt(request, 16));
      const descriptor = fs.openSync(made, 'w+');
      return Buffer.concat([entry(made), opened(descriptor)]);
    }
    default:
      throw new Refusal(38);
  }
}

function errnoOf(fault: unknown): number {
  if (fault instanceof Refusal) return fault.errno;
  return -((fault as NodeJS.ErrnoException).errno ?? -5);
}

function serve(request: Buffer): void {
  const opcode = request.readUInt32LE(4);
  if (opcode === 2 || opcode === 36 || opcode === 42) return;
  let reply: Buffer;
  let errno = 0;
  try {
    const body = answer(request, opcode);
    // What was read stands behind the place for its head already.
    reply = body.buffer === readBuffer.buffer ? readBuffer.subarray(0, 16 + body.length) : Buffer.concat([Buffer.alloc(16), body]);
  } catch (fault) {
    errno = errnoOf(fault);
    reply = Buffer.alloc(16);
  }
  reply.writeUInt32LE(reply.length, 0);
  reply.writeInt32LE(-errno, 4);
  request.copy(reply, 8, 8, 16);
  fs.writeSync(device, reply);
}

function readNext(buffer: Buffer): void {
  fs.read(device, buffer, 0, buffer.length, null, (fault, count) => {
    if (fault?.code === 'ENODEV') process.exit(0);
    if (fault === null) serve(buffer.subarray(0, count));
    readNext(buffer);
  });
}

const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', 'fd=3,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other', 'pass-through', mountPoint], {
  stdio: ['ignore', 'inherit', 'inherit', device],
});
if (mounted.status !== 0) process.exit(1);
for (let reader = 0; reader < 2; reader++) readNext(Buffer.alloc(pieceBytes + 4096));
