import { expect, test } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume } from '../../src-main/volume/index.ts';
import { crashModes, crashStates } from '../simulation/crash-states.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { MirrorLab } from './mirror-lab.ts';
import { testSeed } from '../seed.ts';

interface Acknowledged {
  readonly cp: number;
}

/** A mirror's life on a traced device: baseline, live CPs, an absence whose end falls on the same ring place, views. */
async function recordLife(): Promise<{ trace: Trace; firstEvent: number }> {
  const trace = new Trace();
  await using lab = new MirrorLab({
    primaryBytes: 24 << 20,
    wrapMirror: () => new TraceDevice(trace, { name: 'mirror', sizeBytes: 24 << 20 }),
  });
  await lab.start();
  const firstEvent = trace.events.length;
  let acknowledged = 0;
  lab.relationship.onChange(() => {
    const { mirrorCp } = lab.relationship.status();
    if (mirrorCp === acknowledged) return;
    acknowledged = mirrorCp;
    trace.mark({ cp: mirrorCp } satisfies Acknowledged);
  });
  await lab.put('file', lab.random.bytes(200_000));
  await lab.primary.createSnapshot('first');
  await lab.untilIdentical();
  for (let round = 0; round < 4; round++) {
    await lab.overwrite('file', lab.random.bytes(200_000));
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  const { cp } = lab.mirror.committed!;
  await lab.relationship.pause();
  for (let round = 0; round < 15; round++) {
    await lab.overwrite('file', lab.random.bytes(20_000));
    await lab.primary.takeCp();
  }
  lab.relationship.resume();
  await lab.untilIdentical();
  expect(lab.mirror.committed!.cp).toBe(cp + 16);
  await lab.primary.deleteSnapshot('first');
  await lab.put('more', lab.random.bytes(100_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  return { trace, firstEvent };
}

test.each(crashModes)('power lost at any write or flush of the mirror leaves a whole CP that was acknowledged, or a newer one (%s)', async (mode) => {
  const { trace, firstEvent } = await recordLife();
  const seed = testSeed;
  let states = 0;
  for (const state of crashStates(trace, { mode, random: new SeededRandom(seed), fromEvent: firstEvent, skipMarks: true, samplesPerEvent: 6 })) {
    const where = `seed ${seed}, ${state.description}`;
    const acknowledged = (state.marks.at(-1) as Acknowledged | undefined)?.cp ?? 0;
    await using mirror = await MirrorVolume.open(await DeviceSet.open(state.devices()), { name: 'mirror', cacheBytes: 1 << 20 });
    expect(mirror.committed?.cp ?? 0, where).toBeGreaterThanOrEqual(acknowledged);
    if (mirror.committed !== undefined) expect((await mirror.check()).problems, where).toEqual([]);
    states++;
  }
  expect(states).toBeGreaterThan(50);
});
