import { describe, expect, it } from 'vitest';
import { checksumOf, SeededRandom, setBigU64, setU32 } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice, readLabel } from '../../src-main/device/index.ts';
import { writeLabelCopy } from '../../src-main/device/label-copies.ts';
import { mendLabels } from '../../src-main/device/label-writing.ts';
import { decodeLabel, encodeLabel, labelBytes, labelOffsetsBytes } from '../../src-main/device/label.ts';
import type { Label } from '../../src-main/device/label.ts';
import { assemble } from '../../src-main/device/set-assembly.ts';
import { crashStates } from '../simulation/crash-states.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { testSeed } from '../seed.ts';

const mebibyte = 1_048_576;
const seed = testSeed;
const random = new SeededRandom(seed);
const createOptions = {
  volumeId: random.bytes(16),
  setId: random.bytes(16),
  blockSizeBytes: 8192,
  journalBytes: 65_536,
  random,
};

async function someLabel(): Promise<Label> {
  const devices = [4, 2, 3].map((size) => new MemoryDevice({ sizeBytes: size * mebibyte }));
  await using set = await DeviceSet.create(devices, createOptions);
  return { deviceIndex: 1, set: set.description };
}

function sealed(bytes: Uint8Array): Uint8Array {
  setBigU64(bytes, labelBytes - 8, checksumOf(bytes.subarray(0, labelBytes - 8)));
  return bytes;
}

describe('a label', () => {
  it('comes back from its bytes as it was', async () => {
    const label = await someLabel();
    expect(decodeLabel(encodeLabel(label))).toEqual({ kind: 'label', label });
  });

  it('with any single bit flipped is never taken for a label', async () => {
    const bytes = encodeLabel(await someLabel());
    for (let bit = 0; bit < labelBytes * 8; bit++) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      expect(decodeLabel(bytes).kind, `bit ${bit}`).toBe(bit < 64 ? 'absent' : 'damaged');
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
    }
  });

  it(`whose fields contradict each other is damaged, although its checksum is right (seed ${seed})`, async () => {
    const whole = encodeLabel(await someLabel());
    let refused = 0;
    for (let round = 0; round < 5_000; round++) {
      const bytes = whole.slice();
      bytes.set(random.bytes(4), 8 + random.below(2_000));
      const reading = decodeLabel(sealed(bytes));
      if (reading.kind !== 'label') {
        refused++;
        continue;
      }
      // What passes must be usable: every block lies on its device, in order.
      let next = 0;
      const { set } = reading.label;
      for (const segment of set.segments) {
        expect(segment.firstVbn).toBe(next);
        next += segment.blockCount;
        const end = segment.deviceOffsetBytes + segment.blockCount * set.blockSizeBytes;
        expect(end).toBeLessThanOrEqual(set.devices[segment.deviceIndex]!.sizeBytes);
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('of a newer format is refused, naming both formats, and left alone', async () => {
    const device = new MemoryDevice({ sizeBytes: 4 * mebibyte, name: 'future' });
    await (await DeviceSet.create([device], createOptions)).close();
    const bytes = new Uint8Array(labelBytes);
    await device.reopen().read(0, [bytes]);
    setU32(bytes, 8, 7);
    for (const offsetBytes of labelOffsetsBytes) await device.reopen().write(offsetBytes, [sealed(bytes)]);
    const opening = DeviceSet.open([device.reopen()]);
    await expect(opening).rejects.toMatchObject({ code: 'format-too-new' });
    await expect(opening).rejects.toThrow(/future .*format 7.*format 1/);
    const after = new Uint8Array(labelBytes);
    await device.reopen().read(0, [after]);
    expect(after).toEqual(bytes);
  });

  it('of two whole copies is the one of the higher generation, whichever place it has', async () => {
    const device = new MemoryDevice({ sizeBytes: 4 * mebibyte });
    await using set = await DeviceSet.create([device], createOptions);
    for (const copy of [0, 1] as const) {
      const newer = { ...set.description, generation: 10 + copy };
      await writeLabelCopy(device, { deviceIndex: 0, set: newer }, copy);
      const read = await readLabel(device);
      expect(read.label.set.generation).toBe(10 + copy);
      expect(read.staleCopies).toEqual([1 - copy]);
    }
  });

  it('is never lost while it is mended, although one copy is damaged and the other is old', async () => {
    for (const damaged of [0, 1] as const) {
      const before = new Trace();
      const device = new TraceDevice(before, { sizeBytes: 4 * mebibyte });
      const set = await DeviceSet.create([device], createOptions);
      await device.write(labelOffsetsBytes[damaged] + 512, [new Uint8Array(512).fill(1)]);
      await device.flush();
      const newer = { ...set.description, generation: 5 };
      let last: TraceDevice | undefined;
      const trace = new Trace();
      for (const state of crashStates(before, { mode: 'in-order', random, fromEvent: before.events.length - 1 })) {
        last = state.traceDevices(trace)[0];
      }
      const { members } = await assemble([last!]);
      await mendLabels(members, newer);
      for (const mode of ['torn', 'dropped'] as const) {
        for (const state of crashStates(trace, { mode, random, samplesPerEvent: 100 })) {
          const { label } = await readLabel(state.devices()[0]!);
          expect([1, 5], state.description).toContain(label.set.generation);
        }
      }
      expect((await readLabel(last!)).staleCopies).toEqual([]);
    }
  });
});
