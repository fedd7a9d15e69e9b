import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ScrubSchedule } from '../../src-main/contract/index.ts';
import { Alerts } from '../../src-main/engine/alerts.ts';
import { EventLog } from '../../src-main/engine/event-log.ts';
import { VolumeScrub } from '../../src-main/engine/volume-scrub.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MirrorLab } from '../replication/mirror-lab.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';

const dayMs = 86_400_000;

interface Desk {
  readonly clock: VirtualClock;
  readonly lines: MemoryLog;
  readonly alerts: Alerts;
  readonly events: EventLog;
  schedule: ScrubSchedule;
  open(volume: Volume): Promise<VolumeScrub>;
}

async function newDesk(): Promise<Desk> {
  const clock = new VirtualClock();
  const events = await EventLog.open(new MemoryLog(), { clock, report: () => undefined });
  const desk: Desk = {
    clock,
    lines: new MemoryLog(),
    alerts: new Alerts(events),
    events,
    schedule: { everyDays: 0, bytesPerSecond: 1 << 20 },
    open: (volume) =>
      VolumeScrub.open({
        volume: 'work',
        clock,
        lines: desk.lines,
        alerts: desk.alerts,
        events,
        schedule: () => desk.schedule,
        subject: () => volume.scrubbing,
        liveLabel: 'live',
        isServing: true,
        onPassEnd: () => undefined,
      }),
  };
  return desk;
}

/** Lets time pass in small steps, and what it sets off run. */
async function pass(clock: VirtualClock, durationMs: number, stepMs = 100): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    clock.pass(stepMs);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }
}

async function filled(): Promise<MirrorLab> {
  const lab = new MirrorLab({ primaryBytes: 64 << 20 });
  await lab.start();
  for (let file = 0; file < 12; file++) await lab.put(`file-${file}`, lab.random.bytes(1 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  return lab;
}

describe('the scrub of a volume', () => {
  it('keeps to its pace, and says how far it is and what is left', async () => {
    const lab = await filled();
    const desk = await newDesk();
    const scrub = await desk.open(lab.primary);
    await scrub.start();
    await pass(desk.clock, 3000);
    const status = scrub.status();
    expect(status.state).toBe('running');
    const bytes = status.pass!.verifiedBlocks * 4096;
    // A stretch may end late by one step of the walk, and the first goes at once.
    expect(bytes).toBeGreaterThan(2 << 20);
    expect(bytes).toBeLessThan(7 << 20);
    expect(status.pass!.leftMs).toBeGreaterThan(4000);
    await pass(desk.clock, 20_000);
    expect(scrub.status()).toMatchObject({ state: 'idle', last: { lostBlocks: 0, healedBlocks: 0 } });
    expect(scrub.status().last!.verifiedBlocks * 4096).toBeGreaterThan(12 << 20);
    await scrub.close();
    await lab.close();
  });

  it('goes on where it was after a restart, and after a pause', async () => {
    const lab = await filled();
    const desk = await newDesk();
    let scrub = await desk.open(lab.primary);
    await scrub.start();
    await pass(desk.clock, 4000);
    await scrub.close();
    const before = scrub.status().pass!.verifiedBlocks;
    expect(before).toBeGreaterThan(500);
    await pass(desk.clock, 20_000);
    expect(scrub.status().pass!.verifiedBlocks).toBe(before);

    scrub = await desk.open(lab.primary);
    expect(scrub.status()).toMatchObject({ state: 'running', pass: { verifiedBlocks: before } });
    await scrub.pause();
    await pass(desk.clock, 20_000);
    const paused = scrub.status();
    expect(paused.state).toBe('paused');
    await scrub.close();

    scrub = await desk.open(lab.primary);
    await pass(desk.clock, 20_000);
    expect(scrub.status()).toEqual(paused);
    await scrub.start(64 << 20);
    await pass(desk.clock, 2000);
    expect(scrub.status().state).toBe('idle');
    const { usedBlockCount } = lab.primary.root;
    // What was proven before the restarts was not proven again, apart from a few blocks on the way.
    expect(scrub.status().last!.verifiedBlocks).toBeLessThan(usedBlockCount * 1.2);
    await scrub.close();
    await lab.close();
  });

  it('begins by itself when it is due, once, and after a stop of the server as well', async () => {
    const lab = await filled();
    const desk = await newDesk();
    desk.schedule = { everyDays: 7, bytesPerSecond: 1 << 30 };
    let scrub = await desk.open(lab.primary);
    await pass(desk.clock, 6 * dayMs, dayMs / 24);
    expect(scrub.status().last).toBeUndefined();
    await pass(desk.clock, 2 * dayMs, dayMs / 24);
    const first = scrub.status().last!;
    expect(first.lostBlocks).toBe(0);
    await pass(desk.clock, 5 * dayMs, dayMs / 24);
    expect(scrub.status().last).toEqual(first);
    await scrub.close();
    desk.clock.pass(30 * dayMs);
    scrub = await desk.open(lab.primary);
    await pass(desk.clock, 5000);
    expect(scrub.status().last!.startedWallMs).toBeGreaterThan(first.endedWallMs);
    await scrub.close();
    await lab.close();
  });

  it('can be given up, and refuses a pace that never ends', async () => {
    const lab = await filled();
    const desk = await newDesk();
    const scrub = await desk.open(lab.primary);
    await expect(scrub.stop()).rejects.toMatchObject({ code: 'not-found' });
    await expect(scrub.start(0)).rejects.toMatchObject({ code: 'argument-invalid' });
    await scrub.start();
    await pass(desk.clock, 1000);
    await scrub.stop();
    expect(scrub.status().state).toBe('idle');
    expect(scrub.status().last).toBeUndefined();
    await scrub.close();
    await lab.close();
  });
});
