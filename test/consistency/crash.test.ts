import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { type CrashMode, crashModes, crashStates } from '../simulation/crash-states.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { MiniVolume, PutHistory } from './mini-volume.ts';

const sizeBytes = 3 << 20;
const indexMax = 40;

/** Puts, syncs and CPs, with a mark in the trace for each number of requests that is acknowledged as durable. */
async function work(
  volume: MiniVolume,
  options: { trace: Trace; history: PutHistory; random: SeededRandom; rounds: number },
): Promise<void> {
  const { trace, history, random, rounds } = options;
  for (let round = 0; round < rounds; round++) {
    for (let count = 1 + random.below(15); count > 0; count--) {
      const version = random.chance(0.25) ? 0 : history.puts.length + 1;
      const request = { index: random.below(indexMax), version };
      history.push(request);
      volume.put(request);
    }
    const requested = history.puts.length;
    try {
      // Sometimes a CP runs under the syncs.
      const background = random.chance(0.4) ? volume.cps.take('timer') : undefined;
      if (random.chance(0.5)) await volume.log.commit();
      else await volume.cps.take('request');
      trace.mark(requested);
      await background;
    } catch (fault) {
      if (!isFault(fault, 'device-io')) throw fault;
    }
  }
}

/** Opens every state that a crash can leave, and proves what was acknowledged, the trees, and that work can go on. */
async function expectSurvival(
  trace: Trace,
  history: PutHistory,
  options: { mode: CrashMode; random: SeededRandom; fromEvent: number },
): Promise<number> {
  let states = 0;
  for (const state of crashStates(trace, { ...options, samplesPerEvent: 2 })) {
    const devices = state.devices();
    const acknowledged = Math.max(0, ...state.marks.map(Number));
    const volume = await MiniVolume.open(devices, { cacheBytes: 64 * 4096 });
    expect(volume, state.description).toBeDefined();
    await volume!.expectWhole();
    const survived = history.matching(await volume!.versions(indexMax), acknowledged);
    expect(survived, `${state.description}: ${acknowledged} requests were acknowledged`).toBeDefined();
    states++;
    if (states % 8 !== 0) continue;
    const before = await volume!.versions(indexMax);
    for (let index = 0; index < 5; index++) volume!.put({ index, version: 1 });
    await volume!.cps.take('request');
    await volume!.expectWhole();
    await volume!.cps.take('request');
    await volume!.expectWhole();
    expect(await volume!.versions(indexMax)).toEqual([1, 1, 1, 1, 1, ...before.slice(5)]);
  }
  return states;
}

describe.each(crashModes)('after a crash at any write or flush (%s)', (mode) => {
  it.each([1, 2])('what was acknowledged is there and every tree is whole (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const trace = new Trace();
    const volume = await MiniVolume.create([new TraceDevice(trace, { sizeBytes }), new TraceDevice(trace, { sizeBytes })]);
    const fromEvent = trace.events.length;
    const history = new PutHistory();
    await work(volume, { trace, history, random, rounds: 10 });
    expect(await expectSurvival(trace, history, { mode, random, fromEvent })).toBeGreaterThan(50);
  });

  it.each([1, 2, 3, 4, 5])('also when writing or flushing root %i fails and CPs go on after it', async (nth) => {
    const random = new SeededRandom(100 + nth);
    const trace = new Trace();
    const device = new FaultyDevice(new TraceDevice(trace, { sizeBytes }), { random });
    const volume = await MiniVolume.create([device]);
    const fromEvent = trace.events.length;
    const history = new PutHistory();
    await work(volume, { trace, history, random, rounds: 2 });
    // Each CP flushes twice: even ones follow the root's write. What they did not confirm may still be there.
    device.plan({ operation: 'flush', nth, error: 'EIO', repeat: 'once' });
    device.plan({ operation: 'flush', nth: nth + 2, error: 'EIO', repeat: 'once' });
    if (nth === 5) device.plan({ operation: 'write', nth: 20, error: 'EIO', repeat: 'once', shortBytes: 2048 });
    await work(volume, { trace, history, random, rounds: 6 });
    expect(device.injected.length).toBeGreaterThan(0);
    await expectSurvival(trace, history, { mode, random, fromEvent });
  });
});

describe('after a crash during recovery', () => {
  it.each(crashModes)('recovery starts again and loses nothing (%s)', async (mode) => {
    const random = new SeededRandom(31);
    const trace = new Trace();
    const volume = await MiniVolume.create([new TraceDevice(trace, { sizeBytes })]);
    const fromEvent = trace.events.length;
    const history = new PutHistory();
    await work(volume, { trace, history, random, rounds: 6 });
    let recoveries = 0;
    for (const state of crashStates(trace, { mode, random, fromEvent, samplesPerEvent: 1, everyNth: 5 })) {
      const acknowledged = Math.max(0, ...state.marks.map(Number));
      const second = new Trace();
      const recovered = await MiniVolume.open(state.traceDevices(second));
      second.mark(acknowledged);
      if (second.events.length < 3) continue;
      recoveries++;
      const survived = history.matching(await recovered!.versions(indexMax), acknowledged)!;
      for (const again of crashStates(second, { mode, random, samplesPerEvent: 1 })) {
        const twice = await MiniVolume.open(again.devices());
        await twice!.expectWhole();
        // The second recovery finds all that the first one found.
        expect(history.matching(await twice!.versions(indexMax), survived), again.description).toBeDefined();
      }
    }
    expect(recoveries).toBeGreaterThan(3);
  });
});
