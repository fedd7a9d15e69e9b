import { expect, it, onTestFinished } from 'vitest';
import { effectScope, ref } from 'vue';
import type { ServerEvent } from '../../src-main/contract/index.ts';
import { noFilter } from '../../src-renderer/views/activity/event-filter.ts';
import { useEvents } from '../../src-renderer/views/activity/use-events.ts';
import { connectToFake, FakeStream } from './fake-engine.ts';

const eventOf = (id: number): ServerEvent => ({ id, wallMs: id, level: id % 400 === 0 ? 'problem' : 'info', subject: 'server', text: `event ${id}` });
const range = (from: number, to: number): ServerEvent[] => Array.from({ length: to - from + 1 }, (_, index) => eventOf(from + index));

interface Begun {
  readonly events: ReturnType<typeof useEvents>;
  readonly stream: FakeStream<{ events: ServerEvent[] }>;
  /** After which events was asked. */
  readonly asked: number[];
}

/** A server that has told the last of its events, and remembers those from `first` on. */
async function begin(first: number, last: number, filter = ref(noFilter)): Promise<Begun> {
  const stream = new FakeStream<{ events: ServerEvent[] }>();
  const asked: number[] = [];
  stream.tell({ events: range(Math.max(first, last - 199), last) });
  const list = ({ after, limit }: { after: number; limit: number }): Promise<{ events: ServerEvent[]; more: boolean }> => {
    asked.push(after);
    const known = range(first, last).filter(({ id }) => id > after);
    return Promise.resolve({ events: known.slice(0, limit), more: known.length > limit });
  };
  const client = await connectToFake({ events: { watch: (_input, { signal }) => stream.open(signal), list } });
  const scope = effectScope();
  onTestFinished(() => {
    scope.stop();
    client.close();
  });
  return { events: scope.run(() => useEvents(filter))!, stream, asked };
}

it('has what was told, the newest first, and goes back part by part to the first event', async () => {
  const { events } = await begin(1, 1500);
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
  const { events, asked } = await begin(1, 1500, filter);
  await expect.poll(() => events.all.value.length).toBe(200);
  expect(events.lookedFor.value).toEqual([]);
  await events.older.run(2);
  expect(events.lookedFor.value.map(({ id }) => id)).toEqual([1200, 800, 400]);
  expect(asked).toEqual([800, 300]);
});

it('ends where the server has forgotten', async () => {
  const { events } = await begin(1001, 1500);
  await expect.poll(() => events.all.value.length).toBe(200);
  await events.older.run(1000);
  expect([events.all.value.length, events.all.value.at(-1)?.id, events.hasOlder.value]).toEqual([500, 1001, false]);
});

it('goes on with what comes while older ones are shown', async () => {
  const { events, stream } = await begin(1, 300);
  await expect.poll(() => events.all.value.length).toBe(200);
  await events.older.run(50);
  stream.tell({ events: [eventOf(301)] });
  await expect.poll(() => events.all.value[0]?.id).toBe(301);
  expect(events.all.value.map(({ id }) => id)).toEqual(range(1, 301).map(({ id }) => id).reverse());
});
