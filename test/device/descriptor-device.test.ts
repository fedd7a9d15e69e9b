import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OperationGate } from '../../src-main/device/index.ts';
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
