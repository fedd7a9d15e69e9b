import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OperationGate } from '../../src-main/device/index.ts';
import { joinNeighbours } from '../../src-main/device/device.ts';
import { DescriptorDevice } from '../../src-main/device/descriptor-device.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();

describe('a device over a descriptor', () => {
  it.runIf(process.platform === 'linux')('goes on failing to flush once a flush has failed', async (context) => {
    // A pipe cannot be flushed. Then a file that can takes over its descriptor's number.
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const device = new DescriptorDevice({ name: 'pipe', fd, sizeBytes: 4096, readOnly: false });
    await expect(device.flush()).rejects.toMatchObject({ code: 'device-io' });
    closeSync(fd);
    if (openSync(join(folder, 'file'), 'w+') !== fd) return context.skip('another file took the number');
    const twin = new DescriptorDevice({ name: 'file', fd, sizeBytes: 4096, readOnly: false });
    await twin.flush();
    await expect(device.flush()).rejects.toMatchObject({ code: 'device-io' });
    await device.close();
  });
});

describe('neighbours in memory', () => {
  it('become one buffer, and others stay what they are', () => {
    const memory = new Uint8Array(64);
    const [a, b, c] = [memory.subarray(0, 8), memory.subarray(8, 24), memory.subarray(32, 40)];
    const other = new Uint8Array(8);
    const joined = joinNeighbours([a, b, c, other, c, a]);
    expect(joined.map(({ buffer, byteOffset, length }) => [buffer === memory.buffer, byteOffset, length])).toEqual([
      [true, 0, 24],
      [true, 32, 8],
      [false, 0, 8],
      [true, 32, 8],
      [true, 0, 8],
    ]);
    expect(joined[1]).toBe(c);
    expect(joinNeighbours([])).toEqual([]);
  });

  it('are written and read as the buffers that they are', async () => {
    const path = join(folder, 'neighbours');
    const device = new DescriptorDevice({ name: 'neighbours', fd: openSync(path, 'w+'), sizeBytes: 1 << 20, readOnly: false });
    const written = Uint8Array.from({ length: 3 * 4096 }, (_, index) => index % 251);
    await device.write(4096, [written.subarray(4096, 8192), written.subarray(8192), written.subarray(0, 4096)]);
    const memory = new Uint8Array(3 * 4096);
    await device.read(4096, [memory.subarray(4096, 8192), memory.subarray(8192), memory.subarray(0, 4096)]);
    expect(memory).toEqual(written);
    await device.close();
    expect(new Uint8Array(readFileSync(path).subarray(4096, 8192))).toEqual(written.subarray(4096, 8192));
  });
});

describe('a long write', () => {
  it.runIf(process.platform === 'linux')('meets a fault of its flushing in the next flush', async () => {
    // Null takes whatever is written, and cannot be flushed.
    const device = new DescriptorDevice({ name: 'null', fd: openSync('/dev/null', 'r+'), sizeBytes: 64 << 20, readOnly: false });
    const piece = new Uint8Array(4 << 20);
    for (let count = 0; count < 4; count++) await device.write(0, [piece]);
    await expect(device.flush()).rejects.toMatchObject({ code: 'device-io' });
    await device.close();
  });

  it('is flushed for all who ask meanwhile', async () => {
    const device = new DescriptorDevice({ name: 'file', fd: openSync(join(folder, 'flushed'), 'w+'), sizeBytes: 64 << 20, readOnly: false });
    const piece = new Uint8Array(4 << 20);
    await Promise.all(Array.from({ length: 8 }, async (_, index) => {
      await device.write(index * piece.length, [piece]);
      await device.flush();
    }));
    await device.close();
    await expect(device.flush()).rejects.toMatchObject({ code: 'device-closed' });
  });
});

describe('the gate of a device', () => {
  it('releases only when every operation in flight has left, and once', async () => {
    const gate = new OperationGate();
    let released = 0;
    gate.enter('device');
    gate.enter('device');
    const release = (): Promise<void> => {
      released++;
      return Promise.resolve();
    };
    const closing = gate.close(release);
    const again = gate.close(release);
    gate.leave();
    await new Promise(setImmediate);
    expect(released).toBe(0);
    expect(() => gate.enter('device')).toThrow(/closed/);
    gate.leave();
    await Promise.all([closing, again]);
    expect(released).toBe(1);
  });
});
