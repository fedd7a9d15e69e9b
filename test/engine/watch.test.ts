import { describe, expect, it } from 'vitest';
import { watch } from '../../src-main/engine/watch.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

/** A number that is watched, and what a listener has heard of it. */
function watched(options: { quietMs?: number; signal?: AbortSignal } = {}): {
  clock: VirtualClock;
  set: (value: number) => void;
  stream: AsyncGenerator<number, void, void>;
  listeners: Set<() => void>;
} {
  const clock = new VirtualClock();
  const listeners = new Set<() => void>();
  let value = 0;
  const stream = watch(clock, {
    look: () => (value < 0 ? undefined : value),
    onNews: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    intervalMs: 1000,
    signal: undefined,
    ...options,
  });
  const set = (next: number): void => {
    value = next;
    for (const listener of listeners) listener();
  };
  return { clock, set, stream, listeners };
}

/** Lets everything run that waits for no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Asks for the next value; resolves to it when it has come by then. */
function asking(stream: AsyncGenerator<number, void, void>): { values: number[] } {
  const values: number[] = [];
  void stream.next().then(({ value }) => {
    if (typeof value === 'number') values.push(value);
  });
  return { values };
}

describe('what is watched', () => {
  it('is told at once, and then when it changes, at most once per interval', async () => {
    const { clock, set, stream } = watched();
    expect(await stream.next()).toEqual({ value: 0, done: false });
    const next = asking(stream);
    await settle();
    set(1);
    set(2);
    clock.pass(999);
    await settle();
    expect(next.values).toEqual([]);
    clock.pass(1);
    await settle();
    expect(next.values).toEqual([2]);
  });

  it('is not told while nothing changes, and at once when it changes after that', async () => {
    const { clock, set, stream } = watched();
    await stream.next();
    const next = asking(stream);
    await settle();
    clock.pass(1000);
    await settle();
    clock.pass(3_600_000);
    await settle();
    expect(next.values).toEqual([]);
    set(7);
    await settle();
    expect(next.values).toEqual([7]);
  });

  it('is told now and then without a change, where that is wanted', async () => {
    const { clock, stream } = watched({ quietMs: 5000 });
    await stream.next();
    const next = asking(stream);
    await settle();
    clock.pass(1000);
    await settle();
    clock.pass(3999);
    await settle();
    expect(next.values).toEqual([]);
    clock.pass(1);
    await settle();
    expect(next.values).toEqual([0]);
  });

  it('is told as it is last to a slow listener, however often it changed', async () => {
    const { clock, set, stream } = watched();
    await stream.next();
    for (let value = 1; value <= 1000; value++) {
      set(value);
      clock.pass(10_000);
    }
    const next = asking(stream);
    await settle();
    clock.pass(1000);
    await settle();
    expect(next.values).toEqual([1000]);
  });

  it('is left out while there is nothing to tell', async () => {
    const { clock, set, stream } = watched();
    await stream.next();
    const next = asking(stream);
    await settle();
    set(-1);
    clock.pass(1000);
    await settle();
    clock.pass(1000);
    set(5);
    await settle();
    clock.pass(1000);
    await settle();
    expect(next.values).toEqual([5]);
  });

  it('is forgotten when its listener goes, and when the signal says so', async () => {
    const control = new AbortController();
    const { clock, stream, listeners } = watched({ signal: control.signal });
    await stream.next();
    const pending = stream.next();
    await settle();
    clock.pass(1000);
    await settle();
    control.abort();
    expect((await pending).done).toBe(true);
    expect(listeners.size).toBe(0);
    const other = watched();
    await other.stream.next();
    await other.stream.return();
    expect(other.listeners.size).toBe(0);
  });
});
