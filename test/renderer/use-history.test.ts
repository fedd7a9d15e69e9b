import { expect, it, onTestFinished } from 'vitest';
import { effectScope, ref } from 'vue';
import type { HistorySpan, RelationshipSample, RelationshipStatus, ServerStatus } from '../../src-main/contract/index.ts';
import { useHistory } from '../../src-renderer/views/overview/use-history.ts';
import { connectToFake, FakeStream } from './fake-engine.ts';
import { relationshipOf } from './relationship-of.ts';

const nowMs = 10_000_000;

it('shows what was stored, and then what is told, and asks anew as steps end and for another span', async () => {
  const stream = new FakeStream<ServerStatus>();
  const stored: RelationshipSample[] = [{ wallMs: nowMs - 20_000, lagMs: 1, lagBytes: 0, sentPerSecond: 0, receivedPerSecond: 0 }];
  const asked: HistorySpan[] = [];
  const current = ref<RelationshipStatus>(relationshipOf({ lagMs: 7 }));
  const span = ref<HistorySpan>('hour');
  const tell = (wallMs: number): void => {
    stream.tell({ wallMs, volumes: [], relationships: [current.value], alerts: [], events: [] } as unknown as ServerStatus);
  };
  const history = {
    relationship: (input: { span: HistorySpan }) => {
      asked.push(input.span);
      return Promise.resolve({ stepMs: 10_000, samples: [...stored] });
    },
    cps: () => Promise.resolve({ stepMs: 10_000, samples: [] }),
  };
  const client = await connectToFake({ server: { watch: (_input, { signal }) => stream.open(signal) }, history });
  const scope = effectScope();
  onTestFinished(() => {
    scope.stop();
    client.close();
  });
  const result = scope.run(() => useHistory(() => current.value, span))!;

  tell(nowMs);
  await expect.poll(() => result.link.value?.values.lagMs).toEqual([null, 1, null, 7]);
  expect(result.shown.value).toEqual({ fromMs: nowMs - 3_600_000, toMs: nowMs });
  current.value = relationshipOf({ lagMs: 9 });
  tell(nowMs + 1000);
  await expect.poll(() => result.link.value?.values.lagMs).toEqual([null, 1, null, 7, 9]);

  // The step has ended, and the server has stored what was told in it.
  stored.push({ wallMs: nowMs, lagMs: 9, lagBytes: 0, sentPerSecond: 0, receivedPerSecond: 0 });
  const before = asked.length;
  tell(nowMs + 10_000);
  await expect.poll(() => asked.length).toBe(before + 1);
  await expect.poll(() => result.link.value?.values.lagMs).toEqual([null, 1, null, 9, 9]);

  span.value = 'week';
  await expect.poll(() => asked.at(-1)).toBe('week');
  expect(result.shown.value.fromMs).toBe(nowMs + 10_000 - 7 * 24 * 3_600_000);
});
