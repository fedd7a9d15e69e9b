import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { testSeed } from '../seed.ts';

export interface DeviceHarness {
  /** A fresh device of at least 4 MiB. */
  open(): Promise<Device>;
  /** The same bytes under a new object, after the device was closed; left out where a device cannot be opened again. */
  reopen?(): Promise<Device>;
  /** Removes what `open` made. The suite closes the devices itself. */
  cleanUp?(): Promise<void>;
}

/** What every implementation of the device port must hold. */
export function deviceContract(name: string, makeHarness: () => DeviceHarness): void {
  describe(`device contract: ${name}`, () => {
    let harness: DeviceHarness;
    let device: Device;
    let opened: Device | undefined;
    const seed = testSeed;
    const random = new SeededRandom(seed);

    beforeEach(async () => {
      harness = makeHarness();
      opened = undefined;
      device = await harness.open();
      opened = device;
    });

    afterEach(async () => {
      await opened?.close();
      await harness.cleanUp?.();
    });

    async function readBack(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
      const bytes = new Uint8Array(lengthBytes).fill(0xee);
      await device.read(offsetBytes, [bytes]);
      return bytes;
    }

    it('has a name and a size of whole sectors', () => {
      expect(device.name).not.toBe('');
      expect(device.sizeBytes).toBeGreaterThanOrEqual(4 * 1_048_576);
      expect(device.sizeBytes % 512).toBe(0);
    });

    it('reads what was written, at the first and at the last sector', async () => {
      for (const offsetBytes of [0, device.sizeBytes - 512]) {
        const bytes = random.bytes(512);
        await device.write(offsetBytes, [bytes]);
        expect(await readBack(offsetBytes, 512)).toEqual(bytes);
      }
    });

    it('gathers many buffers into one run and scatters a run over many buffers', async () => {
      const offsetBytes = 512 * 1001;
      const written = Array.from({ length: 256 }, () => random.bytes(4096));
      await device.write(offsetBytes, written);
      const scattered = [new Uint8Array(512), new Uint8Array(256 * 4096 - 1024), new Uint8Array(512)];
      await device.read(offsetBytes, scattered);
      expect(Buffer.compare(Buffer.concat(scattered), Buffer.concat(written))).toBe(0);
    });

    it('takes more buffers than the operating system gathers at once, of unequal lengths', async () => {
      const lengths = Array.from({ length: 2_600 }, (_, index) => (index % 2 === 0 ? 100 : 924));
      const written = lengths.map((length) => random.bytes(length));
      await device.write(512, written);
      const read = lengths.map((length) => new Uint8Array(length));
      await device.read(512, read);
      expect(Buffer.compare(Buffer.concat(read), Buffer.concat(written))).toBe(0);
    });

    it('leaves the bytes beside a write as they were', async () => {
      const before = random.bytes(64 * 512);
      await device.write(0, [before]);
      await device.write(7 * 512, [new Uint8Array(512).fill(1)]);
      const expected = before.slice();
      expected.fill(1, 7 * 512, 8 * 512);
      expect(await readBack(0, before.length)).toEqual(expected);
    });

    it(`keeps many random operations in flight apart (seed ${seed})`, async () => {
      const slotBytes = 16_384;
      const slots = Math.floor(device.sizeBytes / slotBytes);
      const model = new Map<number, Uint8Array>();
      for (let round = 0; round < 8; round++) {
        const chosen = new Set(Array.from({ length: 24 }, () => random.below(slots)));
        await Promise.all(
          [...chosen].map(async (slot) => {
            const bytes = random.bytes(slotBytes);
            model.set(slot, bytes);
            await device.write(slot * slotBytes, [bytes.subarray(0, 4096), bytes.subarray(4096)]);
          }),
        );
        if (round % 3 === 0) await device.flush();
        await Promise.all(
          [...model].map(async ([slot, bytes]) => {
            expect(Buffer.compare(await readBack(slot * slotBytes, slotBytes), bytes), `slot ${slot}`).toBe(0);
          }),
        );
      }
    });

    it('writes and reads nothing when there are no buffers', async () => {
      await device.write(512, []);
      await device.read(512, []);
      await device.discard(512, 0);
    });

    it('after a discard each sector holds its old content or zeros, and its neighbours are untouched', async () => {
      const before = random.bytes(512 * 1024);
      before.forEach((byte, index) => (before[index] = byte || 1));
      await device.write(0, [before]);
      await device.discard(8192, 256 * 1024);
      await device.flush();
      const after = await readBack(0, before.length);
      expect(after.subarray(0, 8192)).toEqual(before.subarray(0, 8192));
      expect(after.subarray(8192 + 256 * 1024)).toEqual(before.subarray(8192 + 256 * 1024));
      for (let at = 8192; at < 8192 + 256 * 1024; at += 512) {
        const sector = after.subarray(at, at + 512);
        const isOld = Buffer.compare(sector, before.subarray(at, at + 512)) === 0;
        expect(isOld || sector.every((byte) => byte === 0), `sector at ${at}`).toBe(true);
      }
    });

    it('a write after a discard stands', async () => {
      const bytes = random.bytes(1_048_576);
      await device.write(0, [random.bytes(2 * 1_048_576)]);
      await device.discard(0, 2 * 1_048_576);
      await device.write(524_288, [bytes]);
      await device.flush();
      expect(Buffer.compare(await readBack(524_288, bytes.length), bytes)).toBe(0);
    });

    it('stops with an assertion at a range that is not whole sectors or lies outside', async () => {
      const end = device.sizeBytes;
      await expect(device.read(1, [new Uint8Array(512)])).rejects.toThrow(/whole sectors/);
      await expect(device.write(0, [new Uint8Array(100)])).rejects.toThrow(/whole sectors/);
      await expect(device.read(end, [new Uint8Array(512)])).rejects.toThrow(/outside/);
      await expect(device.write(end - 512, [new Uint8Array(1024)])).rejects.toThrow(/outside/);
      await expect(device.write(-512, [new Uint8Array(512)])).rejects.toThrow(/outside/);
      await expect(device.discard(end - 512, 1024)).rejects.toThrow(/outside/);
    });

    it('refuses everything after a close, and closing again does nothing', async () => {
      await device.close();
      await device.close();
      const buffers = [new Uint8Array(512)];
      await expect(device.read(0, buffers)).rejects.toMatchObject({ code: 'device-closed' });
      await expect(device.write(0, buffers)).rejects.toMatchObject({ code: 'device-closed' });
      await expect(device.flush()).rejects.toMatchObject({ code: 'device-closed' });
      await expect(device.discard(0, 512)).rejects.toMatchObject({ code: 'device-closed' });
    });

    it('a close waits for the operations in flight', async () => {
      const bytes = random.bytes(262_144);
      let written = false;
      const writing = device.write(0, [bytes]).then(() => (written = true));
      await device.close();
      await new Promise(setImmediate);
      expect(written).toBe(true);
      await writing;
    });

    it('keeps its bytes over a flush, a close and a new opening', async (context) => {
      if (!harness.reopen) return context.skip('this device cannot be opened again by itself');
      const bytes = random.bytes(1_048_576);
      await device.write(65_536, [bytes]);
      await device.flush();
      const sizeBytes = device.sizeBytes;
      await device.close();
      device = await harness.reopen();
      opened = device;
      expect(device.sizeBytes).toBe(sizeBytes);
      expect(Buffer.compare(await readBack(65_536, bytes.length), bytes)).toBe(0);
    });
  });
}
