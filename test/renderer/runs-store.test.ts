import { describe, expect, it } from 'vitest';
import { MirrorpointError, type SwitchOverEvent } from '../../src-main/contract/index.ts';
import { type Run, useRunsStore } from '../../src-renderer/stores/index.ts';
import { connectToFake, FakeStream, settle } from './fake-engine.ts';

async function begun(): Promise<{ store: ReturnType<typeof useRunsStore>; stream: FakeStream<SwitchOverEvent>; run: Run<SwitchOverEvent> }> {
  await connectToFake({});
  const store = useRunsStore();
  const stream = new FakeStream<SwitchOverEvent>();
  const run = store.start('switch-over work', (signal) => stream.open(signal));
  await settle();
  return { store, stream, run };
}

describe('long work that a window listens to', () => {
  it('tells its progress and its events apart, and what came of it stays until it is dismissed', async () => {
    const { store, stream, run } = await begun();
    stream.tell({ type: 'progress', files: 0, bytes: 5, bytesTotal: 10 });
    stream.tell({ type: 'step', step: 'stopping-changes' });
    await settle();
    expect([run.progress.value?.bytes, run.events.value.length, run.isRunning.value]).toEqual([5, 1, true]);
    store.forget(run.key);
    expect(store.of(run.key)).toBe(run);
    stream.tell({ type: 'done', durationMs: 1, problemCount: 0, cp: 1, epoch: 2 });
    stream.end();
    await settle();
    expect([run.isRunning.value, run.events.value.at(-1)?.type, run.fault.value]).toEqual([false, 'done', undefined]);
    store.forget(run.key);
    expect(store.of(run.key)).toBeUndefined();
  });

  it('that fails says why', async () => {
    const { stream, run } = await begun();
    stream.end(new MirrorpointError('peer-not-ready', 'Not now.'));
    await settle();
    expect([run.isRunning.value, run.fault.value?.code]).toEqual([false, 'peer-not-ready']);
  });

  it('that is cancelled is listened to no more, and is no fault', async () => {
    const { stream, run } = await begun();
    expect(stream.isListenedTo).toBe(true);
    run.cancel();
    await settle();
    expect([stream.isListenedTo, run.isRunning.value, run.fault.value]).toEqual([false, false, undefined]);
  });
});
