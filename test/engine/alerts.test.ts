import { describe, expect, it } from 'vitest';
import { Alerts } from '../../src-main/engine/alerts.ts';
import { EventLog } from '../../src-main/engine/event-log.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';

async function openLog(lines = new MemoryLog(), clock = new VirtualClock()): Promise<{ lines: MemoryLog; clock: VirtualClock; events: EventLog }> {
  return { lines, clock, events: await EventLog.open(lines, { clock, report: () => undefined }) };
}

const full = { kind: 'held-space', subject: 'volume work', text: 'It holds 3 GiB.', next: 'Look at the mirror.' } as const;

describe('the event log', () => {
  it('goes on after a restart, with ids that rise', async () => {
    const { lines, clock, events } = await openLog();
    events.add('volume work', 'one');
    clock.advance(1000);
    events.add('volume work', 'two', { level: 'problem', next: 'See to it.' });
    await events.close();
    const again = (await openLog(lines, clock)).events;
    again.add('server', 'three');
    expect(again.all.map(({ id, text, level }) => [id, text, level])).toEqual([[1, 'one', 'info'], [2, 'two', 'problem'], [3, 'three', 'info']]);
    expect(again.all[1]!.next).toBe('See to it.');
  });

  it('goes on with its ids when the clock was set back', async () => {
    const { lines, events } = await openLog(undefined, new VirtualClock(2_000_000));
    events.add('a', 'later');
    await events.close();
    const again = (await openLog(lines, new VirtualClock(1_000_000))).events;
    again.add('a', 'earlier');
    expect(again.page({ after: 1, limit: 9 }).events.map(({ id, text }) => [id, text])).toEqual([[2, 'earlier']]);
  });

  it('is read by pages, of the last ones, after an id and since a time', async () => {
    const { clock, events } = await openLog();
    const startWallMs = clock.wallMs();
    for (let index = 1; index <= 10; index++) {
      events.add('a', String(index));
      clock.advance(1000);
    }
    const texts = (choice: Parameters<EventLog['page']>[0]): unknown => {
      const { events: page, more } = events.page(choice);
      return [page.map(({ text }) => text), more];
    };
    expect(texts({ limit: 2 })).toEqual([['9', '10'], false]);
    expect(texts({ after: 0, limit: 2 })).toEqual([['1', '2'], true]);
    expect(texts({ sinceWallMs: startWallMs + 7500, limit: 2 })).toEqual([['9', '10'], false]);
    expect(texts({ after: 9, sinceWallMs: startWallMs + 7000, limit: 2 })).toEqual([['10'], false]);
  });

  it('is bounded, in memory and in the store', async () => {
    const { lines, events } = await openLog();
    for (let index = 0; index < 12_000; index++) events.add('a', String(index));
    await events.close();
    expect(events.all).toHaveLength(5000);
    expect(lines.lines.length).toBeLessThanOrEqual(10_000);
    expect(events.last(1)[0]!.text).toBe('11999');
  });
});

describe('an alert', () => {
  it('is raised once, changes its words quietly, and is cleared once, both in the log', async () => {
    const { clock, events } = await openLog();
    const alerts = new Alerts(events);
    let changes = 0;
    alerts.onChange(() => changes++);
    alerts.raise(full);
    const since = alerts.current[0]!.sinceWallMs;
    clock.advance(5000);
    alerts.raise(full);
    expect(changes).toBe(1);
    alerts.raise({ ...full, text: 'It holds 4 GiB.', level: 'problem' });
    expect(alerts.current).toEqual([{ ...full, text: 'It holds 4 GiB.', level: 'problem', sinceWallMs: since }]);
    expect(events.all).toHaveLength(1);
    alerts.clear('held-space', 'volume work', 'It is back.');
    alerts.clear('held-space', 'volume work');
    expect([alerts.current, changes]).toEqual([[], 3]);
    expect(events.all.map(({ text, alert }) => [text, alert?.phase])).toEqual([['It holds 3 GiB.', 'raised'], ['It is back.', 'cleared']]);
  });

  it('is known by its kind and subject', async () => {
    const alerts = new Alerts((await openLog()).events);
    alerts.raise(full);
    alerts.raise({ ...full, subject: 'volume other' });
    alerts.raise({ ...full, kind: 'lag' });
    alerts.clear('held-space', 'volume work');
    expect(alerts.current.map(({ kind, subject }) => [kind, subject])).toEqual([['held-space', 'volume other'], ['lag', 'volume work']]);
  });

  it('that stood before a restart stands after it, and is not raised again', async () => {
    const { lines, clock, events } = await openLog();
    const alerts = new Alerts(events);
    alerts.raise(full);
    alerts.raise({ ...full, kind: 'lag' });
    alerts.clear('lag', full.subject);
    const before = alerts.current;
    await events.close();
    clock.advance(60_000);
    const reopened = (await openLog(lines, clock)).events;
    const again = new Alerts(reopened);
    expect(again.current).toEqual(before);
    again.raise(full);
    expect(reopened.all).toHaveLength(3);
    again.clear('held-space', full.subject);
    expect([again.current, reopened.last(1)[0]!.text]).toEqual([[], 'No longer so: It holds 3 GiB.']);
  });
});
