import { describe, expect, it, vi } from 'vitest';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import { errno } from '../../src-main/serving/fuse/errno.ts';
import { KernelSide, opcodes, requestOf, rootNode, text, u32, u64 } from './kernel-side.ts';

const setSize = 8;
const setMode = 1;
const setOwner = 2;
const setModified = 32;

/** The body of a `setattr`. */
function settingOf(valid: number, values: { sizeBytes?: number; mode?: number; uid?: number; modifiedSeconds?: number; modifiedNs?: number }): Buffer {
  const { sizeBytes = 0, mode = 0, uid = 0, modifiedSeconds = 0, modifiedNs = 0 } = values;
  return Buffer.concat([u32(valid, 0), u64(0, sizeBytes, 0, 0, modifiedSeconds, 0), u32(0, modifiedNs, 0, mode, 0, uid, 0, 0)]);
}

function renaming(toParent: bigint, flags: number, from: string, to: string): Buffer {
  return Buffer.concat([u64(toParent), u32(flags, 0), text(from, to)]);
}

describe('the greeting', () => {
  it('keeps to what both sides know, and to 1 MiB at a time', async () => {
    await using kernel = await KernelSide.open();
    const { body } = await kernel.ask(opcodes.init, 0n, Buffer.concat([u32(7, 31, 131_072, 1 | 32, 0), Buffer.alloc(44)]));
    expect(body.readUInt32LE(0)).toBe(7);
    expect(body.readUInt32LE(12)).toBe(1 | 32);
    expect([body.readUInt32LE(20), body.readUInt16LE(28)]).toEqual([1 << 20, 256]);
  });

  it('is refused by a kernel too old, and what is not known is answered so that the kernel does without', async () => {
    await using kernel = await KernelSide.open();
    expect((await kernel.ask(opcodes.init, 0n, Buffer.concat([u32(7, 23, 0, 0)]))).errno).toBe(errno.EPROTO);
    expect((await kernel.ask(4999, rootNode)).errno).toBe(errno.ENOSYS);
  });
});

describe('names', () => {
  it('lead to nodes, whose number is another when the file is another', async () => {
    await using kernel = await KernelSide.open();
    const first = await kernel.create(rootNode, 'a');
    await kernel.release(first.node, first.handle);
    expect((await kernel.lookup(rootNode, 'a')).node).toBe(first.node);
    expect((await kernel.ask(opcodes.unlink, rootNode, text('a'))).errno).toBe(0);
    expect((await kernel.lookup(rootNode, 'a')).node).toBe(0n);
    const second = await kernel.create(rootNode, 'b');
    expect(second.stat.ino).toBe(first.stat.ino);
    expect(second.node).not.toBe(first.node);
    expect((await kernel.stat(first.node)).errno).toBe(errno.ESTALE);
    expect((await kernel.open(first.node)).errno).toBe(errno.ESTALE);
  });

  it('that are too long, or no UTF-8, or taken, are refused by what Linux calls that', async () => {
    await using kernel = await KernelSide.open();
    expect((await kernel.lookup(rootNode, 'x'.repeat(256))).errno).toBe(errno.ENAMETOOLONG);
    const noText = Buffer.concat([u32(0o755, 0), Buffer.from([0xff, 0xfe, 0])]);
    expect((await kernel.ask(opcodes.mkdir, rootNode, noText)).errno).toBe(errno.EILSEQ);
    expect((await kernel.ask(opcodes.lookup, rootNode, Buffer.from([0xff, 0xfe, 0]))).errno).toBe(0);
    await kernel.mkdir(rootNode, 'd');
    expect((await kernel.mkdir(rootNode, 'd')).errno).toBe(errno.EEXIST);
    expect((await kernel.ask(opcodes.unlink, rootNode, text('d'))).errno).toBe(errno.EISDIR);
    const pipe = Buffer.concat([u32(0o010644, 0, 0, 0), text('pipe')]);
    expect((await kernel.ask(opcodes.mknod, rootNode, pipe)).errno).toBe(errno.EPERM);
  });

  it('are renamed over others, exchanged, or not over others, as the flags say', async () => {
    await using kernel = await KernelSide.open();
    const a = await kernel.create(rootNode, 'a');
    const b = await kernel.create(rootNode, 'b');
    const noReplace = 1;
    const exchange = 2;
    const whiteOut = 4;
    expect((await kernel.ask(opcodes.rename2, rootNode, renaming(rootNode, noReplace, 'a', 'b'))).errno).toBe(errno.EEXIST);
    expect((await kernel.ask(opcodes.rename2, rootNode, renaming(rootNode, whiteOut, 'a', 'b'))).errno).toBe(errno.EINVAL);
    expect((await kernel.ask(opcodes.rename2, rootNode, renaming(rootNode, exchange, 'a', 'b'))).errno).toBe(0);
    expect((await kernel.lookup(rootNode, 'a')).node).toBe(b.node);
    expect((await kernel.ask(opcodes.rename, rootNode, Buffer.concat([u64(rootNode), text('b', 'a')]))).errno).toBe(0);
    expect((await kernel.lookup(rootNode, 'a')).node).toBe(a.node);
    expect((await kernel.stat(b.node)).linkCount).toBe(0);
  });

  it('of one file may be several; a symbolic link holds what it was given', async () => {
    await using kernel = await KernelSide.open();
    const a = await kernel.create(rootNode, 'a');
    const linked = kernel.entry(await kernel.ask(opcodes.link, rootNode, Buffer.concat([u64(a.node), text('again')])));
    expect([linked.node, linked.stat.linkCount]).toEqual([a.node, 2]);
    const link = kernel.entry(await kernel.ask(opcodes.symlink, rootNode, text('link', '../far/away')));
    expect(link.stat.mode & 0o170000).toBe(0o120000);
    expect((await kernel.ask(opcodes.readlink, link.node)).body.toString()).toBe('../far/away');
  });

  it('in a directory that hands its group down get that group', async () => {
    await using kernel = await KernelSide.open();
    const shared = await kernel.mkdir(rootNode, 'shared', 0o2775);
    await kernel.ask(opcodes.setattr, shared.node, settingOf(setMode, { mode: 0o42775 }));
    const inner = await kernel.mkdir(shared.node, 'inner');
    expect([inner.stat.gid, inner.stat.mode & 0o7777]).toEqual([1000, 0o2755]);
  });
});

describe('content', () => {
  it('is read as it was written, with holes, and cut to its end', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    const content = Buffer.alloc(1 << 20, 'ab');
    expect((await kernel.write(node, handle, 3_000_000, content)).body.readUInt32LE(0)).toBe(content.length);
    const { body } = await kernel.read(node, handle, 2_999_990, 1 << 20);
    expect(body.subarray(0, 10)).toEqual(Buffer.alloc(10));
    expect(body.subarray(10).equals(content.subarray(0, (1 << 20) - 10))).toBe(true);
    expect((await kernel.read(node, handle, 3_000_000 + content.length - 2, 100)).body.toString()).toBe('ab');
    expect((await kernel.read(node, handle, 9_000_000, 100)).body).toHaveLength(0);
    const seek = async (offset: number, whence: number) => kernel.ask(opcodes.lseek, node, Buffer.concat([u64(handle, offset), u32(whence, 0)]));
    expect((await seek(0, 3)).body.readBigUInt64LE(0)).toBe(2_998_272n);
    expect((await seek(3_000_000, 4)).body.readBigUInt64LE(0)).toBe(BigInt(3_000_000 + content.length));
    expect((await seek(9_000_000, 3)).errno).toBe(errno.ENXIO);
  });

  it('outlives the last name while it is open', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    await kernel.write(node, handle, 0, Buffer.from('still here'));
    await kernel.ask(opcodes.unlink, rootNode, text('f'));
    const other = await kernel.create(rootNode, 'f');
    expect(other.stat.ino).not.toBe((await kernel.stat(node)).ino);
    expect((await kernel.read(node, handle, 0, 100)).body.toString()).toBe('still here');
    expect((await kernel.stat(node)).linkCount).toBe(0);
    await kernel.release(node, handle);
    expect((await kernel.stat(node)).errno).toBe(errno.ESTALE);
  });

  it('takes the bits that lend rights from its file, unless the writer may keep them', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    const capability = Buffer.concat([u32(3, 0), text('security.capability'), Buffer.from('cap')]);
    const lend = async (): Promise<void> => {
      await kernel.ask(opcodes.setattr, node, settingOf(setMode, { mode: 0o106775 }));
      expect((await kernel.ask(opcodes.setxattr, node, capability)).errno).toBe(0);
    };
    await lend();
    await kernel.write(node, handle, 0, Buffer.from('x'));
    expect((await kernel.stat(node)).mode & 0o7777).toBe(0o6775);
    expect((await kernel.ask(opcodes.listxattr, node, u32(0, 0))).body.readUInt32LE(0)).toBe(0);
    await kernel.write(node, handle, 0, Buffer.from('x'), 4);
    expect((await kernel.stat(node)).mode & 0o7777).toBe(0o775);
    await lend();
    await kernel.ask(opcodes.setattr, node, settingOf(setOwner, { uid: 7 }));
    expect(await kernel.stat(node)).toMatchObject({ uid: 7, mode: 0o100775 });
    await lend();
    expect((await kernel.ask(opcodes.open, node, u32(0o1001, 1))).errno).toBe(0);
    expect((await kernel.stat(node)).mode & 0o7777).toBe(0o775);
  });

  it('is punched, zeroed and made longer by fallocate, and never promised more room than there is', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    await kernel.write(node, handle, 0, Buffer.alloc(20_000, 'x'));
    const allocate = async (mode: number, offset: number, length: number) => (await kernel.ask(opcodes.fallocate, node, Buffer.concat([u64(handle, offset, length), u32(mode, 0)]))).errno;
    const [keepSize, punch, collapse, zero] = [1, 2, 8, 16] as const;
    expect(await allocate(keepSize | punch, 4096, 8192)).toBe(0);
    expect((await kernel.read(node, handle, 4090, 20)).body.toString()).toBe(`xxxxxx${'\0'.repeat(14)}`);
    expect(await allocate(zero, 19_990, 20)).toBe(0);
    expect((await kernel.stat(node)).sizeBytes).toBe(20_010);
    expect(await allocate(0, 0, 50_000)).toBe(0);
    expect((await kernel.stat(node)).sizeBytes).toBe(50_000);
    expect(await allocate(collapse, 0, 4096)).toBe(errno.EOPNOTSUPP);
    expect(await allocate(0, 0, 1 << 30)).toBe(errno.ENOSPC);
    expect((await kernel.stat(node)).sizeBytes).toBe(50_000);
  });

  it('beyond all that can be counted is refused, and nothing is changed', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    const far = 0x7fff_ffff_ffff_f000n;
    const write = Buffer.concat([u64(handle, far), u32(1, 0), u64(0, 0), Buffer.from('x')]);
    expect((await kernel.ask(opcodes.write, node, write)).errno).toBe(errno.EFBIG);
    const size = Buffer.concat([u32(setSize, 0), u64(0, far, 0, 0, 0, 0), u32(0, 0, 0, 0, 0, 0, 0, 0)]);
    expect((await kernel.ask(opcodes.setattr, node, size)).errno).toBe(errno.EFBIG);
    expect((await kernel.ask(opcodes.read, node, Buffer.concat([u64(handle, far), u32(10, 0), u64(0, 0)]))).errno).toBe(errno.EFBIG);
    expect((await kernel.stat(node)).sizeBytes).toBe(0);
    expect(kernel.faults).toEqual([]);
  });

  it('is copied from file to file without a way through the program', async () => {
    await using kernel = await KernelSide.open();
    const from = await kernel.create(rootNode, 'from');
    const to = await kernel.create(rootNode, 'to');
    await kernel.write(from.node, from.handle, 0, Buffer.from('0123456789'));
    const copy = Buffer.concat([u64(from.handle, 2, to.node, to.handle, 1, 100, 0)]);
    expect((await kernel.ask(opcodes.copyFileRange, from.node, copy)).body.readUInt32LE(0)).toBe(8);
    expect((await kernel.read(to.node, to.handle, 0, 100)).body.toString()).toBe('\x0023456789');
  });
});

describe('attributes', () => {
  it('are set all in one step, times before 1970 as well', async () => {
    await using kernel = await KernelSide.open();
    const { node } = await kernel.create(rootNode, 'f');
    const answer = await kernel.ask(opcodes.setattr, node, settingOf(setSize | setMode | setModified, { sizeBytes: 12, mode: 0o100600, modifiedSeconds: -86_400, modifiedNs: 5 }));
    expect(answer.errno).toBe(0);
    expect(await kernel.stat(node)).toMatchObject({ sizeBytes: 12, mode: 0o100600, modifiedSeconds: -86_400 });
  });

  it('of extended kind are measured, read, listed, replaced and removed; access lists are refused', async () => {
    await using kernel = await KernelSide.open();
    const { node } = await kernel.create(rootNode, 'f');
    const set = async (name: string, value: string, flags = 0) => (await kernel.ask(opcodes.setxattr, node, Buffer.concat([u32(value.length, flags), text(name), Buffer.from(value)]))).errno;
    const get = async (name: string, room: number) => kernel.ask(opcodes.getxattr, node, Buffer.concat([u32(room, 0), text(name)]));
    const [create, replace] = [1, 2] as const;
    expect((await get('user.a', 0)).errno).toBe(errno.ENODATA);
    expect(await set('user.a', 'value', replace)).toBe(errno.ENODATA);
    expect(await set('user.a', 'value')).toBe(0);
    expect(await set('user.a', 'value', create)).toBe(errno.EEXIST);
    expect((await get('user.a', 0)).body.readUInt32LE(0)).toBe(5);
    expect((await get('user.a', 4)).errno).toBe(errno.ERANGE);
    expect((await get('user.a', 5)).body.toString()).toBe('value');
    expect((await kernel.ask(opcodes.listxattr, node, u32(100, 0))).body.toString()).toBe('user.a\0');
    expect((await kernel.ask(opcodes.removexattr, node, text('user.a'))).errno).toBe(0);
    expect((await get('user.a', 100)).errno).toBe(errno.ENODATA);
    expect(await set('system.posix_acl_access', 'x')).toBe(errno.EOPNOTSUPP);
  });
});

describe('a listing', () => {
  it('names everything once, in pages of any size, with what a lookup would say', async () => {
    await using kernel = await KernelSide.open();
    const names = Array.from({ length: 300 }, (_, index) => `file ${index}`);
    for (const name of names) await kernel.create(rootNode, name);
    for (const options of [{ sizeBytes: 4096 }, { sizeBytes: 32_768, plus: true }, { sizeBytes: 300, plus: true }]) {
      const listed = await kernel.listAll(rootNode, options);
      expect(listed.map(({ name }) => name).sort()).toEqual(['.', '..', ...names].sort());
    }
    const [last] = (await kernel.listAll(rootNode, { plus: true })).slice(-1);
    expect(last?.node).toBe((await kernel.lookup(rootNode, last!.name)).node);
  });

  it('goes on at any place that was told, whatever is put in and removed meanwhile', async () => {
    await using kernel = await KernelSide.open();
    const names = Array.from({ length: 100 }, (_, index) => `n${String(index).padStart(2, '0')}`);
    for (const name of names) await kernel.create(rootNode, name);
    const handle = await kernel.openDirectory(rootNode);
    const all = await kernel.list(rootNode, handle, 0, { sizeBytes: 1 << 16 });
    const middle = all.find(({ name }) => name === 'n49')!;
    for (const name of names) if (name < 'n60' && name !== 'n55') await kernel.ask(opcodes.unlink, rootNode, text(name));
    await kernel.create(rootNode, 'n50x');
    await kernel.create(rootNode, 'n01x');
    const rest = await kernel.list(rootNode, handle, middle.place, { sizeBytes: 1 << 16 });
    expect(rest.map(({ name }) => name)).toEqual(['n50x', 'n55', ...names.filter((name) => name >= 'n60')]);
    // The places of what is still there are what they were.
    expect(rest.at(-1)?.place).toBe(all.at(-1)?.place);
    const anew = await kernel.list(rootNode, handle, 0, { sizeBytes: 1 << 16 });
    expect(anew.slice(2).map(({ name }) => name)).toEqual(['n01x', 'n50x', 'n55', ...names.filter((name) => name >= 'n60')]);
    await expect(kernel.list(rootNode, handle, 999_999)).rejects.toThrow(`by ${errno.EINVAL}`);
  });

  it('of a directory that was removed while a program is in it is empty, until the kernel forgets it', async () => {
    await using kernel = await KernelSide.open();
    const { node } = await kernel.mkdir(rootNode, 'd');
    expect((await kernel.ask(opcodes.rmdir, rootNode, text('d'))).errno).toBe(0);
    expect((await kernel.stat(node)).errno).toBe(0);
    expect((await kernel.listAll(node)).map(({ name }) => name)).toEqual(['.', '..']);
    expect((await kernel.create(node, 'x')).errno).toBe(errno.ENOENT);
    await kernel.forget(node);
    expect((await kernel.stat(node)).errno).toBe(errno.ESTALE);
  });
});

describe('what is served', () => {
  it('of a snapshot stays as it was and refuses every change', async () => {
    await using live = await KernelSide.open();
    const { node, handle } = await live.create(rootNode, 'f');
    await live.write(node, handle, 0, Buffer.from('before'));
    await live.server.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await live.write(node, handle, 0, Buffer.from('behind'));
    const kept = await KernelSide.open({ server: live.server, at: { snapshot: 'monday' } });
    const opened = await kept.open(node, 0);
    expect((await kept.read(node, opened.handle, 0, 100)).body.toString()).toBe('before');
    expect((await kept.write(node, opened.handle, 0, Buffer.from('x'))).errno).toBe(errno.EROFS);
    expect((await kept.create(rootNode, 'g')).errno).toBe(errno.EROFS);
    expect((await kept.ask(opcodes.unlink, rootNode, text('f'))).errno).toBe(errno.EROFS);
    expect((await kept.ask(opcodes.setattr, node, settingOf(setMode, { mode: 0o100600 }))).errno).toBe(errno.EROFS);
    await kept.session[Symbol.asyncDispose]();
    expect((await kept.stat(node)).errno).toBe(errno.EIO);
  });

  it('gives everything up when it ends: open files without a name are freed', async () => {
    await using kernel = await KernelSide.open();
    await kernel.create(rootNode, 'f');
    await kernel.ask(opcodes.unlink, rootNode, text('f'));
    const { volume } = await kernel.server.engine.shelf.primary('work');
    expect(volume.status().inodeCount).toBe(2);
    await kernel.session[Symbol.asyncDispose]();
    expect(volume.status().inodeCount).toBe(1);
  });

  it('is answered side by side: a request that waits for the devices holds up no other', async () => {
    await using kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'f');
    const order: string[] = [];
    const sync = kernel.ask(opcodes.fsync, node, Buffer.concat([u64(handle), u32(0, 0)])).then(() => order.push('sync'));
    await kernel.stat(node).then(() => order.push('stat'));
    await sync;
    expect(order).toEqual(['stat', 'sync']);
  });

  it('is left alone while it is handed over, and the end waits for that', async () => {
    const kernel = await KernelSide.open();
    const { node, handle } = await kernel.create(rootNode, 'file');
    const parts = [1, 2, 3, 4].map((fill) => Buffer.alloc(100_000, fill));
    for (const [index, part] of parts.entries()) await kernel.write(node, handle, index * part.length, part);
    const handedOver = Promise.withResolvers<undefined>();
    const replies: Uint8Array[] = [];
    for (const index of parts.keys()) {
      const body = Buffer.concat([u64(handle, index * 100_000), u32(100_000, 0), u64(0, 0)]);
      void kernel.session.handle(requestOf(opcodes.read, node, body, 1000 + 2 * index), (reply) => {
        replies.push(reply);
        return handedOver.promise;
      });
    }
    await vi.waitFor(() => expect(replies).toHaveLength(4));
    let hasEnded = false;
    const ending = kernel.session[Symbol.asyncDispose]().then(() => (hasEnded = true));
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    expect(replies.map((reply) => Buffer.from(reply.subarray(16)).equals(parts[reply[16]! - 1]!))).toEqual([true, true, true, true]);
    expect(replies.map((reply) => reply[16]).sort()).toEqual([1, 2, 3, 4]);
    handedOver.resolve(undefined);
    await ending;
    await kernel[Symbol.asyncDispose]();
  });

  it('shows at once what others change in the volume', async () => {
    await using kernel = await KernelSide.open();
    const { volume } = await kernel.server.engine.shelf.primary('work');
    await volume.change(changeBlocks.create, (files) => files.createFile(rootDirectoryInode, 'theirs', { mode: 0o600, uid: 0, gid: 0 }));
    expect((await kernel.lookup(rootNode, 'theirs')).node).not.toBe(0n);
  });
});
