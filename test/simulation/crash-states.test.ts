import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import type { MemoryDevice } from '../../src-main/device/index.ts';
import { deviceContract } from '../suites/device-contract.ts';
import { crashModes, crashStates } from './crash-states.ts';
import type { CrashMode } from './crash-states.ts';
import { Trace, TraceDevice } from './trace-device.ts';

const mebibyte = 1_048_576;

deviceContract('traced', () => ({
  open: () => Promise.resolve(new TraceDevice(new Trace(), { sizeBytes: 4 * mebibyte })),
}));

function filled(value: number, lengthBytes = 4096): Uint8Array {
  return new Uint8Array(lengthBytes).fill(value);
}

async function sectorsOf(device: MemoryDevice, offsetBytes: number, count: number): Promise<number[]> {
  const bytes = new Uint8Array(count * 512);
  await device.read(offsetBytes, [bytes]);
  return Array.from({ length: count }, (_, index) => bytes[index * 512]!);
}

/** Two writes, a flush of one device, two writes: block i of a device holds its value where it survived. */
async function smallTrace(): Promise<Trace> {
  const trace = new Trace();
  const first = new TraceDevice(trace, { name: 'first', sizeBytes: mebibyte });
  const second = new TraceDevice(trace, { name: 'second', sizeBytes: mebibyte });
  await first.write(0, [filled(1)]);
  await second.write(0, [filled(2)]);
  await first.flush();
  trace.mark('first is durable');
  await first.write(4096, [filled(3)]);
  await second.write(4096, [filled(4)]);
  return trace;
}

async function statesOf(trace: Trace, mode: CrashMode, samplesPerEvent: number): Promise<Set<string>> {
  const states = new Set<string>();
  const last = trace.events.length - 1;
  const options = { mode, random: new SeededRandom(11), samplesPerEvent, fromEvent: last };
  for (const state of crashStates(trace, options)) {
    const [first, second] = state.devices();
    const blocks = [first!, second!].map(async (device) => [
      ...(await sectorsOf(device, 0, 1)),
      ...(await sectorsOf(device, 4096, 1)),
    ]);
    states.add((await Promise.all(blocks)).flat().join(' '));
  }
  return states;
}

describe('crash states', () => {
  it('in order: exactly what had begun before the crash, event by event', async () => {
    const trace = await smallTrace();
    const seen: string[] = [];
    for (const state of crashStates(trace, { mode: 'in-order', random: new SeededRandom(1) })) {
      const [first, second] = state.devices();
      const values = [await sectorsOf(first!, 0, 1), await sectorsOf(second!, 0, 1), await sectorsOf(first!, 4096, 1)];
      seen.push(`${values.flat().join('')} ${state.marks.length}`);
    }
    expect(seen).toEqual(['100 0', '120 0', '120 0', '120 1', '123 1', '123 1']);
  });

  it('dropped: every subset of the unflushed writes occurs, and a flushed one is never missing', async () => {
    const states = await statesOf(await smallTrace(), 'dropped', 400);
    expect([...states].every((state) => state.startsWith('1 '))).toBe(true);
    expect(states.size).toBe(8);
  });

  it('reordered: of two unflushed writes to one place, either may be the one that stays', async () => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { sizeBytes: mebibyte });
    await device.write(0, [filled(1)]);
    await device.write(0, [filled(2)]);
    const seen = new Set<number>();
    const options = { mode: 'reordered', random: new SeededRandom(5), samplesPerEvent: 200, fromEvent: 1 } as const;
    for (const state of crashStates(trace, options)) {
      seen.add((await sectorsOf(state.devices()[0]!, 0, 1))[0]!);
    }
    expect([...seen].sort()).toEqual([0, 1, 2]);
  });

  it('torn: the last write is cut at every sector, and any unflushed write may lose any sector', async () => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { sizeBytes: mebibyte });
    await device.write(0, [filled(9)]);
    await device.flush();
    await device.write(0, [filled(7)]);
    const cuts = new Set<string>();
    const options = { mode: 'torn', random: new SeededRandom(3), samplesPerEvent: 600, fromEvent: 2 } as const;
    for (const state of crashStates(trace, options)) {
      cuts.add((await sectorsOf(state.devices()[0]!, 0, 8)).join(''));
    }
    for (let cut = 0; cut <= 8; cut++) expect(cuts).toContain('7'.repeat(cut) + '9'.repeat(8 - cut));
    expect([...cuts].some((sectors) => sectors.includes('97'))).toBe(true);
    expect([...cuts].every((sectors) => /^[79]{8}$/.test(sectors))).toBe(true);
  });

  it('a flush covers only the writes that had ended when it began', async () => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { sizeBytes: mebibyte });
    await Promise.all([device.write(0, [filled(5)]), device.flush()]);
    const flush = trace.events.find((event) => event.kind === 'flush');
    expect(flush).toMatchObject({ covers: [] });
    const options = { mode: 'dropped', random: new SeededRandom(3), fromEvent: 1 } as const;
    const states = [];
    for (const state of crashStates(trace, options)) states.push((await sectorsOf(state.devices()[0]!, 0, 1))[0]);
    expect(states).toContain(0);
  });

  it('a discard may have happened or not until it is flushed', async () => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { sizeBytes: mebibyte });
    await device.write(0, [filled(5)]);
    await device.flush();
    await device.discard(0, 4096);
    const seen = new Set<number>();
    const options = { mode: 'dropped', random: new SeededRandom(3), fromEvent: 2, samplesPerEvent: 20 } as const;
    for (const state of crashStates(trace, options)) seen.add((await sectorsOf(state.devices()[0]!, 0, 1))[0]!);
    expect([...seen].sort()).toEqual([0, 5]);
  });

  it('states of one event do not see what was done to another, nor does the trace', async () => {
    const trace = await smallTrace();
    for (const mode of crashModes) {
      for (const state of crashStates(trace, { mode, random: new SeededRandom(2), samplesPerEvent: 3 })) {
        const [device] = state.devices();
        const [twin] = state.devices();
        const before = await sectorsOf(twin!, 0, 24);
        expect(before).not.toContain(200);
        await device!.write(0, [filled(200, 3 * 4096)]);
        expect(await sectorsOf(twin!, 0, 24)).toEqual(before);
      }
    }
    expect(trace.events[0]).toMatchObject({ bytes: filled(1) });
  });

  it('a state asked for too late stops with an assertion instead of giving wrong bytes', async () => {
    const states = crashStates(await smallTrace(), { mode: 'in-order', random: new SeededRandom(1) });
    const early = states.next().value!;
    states.next();
    expect(() => early.devices()).toThrow(/before the next one/);
  });

  it('the same seed gives the same states', async () => {
    const trace = await smallTrace();
    for (const mode of crashModes) {
      expect([...(await statesOf(trace, mode, 20))]).toEqual([...(await statesOf(trace, mode, 20))]);
    }
  });

  it('a recovery on a state can be traced and crashed in its turn', async () => {
    const trace = await smallTrace();
    let nested = 0;
    for (const state of crashStates(trace, { mode: 'dropped', random: new SeededRandom(4) })) {
      const again = new Trace();
      const [first] = state.traceDevices(again);
      await first!.write(8192, [filled(8)]);
      await first!.flush();
      for (const inner of crashStates(again, { mode: 'in-order', random: new SeededRandom(4) })) {
        expect(await sectorsOf(inner.devices()[0]!, 8192, 1)).toEqual([8]);
        nested++;
      }
    }
    expect(nested).toBeGreaterThan(10);
  });

  it('a state costs only the pages that were touched, however large the devices are', async () => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { sizeBytes: 2 ** 44 });
    for (let index = 0; index < 3_000; index++) {
      await device.write((index % 700) * 4096 + 2 ** 43, [filled(index % 251)]);
      if (index % 20 === 19) await device.flush();
    }
    let states = 0;
    for (const mode of crashModes) {
      for (const state of crashStates(trace, { mode, random: new SeededRandom(9) })) {
        const [survivor] = state.devices();
        await survivor!.write(0, [filled(1)]);
        expect(survivor!.memoryBytes).toBe(4096);
        states++;
      }
    }
    expect(states).toBeGreaterThan(20_000);
  });
});
