import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import type { Schedule } from '../../src-main/contract/index.ts';
import { MemoryServer } from './memory-engine.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const none = { keepAllForMs: 0, last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

async function serverWith(schedule: { everyMs: Schedule['everyMs']; keep: Partial<Schedule['keep']> }): Promise<MemoryServer> {
  const server = new MemoryServer();
  await server.start();
  await server.createVolume('work');
  await server.touch('work', 'first');
  await server.client.schedule.set({ volume: 'work', schedule: { everyMs: schedule.everyMs, keep: { ...none, ...schedule.keep } } });
  return server;
}

function eventsOf(server: MemoryServer): string[] {
  return server.engine.events.all.filter(({ subject }) => subject === 'volume work').map(({ text }) => text);
}

/** Moves the wall clock to the next multiple of an interval, where a run falls due, and lets it be found. */
async function toNextRun(server: MemoryServer, everyMs: number): Promise<void> {
  await server.sleep(everyMs - (server.clock.wallMs() % everyMs));
}

describe('a schedule of snapshots', () => {
  it('takes the first at once and one with each run in which something has changed, and drops by its rules in the same CP', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { last: 3 } });
    expect(await server.snapshots('work')).toHaveLength(1);
    await server.client.snapshots.create({ volume: 'work', snapshot: 'by hand' });
    for (let run = 0; run < 8; run++) {
      if (run !== 4) await server.touch('work', `file ${run}`);
      await toNextRun(server, hourMs);
    }
    const found = await server.snapshots('work');
    expect(found.map(({ name }) => name.startsWith('auto-'))).toEqual([false, true, true, true]);
    const { records } = await server.client.cp.history({ volume: 'work', limit: 100 });
    // The first, the one by hand, and seven runs with news; the eighth found nothing and took no CP.
    expect(records.filter(({ cause }) => cause === 'snapshot')).toHaveLength(9);
    expect((await server.client.schedule.show({ volume: 'work' })).nextRunWallMs).toBeGreaterThan(server.clock.wallMs());
    expect(eventsOf(server)).toEqual([]);
  });

  it('makes up for the runs of a sleep of three days by exactly one, at once', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { hourly: 24 } });
    await toNextRun(server, hourMs);
    await server.touch('work', 'before the sleep');
    await server.sleep(3 * dayMs);
    expect(await server.snapshots('work')).toHaveLength(2);
    expect(eventsOf(server)).toEqual([expect.stringMatching(/^72 runs of the snapshot schedule fell due .* one snapshot, auto-.*, was taken for all/)]);
    await server.touch('work', 'after it');
    await server.pass(10 * minuteMs);
    expect(await server.snapshots('work')).toHaveLength(2);
    await toNextRun(server, hourMs);
    expect(await server.snapshots('work')).toHaveLength(3);
  });

  it('makes up for the runs that fell due while no server ran, and for none that did not', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { hourly: 24 } });
    await toNextRun(server, hourMs);
    await server.touch('work', 'a');
    await server.stop();
    await server.start();
    expect(await server.snapshots('work')).toHaveLength(1);
    await server.stop();
    server.clock.setWall(5 * hourMs);
    await server.start();
    await server.settle();
    expect(await server.snapshots('work')).toHaveLength(2);
    expect(eventsOf(server).at(-1)).toMatch(/^5 runs/);
  });

  it('neither storms nor falls silent when the clock is set back for ten days, and keeps the newest by CP', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { last: 2, daily: 7 } });
    for (let run = 0; run < 3; run++) {
      await server.touch('work', `before ${run}`);
      await toNextRun(server, hourMs);
    }
    const before = await server.snapshots('work');
    server.clock.setWall(-10 * dayMs);
    await server.touch('work', 'after');
    await server.pass(10 * minuteMs);
    expect(await server.snapshots('work')).toEqual(before);
    await toNextRun(server, hourMs);
    const [older, newest] = (await server.snapshots('work')).slice(-2);
    expect(older).toEqual(before.at(-1));
    expect(newest!.cp).toBeGreaterThan(older!.cp);
    expect(newest!.wallMs).toBeLessThan(older!.wallMs - 9 * dayMs);
  });

  it('of every CP keeps each that changes files, and thins them out with time', async () => {
    await using server = await serverWith({ everyMs: 'cp', keep: { keepAllForMs: 10 * minuteMs, hourly: 3 } });
    for (let round = 0; round < 12; round++) {
      await server.touch('work', `file ${round}`);
      await server.client.cp.now({ volume: 'work' });
      await server.client.cp.now({ volume: 'work' });
    }
    expect(await server.snapshots('work')).toHaveLength(13);
    await server.pass(15 * minuteMs);
    expect(await server.snapshots('work')).toHaveLength(1);
    await server.client.schedule.off({ volume: 'work' });
    await server.touch('work', 'unkept');
    await server.client.cp.now({ volume: 'work' });
    expect(await server.snapshots('work')).toHaveLength(1);
  });

  it('keeps every CP that a command takes without a server too, and runs in a server alone', async () => {
    const server = await serverWith({ everyMs: 'cp', keep: { last: 100 } });
    await server.stop();
    await server.start({ serve: false });
    await server.touch('work', 'offline');
    await server.client.cp.now({ volume: 'work' });
    expect(await server.snapshots('work')).toHaveLength(2);
    expect((await server.client.schedule.show({ volume: 'work' })).isActive).toBe(false);
    await server.stop();
  });

  it('waits on a mirror', async () => {
    await using server = new MemoryServer();
    await server.start();
    await server.createVolume('copy', { role: 'mirror' });
    const status = await server.client.schedule.set({ volume: 'copy', schedule: { everyMs: hourMs, keep: { ...none, daily: 7 } } });
    expect(status).toEqual({ schedule: { everyMs: hourMs, keep: { ...none, daily: 7 } }, isActive: false });
    await server.pass(2 * hourMs, minuteMs);
    expect(server.engine.alerts.current).toEqual([]);
  });

  it('that fails is an alert, and goes on when it can', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { last: 3 } });
    const { volume } = await server.engine.shelf.primary('work');
    const state = server.log(`schedule-${Buffer.from(volume.id).toString('hex')}`);
    const replace = state.replace.bind(state);
    state.replace = () => Promise.reject(new Error('no room'));
    await server.touch('work', 'a');
    await toNextRun(server, hourMs);
    expect(server.engine.alerts.current.map(({ kind, text }) => [kind, text])).toEqual([['schedule-failed', expect.stringContaining('no room')]]);
    state.replace = replace;
    await server.pass(minuteMs);
    expect(server.engine.alerts.current).toEqual([]);
    expect(state.lines.at(-1)).toContain(`"lastRunWallMs":${(await server.client.schedule.show({ volume: 'work' })).lastRunWallMs}`);
  });

  it('shows beforehand what would go and what that frees, and a prune takes just that', async () => {
    await using server = await serverWith({ everyMs: hourMs, keep: { last: 100 } });
    for (let run = 0; run < 6; run++) {
      await server.touch('work', `file ${run}`);
      await toNextRun(server, hourMs);
    }
    await server.client.snapshots.create({ volume: 'work', snapshot: 'by hand' });
    const [, held] = await server.snapshots('work');
    await server.client.snapshots.hold({ volume: 'work', snapshot: held!.name, label: 'audit', reason: 'until March' });
    const keep = { ...none, last: 2 };
    const preview = await server.client.schedule.preview({ volume: 'work', keep });
    expect(preview.snapshots.map(({ reasons }) => reasons)).toEqual([[], ['held'], [], [], [], ['last'], ['newest', 'last'], ['by-hand', 'last-good']]);
    expect([preview.keptCount, preview.droppedCount, preview.more]).toEqual([4, 4, false]);
    expect(preview.freedBytes).toBeGreaterThan(0);
    const page = await server.client.schedule.preview({ volume: 'work', keep, limit: 3 });
    expect([page.snapshots, page.more, page.droppedCount]).toEqual([preview.snapshots.slice(0, 3), true, 4]);
    expect(await server.snapshots('work')).toHaveLength(8);

    await server.client.schedule.set({ volume: 'work', schedule: { everyMs: hourMs, keep } });
    expect(await server.snapshots('work')).toHaveLength(8);
    const { cp } = await server.client.volumes.inspect({ volume: 'work' });
    const { dropped, freedBytes } = await server.client.schedule.prune({ volume: 'work' });
    expect(dropped).toEqual(preview.snapshots.flatMap(({ name, reasons }) => (reasons.length === 0 ? [name] : [])));
    expect(freedBytes).toBe(preview.freedBytes);
    expect(await server.snapshots('work')).toHaveLength(4);
    expect((await server.client.volumes.inspect({ volume: 'work' })).cp).toBe(cp + 1);
  });

  it('that was not set cannot be shown what it would leave, and one that cannot be meant is refused', async () => {
    await using server = new MemoryServer();
    await server.start();
    await server.createVolume('work');
    expect(await server.client.schedule.show({ volume: 'work' })).toEqual({ isActive: false });
    for (const call of [server.client.schedule.preview({ volume: 'work' }), server.client.schedule.prune({ volume: 'work' }), server.client.schedule.off({ volume: 'work' })]) {
      await expect(call).rejects.toSatisfy((fault: unknown) => isFault(fault, 'not-found'));
    }
    const bad: [unknown, Record<string, number>, RegExp][] = [
      [hourMs, {}, /keeps nothing\. Say how many/],
      [dayMs, { keepAllForMs: hourMs }, /less time than passes until the next/],
      [0, { daily: 7 }, /every minute to every 366 days, or with every CP; `schedule off` ends it/],
      [-hourMs, { daily: 7 }, /every minute/],
      [59_999, { daily: 7 }, /every minute/],
      [367 * dayMs, { daily: 7 }, /every minute/],
      [NaN, { daily: 7 }, /every minute/],
      [hourMs, { daily: -1 }, /not negative; leave the rule out/],
      [hourMs, { daily: 1.5 }, /whole number/],
      [hourMs, { daily: 1e9 }, /at most 100,000/],
      [hourMs, { keepAllForMs: -5 }, /not negative; leave the rule out/],
      [hourMs, { keepAllForMs: 400 * dayMs }, /one year at most/],
    ];
    for (const [everyMs, keep, text] of bad) {
      const setting = server.client.schedule.set({ volume: 'work', schedule: { everyMs: everyMs as number, keep: { ...none, ...keep } } });
      const fault: unknown = await setting.catch((thrown: unknown) => thrown);
      expect([everyMs, keep, isFault(fault, 'argument-invalid') && fault.message]).toEqual([everyMs, keep, expect.stringMatching(text)]);
    }
    expect(await server.client.schedule.show({ volume: 'work' })).toEqual({ isActive: false });
  });
});
