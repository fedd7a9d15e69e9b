import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { deviceContract } from '../suites/device-contract.ts';
import { FaultyDevice } from './faulty-device.ts';
import type { FaultChances } from './faulty-device.ts';

const mebibyte = 1_048_576;

deviceContract('faulty, without faults', () => ({
  open: () => Promise.resolve(new FaultyDevice(new MemoryDevice({ sizeBytes: 4 * mebibyte }))),
}));

function filled(value: number, lengthBytes = 4096): Uint8Array {
  return new Uint8Array(lengthBytes).fill(value);
}

async function valueAt(device: MemoryDevice | FaultyDevice, offsetBytes: number): Promise<number> {
  const bytes = new Uint8Array(512);
  await device.read(offsetBytes, [bytes]);
  return bytes[0]!;
}

function faulty(chances: FaultChances = {}): { inner: MemoryDevice; device: FaultyDevice } {
  const inner = new MemoryDevice({ sizeBytes: mebibyte });
  return { inner, device: new FaultyDevice(inner, { random: new SeededRandom(21), chances }) };
}

describe('planned faults', () => {
  it('fails the Nth write once, and the next one goes through', async () => {
    const { device } = faulty();
    device.plan({ operation: 'write', nth: 2, error: 'EIO', repeat: 'once' });
    await device.write(0, [filled(1)]);
    await expect(device.write(4096, [filled(2)])).rejects.toMatchObject({ code: 'device-io' });
    await device.write(8192, [filled(3)]);
    expect([await valueAt(device, 0), await valueAt(device, 4096), await valueAt(device, 8192)]).toEqual([1, 0, 3]);
    expect(device.injected).toHaveLength(1);
  });

  it('fails from the Nth operation on for ever, until it is healed', async () => {
    const { device } = faulty();
    device.plan({ operation: 'flush', nth: 1, error: 'EIO', repeat: 'for-ever' });
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(device.flush()).rejects.toMatchObject({ code: 'device-io' });
    }
    await device.heal();
    await device.flush();
  });

  it('a full device is told apart from a broken one', async () => {
    const { device } = faulty();
    device.plan({ operation: 'write', nth: 1, error: 'ENOSPC', repeat: 'once' });
    await expect(device.write(0, [filled(1)])).rejects.toMatchObject({ code: 'device-full' });
    device.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'once' });
    await expect(valueAt(device, 0)).rejects.toMatchObject({ code: 'device-io' });
  });

  it('a short write leaves its first sectors behind', async () => {
    const { device } = faulty();
    device.plan({ operation: 'write', nth: 1, error: 'ENOSPC', repeat: 'once', shortBytes: 1500 });
    await expect(device.write(0, [filled(1, 2048), filled(1, 2048)])).rejects.toMatchObject({ code: 'device-full' });
    expect([await valueAt(device, 512), await valueAt(device, 1024)]).toEqual([1, 0]);
  });
});

describe('faults by chance', () => {
  it('a lost write is acknowledged and never done', async () => {
    const { device } = faulty({ lostWrite: 1 });
    await device.write(0, [filled(1)]);
    expect(await valueAt(device, 0)).toBe(0);
    expect(device.injected).toMatchObject([{ kind: 'lost', offsetBytes: 0 }]);
  });

  it('a misdirected write lands in one other place', async () => {
    const { inner, device } = faulty({ misdirectedWrite: 1 });
    await device.write(4096, [filled(1)]);
    const all = new Uint8Array(mebibyte);
    await inner.read(0, [all]);
    expect(all.subarray(4096, 8192).every((byte) => byte === 0)).toBe(true);
    expect(all.reduce((sum, byte) => sum + byte, 0)).toBe(4096);
  });

  it('bit rot changes exactly one bit of a write', async () => {
    const { inner, device } = faulty({ bitRotWrite: 1 });
    const written = new SeededRandom(4).bytes(4096);
    await device.write(0, [written]);
    const stored = new Uint8Array(4096);
    await inner.read(0, [stored]);
    let bits = 0;
    stored.forEach((byte, index) => (bits += (byte ^ written[index]!).toString(2).replaceAll('0', '').length));
    expect(bits).toBe(1);
  });

  it('a stale write gives the old bytes at first, and comes later unless something newer was written', async () => {
    const { device } = faulty({ staleWrite: 1 });
    await device.write(0, [filled(1)]);
    await device.write(8192, [filled(1)]);
    expect(await valueAt(device, 0)).toBe(0);
    device.chances = {};
    await device.write(8192, [filled(2)]);
    for (let index = 0; index < 10; index++) await device.write(65_536, [filled(3)]);
    expect([await valueAt(device, 0), await valueAt(device, 8192)]).toEqual([1, 2]);
  });

  it('harms only where it may, and the same seed harms the same', async () => {
    const run = async (): Promise<string> => {
      const device = new FaultyDevice(new MemoryDevice({ sizeBytes: mebibyte }), {
        random: new SeededRandom(8),
        chances: { lostWrite: 0.2, bitRotWrite: 0.2, misdirectedWrite: 0.2, writeError: 0.1 },
        mayHarm: (offsetBytes) => offsetBytes >= 65_536,
      });
      for (let index = 0; index < 200; index++) {
        await device.write((index % 32) * 4096, [filled(1)]).catch(() => undefined);
      }
      expect(device.injected.every((fault) => fault.offsetBytes >= 65_536)).toBe(true);
      expect(new Set(device.injected.map((fault) => fault.kind)).size).toBe(4);
      return JSON.stringify(device.injected);
    };
    expect(await run()).toBe(await run());
  });
});
