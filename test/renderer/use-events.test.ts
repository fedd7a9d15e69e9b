import { expect, it, onTestFinished } from 'vitest';
import { ref } from 'vue';
import type { ServerEvent } from '../../src-main/contract/index.ts';
import { noFilter } from '../../src-renderer/views/activity/event-filter.ts';
import { useEvents } from '../../src-renderer/views/activity/use-events.ts';
import { FedStream, inConsole } from './fake-console.ts';

const eventOf = (id: number): ServerEvent => ({ id, wallMs: id, level: id % 400 === 0 ? 'problem' : 'info', subject: 'server', text: `event ${id}` });
const range = (from: number, to: number): ServerEvent[] => Array.from({ length: to - from + 1 }, (_, index) => eventOf(from + index));

/** A server that has told the last of its events, and remembers those from `first` on. */
function begin(first: number, last: number, filter = ref(noFilter)): { events: ReturnType<typeof useEvents>; stream: FedStream<{ events: ServerEvent[] }>; asked: number[] } {
  const stream = new FedStream<{ events: ServerEvent[] }>();
  const asked: number[] = [];
  stream.feed({ events: range(Math.max(first, last - 199), last) });
  const list = ({ after, limit }: { after: number; limit: number }): Promise<{ events: ServerEvent[]; more: boolean }> => {
    asked.push(after);
    const known = range(first, last).filter(({ id }) => id > after);
    return Promise.resolve({ events: known.slice(0, limit), more: known.length > limit });
  };
  const { result, scope } = inConsole({ events: { watch: () => Promise.resolve(stream), list } }, () => useEvents(filter));
  onTestFinished(() => {
    scope.stop();
  });
  return { events: result, stream, asked };
}

it('has what was told, the newest first, and goes back part by part to the first event', async () => {
  const { events } = begin(1, 1500);
  await expect.poll(() => events.all.value.length).toBe(200);
  expect([events.all.value[0]?.id, events.hasOlder.value]).toEqual([1500, true]);
  await events.older.run(50);
  expect(events.all.value.length).toBe(700);
  await events.older.run(2000);
  expect(events.all.value.map(({ id }) => id)).toEqual(range(1, 1500).map(({ id }) => id).reverse());
  expect(events.hasOlder.value).toBe(false);
});

it('goes back until enough of what is looked for was found', async () => {
  const filter = ref({ ...noFilter, level: 'problem' as const });
  const { events, asked } = begin(1, 1500, filter);
  await expect.poll(() => events.all.value.length).toBe(200);
  expect(events.lookedFor.value).toEqual([]);
  await events.older.run(2);
  expect(events.lookedFor.value.map(({ id }) => id)).toEqual([1200, 800, 400]);
  expect(asked).toEqual([800, 300]);
});

it('ends where the server has forgotten', async () => {
  const { events } = begin(1001, 1500);
  await expect.poll(() => events.all.value.length).toBe(200);
  await events.older.run(1000);
  expect([events.all.value.length, events.all.value.at(-1)?.id, events.hasOlder.value]).toEqual([500, 1001, false]);
});

it('goes on with what comes while older ones are shown', async () => {
  const { events, stream } = begin(1, 300);
  await expect.poll(() => events.all.value.length).toBe(200);
  await events.older.run(50);
  stream.feed({ events: [eventOf(301)] });
  await expect.poll(() => events.all.value[0]?.id).toBe(301);
  expect(events.all.value.map(({ id }) => id)).toEqual(range(1, 301).map(({ id }) => id).reverse());
});
