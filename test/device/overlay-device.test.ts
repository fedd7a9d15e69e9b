import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { type Device, MemoryDevice, OverlayDevice } from '../../src-main/device/index.ts';
import { testSeed } from '../seed.ts';

const unitBytes = 4096;
const units = 512;

async function contentOf(device: Device): Promise<Uint8Array> {
  const bytes = new Uint8Array(units * unitBytes);
  await device.read(0, [bytes]);
  return bytes;
}

/** An overlay over random bytes, and what both hold. */
async function filled(random: SeededRandom): Promise<{ overlay: OverlayDevice; below: MemoryDevice; above: MemoryDevice; bytes: Uint8Array }> {
  const sizeBytes = units * unitBytes;
  const below = new MemoryDevice({ name: 'below', sizeBytes });
  const above = new MemoryDevice({ name: 'above', sizeBytes: sizeBytes * 2 });
  const bytes = random.bytes(sizeBytes);
  await below.write(0, [bytes]);
  return { overlay: new OverlayDevice({ name: 'overlay', below, above, sizeBytes, unitBytes }), below, above, bytes };
}

describe(`an overlay, seed ${testSeed}`, () => {
  it('shows what was written, what is below elsewhere, and leaves what is below as it was', async () => {
    const random = new SeededRandom(testSeed);
    const { overlay, below, bytes } = await filled(random);
    const before = bytes.slice();
    for (let round = 0; round < 200; round++) {
      const first = random.below(units);
      const count = 1 + random.below(Math.min(20, units - first));
      const written = random.bytes(count * unitBytes);
      await overlay.write(first * unitBytes, [written.subarray(0, unitBytes), written.subarray(unitBytes)]);
      bytes.set(written, first * unitBytes);
      const from = 512 * random.below((units * unitBytes) / 512);
      const read = new Uint8Array(512 * (1 + random.below(Math.min(300, (units * unitBytes - from) / 512))));
      await overlay.read(from, [read.subarray(0, 512), read.subarray(512)]);
      expect(Buffer.compare(read, bytes.subarray(from, from + read.length))).toBe(0);
    }
    expect(Buffer.compare(await contentOf(overlay), bytes)).toBe(0);
    expect(Buffer.compare(await contentOf(below), before)).toBe(0);
  });

  it('takes room above only for what was written, and gives that back when it is discarded', async () => {
    const { overlay, above, bytes } = await filled(new SeededRandom(testSeed));
    await overlay.write(8 * unitBytes, [new Uint8Array(4 * unitBytes).fill(1)]);
    expect(above.memoryBytes).toBe(4 * unitBytes);
    await overlay.discard(0, 16 * unitBytes);
    expect(above.memoryBytes).toBe(0);
    const read = new Uint8Array(8 * unitBytes);
    await overlay.read(0, [read]);
    expect(Buffer.compare(read, bytes.subarray(0, read.length))).toBe(0);
  });

  it('closes what it writes to, and leaves what is below open', async () => {
    const { overlay, below, above } = await filled(new SeededRandom(testSeed));
    await overlay.close();
    await expect(above.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'device-closed' });
    await below.read(0, [new Uint8Array(512)]);
  });

  it('stops with an assertion at a write of a part of a unit', async () => {
    const { overlay } = await filled(new SeededRandom(testSeed));
    await expect(overlay.write(512, [new Uint8Array(unitBytes)])).rejects.toThrow('whole units');
    await expect(overlay.write(0, [new Uint8Array(512)])).rejects.toThrow('whole units');
  });
});
