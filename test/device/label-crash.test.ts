import { describe, expect, it } from 'vitest';
import { bytesEqual, isFault, SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, SparseBytes } from '../../src-main/device/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { crashModes, crashStates } from '../simulation/crash-states.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { testSeed } from '../seed.ts';

const mebibyte = 1_048_576;
const seed = testSeed;
const ids = new SeededRandom(5);
const volumeId = ids.bytes(16);
const otherVolumeId = ids.bytes(16);
const createOptions = { volumeId, setId: ids.bytes(16), blockSizeBytes: 4096, journalBytes: 65_536, random: ids };

/** The bytes of an existing set of two devices, on devices that have more room now; and a third, blank one. */
async function tracedDevices(): Promise<{ trace: Trace; devices: TraceDevice[]; blocksBefore: number }> {
  const spaces = [new SparseBytes(), new SparseBytes()];
  const first = new Trace();
  const devices = spaces.map(() => new TraceDevice(first, { sizeBytes: 4 * mebibyte }));
  const set = await DeviceSet.create(devices, createOptions);
  await set.data.write(0, [new Uint8Array(4096).fill(77)]);
  await set.flush();
  for (const event of first.events) {
    if (event.kind === 'write') spaces[event.device]!.write(event.offsetBytes, event.bytes);
  }
  const trace = new Trace();
  const grown = spaces.map((bytes) => new TraceDevice(trace, { sizeBytes: 6 * mebibyte, bytes }));
  const added = new TraceDevice(trace, { sizeBytes: 5 * mebibyte });
  return { trace, devices: [...grown, added], blocksBefore: set.blockCount };
}

type Opened = { set: DeviceSet; hasThird: boolean } | undefined;

/** Opens with the first two devices or, where the third is said to be needed, with all. */
async function openAsTold(devices: Device[]): Promise<Opened> {
  try {
    return { set: await DeviceSet.open(devices.slice(0, 2)), hasThird: false };
  } catch (fault) {
    if (!isFault(fault, 'device-missing')) throw fault;
    return { set: await DeviceSet.open(devices), hasThird: true };
  }
}

async function labelChanges(change: (set: DeviceSet, added: Device) => Promise<void>): Promise<{
  trace: Trace;
  blocksBefore: number;
  blocksAfter: number;
}> {
  const { trace, devices, blocksBefore } = await tracedDevices();
  const set = await DeviceSet.open(devices.slice(0, 2), { random: new SeededRandom(6) });
  await change(set, devices[2]!);
  trace.mark('acknowledged');
  return { trace, blocksBefore, blocksAfter: set.blockCount };
}

async function firstBlockOf(set: DeviceSet): Promise<number> {
  const bytes = new Uint8Array(512);
  await set.data.read(0, [bytes]);
  return bytes[0]!;
}

for (const mode of crashModes) {
  describe(`power lost while labels change (${mode}, seed ${seed})`, () => {
    it('growing by a device: the set opens with the old or the new room, and with the new once acknowledged', async () => {
      const { trace, blocksBefore, blocksAfter } = await labelChanges((set, added) => set.grow(added));
      const seen = new Set<number>();
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed), samplesPerEvent: 40 })) {
        const opened = await openAsTold(state.devices());
        const { set } = opened!;
        seen.add(set.blockCount);
        expect([blocksBefore, blocksAfter], state.description).toContain(set.blockCount);
        if (state.marks.length > 0) expect(set.blockCount, state.description).toBe(blocksAfter);
        expect(await firstBlockOf(set), state.description).toBe(77);
        const blocks = set.blockCount;
        const all = state.devices();
        await set.close();
        // Given all three at once, a started growth is either finished or named for what it is.
        const together = await DeviceSet.open(all).catch((fault: unknown) => fault);
        if (together instanceof DeviceSet) expect(together.blockCount).toBeGreaterThanOrEqual(blocks);
        else expect(isFault(together, 'not-a-volume') || isFault(together, 'volume-damaged'), state.description).toBe(true);
      }
      expect(seen).toEqual(new Set([blocksBefore, blocksAfter]));
    });

    it('an interrupted growth can be done again with the same device', async () => {
      const { trace, blocksBefore, blocksAfter } = await labelChanges((set, added) => set.grow(added));
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed + 1), samplesPerEvent: 10 })) {
        const devices = state.devices();
        const { set, hasThird } = (await openAsTold(devices))!;
        if (hasThird) continue;
        expect(set.blockCount).toBe(blocksBefore);
        const outcome = await set.grow(devices[2]).catch((fault: unknown) => fault);
        // A label torn in both its copies is refused as someone's; that needs two writes torn at once.
        if (isFault(outcome, 'volume-exists')) continue;
        expect(outcome, state.description).toBeUndefined();
        expect(set.blockCount, state.description).toBe(blocksAfter);
      }
    });

    it('taking in the room of grown devices: old or new, and new once acknowledged', async () => {
      const { trace, blocksBefore, blocksAfter } = await labelChanges((set) => set.grow());
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed + 2), samplesPerEvent: 40 })) {
        await using set = await DeviceSet.open(state.devices().slice(0, 2));
        const expected = state.marks.length > 0 ? [blocksAfter] : [blocksBefore, blocksAfter];
        expect(expected, state.description).toContain(set.blockCount);
        expect(await firstBlockOf(set), state.description).toBe(77);
      }
    });

    it('being adopted: the old or the new volume id, never another, and new once acknowledged', async () => {
      const { trace } = await labelChanges((set) => set.adopt(otherVolumeId));
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed + 3), samplesPerEvent: 40 })) {
        await using set = await DeviceSet.open(state.devices().slice(0, 2));
        const isNew = bytesEqual(set.volumeId, otherVolumeId);
        expect(isNew || (bytesEqual(set.volumeId, volumeId) && state.marks.length === 0), state.description).toBe(true);
      }
    });

    it('mending after a crash may itself be cut off at any moment', async () => {
      const { trace, blocksBefore, blocksAfter } = await labelChanges((set) => set.grow());
      let crashes = 0;
      for (const state of crashStates(trace, { mode, random: new SeededRandom(seed + 4), samplesPerEvent: 6 })) {
        const again = new Trace();
        const first = await DeviceSet.open(state.traceDevices(again).slice(0, 2));
        for (const inner of crashStates(again, { mode, random: new SeededRandom(seed + 5), samplesPerEvent: 6 })) {
          await using set = await DeviceSet.open(inner.devices().slice(0, 2));
          expect([blocksBefore, blocksAfter], state.description).toContain(set.blockCount);
          if (first.blockCount === blocksAfter) expect(set.blockCount, inner.description).toBe(blocksAfter);
          crashes++;
        }
      }
      expect(crashes).toBeGreaterThan(0);
    });

    it('wiping for a new volume: never the old volume with the new root areas', async () => {
      const { trace, devices } = await tracedDevices();
      const fresh = { ...createOptions, volumeId: otherVolumeId, setId: new Uint8Array(16).fill(3), wipe: true };
      const before = new SeededRandom(9).bytes(512);
      const old = await DeviceSet.open(devices.slice(0, 2));
      await old.rootAreas[0].write(0, [before]);
      await old.flush();
      const from = trace.events.length;
      await DeviceSet.create(devices.slice(0, 2), fresh);
      const options = { mode, random: new SeededRandom(seed + 6), samplesPerEvent: 20, fromEvent: from };
      for (const state of crashStates(trace, options)) {
        const set = await DeviceSet.open(state.devices().slice(0, 2)).catch(() => undefined);
        if (!set) continue;
        const root = new Uint8Array(512);
        await set.rootAreas[0].read(0, [root]);
        const isOld = bytesEqual(set.volumeId, volumeId);
        expect(bytesEqual(root, isOld ? before : new Uint8Array(512)), state.description).toBe(true);
      }
    });
  });
}
