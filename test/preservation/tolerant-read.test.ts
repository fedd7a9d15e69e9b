import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { deviceFault, MemoryDevice, totalBytes } from '../../src-main/device/index.ts';
import { readTolerant } from '../../src-main/preservation/tolerant-read.ts';

const blockSizeBytes = 4096;

/** Refuses reads of some blocks as long as there are refusals left. */
class RefusingDevice extends MemoryDevice {
  readonly #refusals: Map<number, number>;

  constructor(sizeBytes: number, refusals: Map<number, number>) {
    super({ sizeBytes });
    this.#refusals = refusals;
  }

  override read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const first = offsetBytes / blockSizeBytes;
    const end = first + totalBytes(buffers) / blockSizeBytes;
    for (const [vbn, left] of this.#refusals) {
      if (vbn < first || vbn >= end || left === 0) continue;
      this.#refusals.set(vbn, left - 1);
      return Promise.reject(deviceFault({ name: this.name, operation: 'read', offsetBytes, cause: new Error('a bad sector') }));
    }
    return super.read(offsetBytes, buffers);
  }
}

async function refusing(refusals: Map<number, number>): Promise<{ device: RefusingDevice; bytes: Uint8Array }> {
  const bytes = new SeededRandom(1).bytes(16 * blockSizeBytes);
  const device = new RefusingDevice(bytes.length, refusals);
  await device.write(0, [bytes]);
  return { device, bytes };
}

describe('blocks that are read to be kept', () => {
  it('are all there when a device fails in passing', async () => {
    const { device, bytes } = await refusing(new Map([[5, 1]]));
    const found = new Uint8Array(8 * blockSizeBytes);
    await readTolerant(device, { vbn: 2, blockSizeBytes }, found);
    expect(Buffer.compare(found, bytes.subarray(2 * blockSizeBytes, 10 * blockSizeBytes))).toBe(0);
  });

  it('are all there but those that the device does not give', async () => {
    const { device, bytes } = await refusing(new Map([[5, Infinity]]));
    const found = new Uint8Array(8 * blockSizeBytes).fill(0xee);
    await readTolerant(device, { vbn: 2, blockSizeBytes }, found);
    const expected = bytes.slice(2 * blockSizeBytes, 10 * blockSizeBytes).fill(0, 3 * blockSizeBytes, 4 * blockSizeBytes);
    expect(Buffer.compare(found, expected)).toBe(0);
  });

  it('of a device that is closed are no zeros, but a fault', async () => {
    const { device } = await refusing(new Map());
    await device.close();
    const found = new Uint8Array(blockSizeBytes);
    await expect(readTolerant(device, { vbn: 0, blockSizeBytes }, found)).rejects.toMatchObject({ code: 'device-closed' });
  });
});
