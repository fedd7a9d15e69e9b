import { describe, expect, it, vi } from 'vitest';
import { effectScope, nextTick, ref } from 'vue';
import { MirrorpointError, parseSize } from '../../src-main/contract/index.ts';
import { progressWords, useAnswer, useCursorPages, useLatest, usePages, useTyped } from '../../src-renderer/composables/index.ts';
import { settle } from './fake-engine.ts';

/** A question whose answers the test gives when it wants to. */
function question(): { ask: (signal: AbortSignal) => Promise<string>; asked: PromiseWithResolvers<string>[] } {
  const asked: PromiseWithResolvers<string>[] = [];
  return {
    asked,
    ask: () => {
      const one = Promise.withResolvers<string>();
      asked.push(one);
      return one.promise;
    },
  };
}

describe('the latest of several questions', () => {
  it('is the only one whose answer or fault counts, whichever comes first', async () => {
    const latest = useLatest();
    const [first, second, third] = [1, 2, 3].map(() => Promise.withResolvers<{ path: string }>());
    const [slow, failing, last] = [first!, second!, third!].map(({ promise }) => latest(() => promise));
    third!.resolve({ path: '/typed' });
    second!.reject(new Error('late'));
    first!.resolve({ path: '/home' });
    expect(await Promise.all([slow, failing, last])).toEqual([undefined, undefined, { path: '/typed' }]);
    await expect(latest(() => Promise.reject(new Error('now')))).rejects.toThrow('now');
  });
});

describe('an answer of the engine', () => {
  it('is asked for when there is a connection, and again when that comes back or it is out of date', async () => {
    const { ask, asked } = question();
    const [isConnected, version] = [ref(false), ref(0)];
    const scope = effectScope();
    const { answer } = scope.run(() => useAnswer({ isConnected, version: () => version.value, ask }))!;
    expect(asked).toHaveLength(0);
    isConnected.value = true;
    await nextTick();
    asked[0]!.resolve('one');
    await settle();
    expect(answer.value).toBe('one');
    version.value++;
    await nextTick();
    // What was answered is shown until there is a newer answer.
    expect([asked.length, answer.value]).toEqual([2, 'one']);
    asked[1]!.resolve('two');
    await settle();
    expect(answer.value).toBe('two');
    isConnected.value = false;
    await nextTick();
    isConnected.value = true;
    await nextTick();
    expect(asked).toHaveLength(3);
    scope.stop();
  });

  it('about one thing is never shown for another, however late it comes', async () => {
    const { ask, asked } = question();
    const key = ref('work');
    const scope = effectScope();
    const { answer, isAsking } = scope.run(() => useAnswer({ isConnected: ref(true), key: () => key.value, ask }))!;
    asked[0]!.resolve('of work');
    await settle();
    key.value = 'copy';
    expect(answer.value).toBeUndefined();
    await nextTick();
    key.value = 'other';
    await nextTick();
    asked[1]!.resolve('of copy');
    await settle();
    expect([answer.value, isAsking.value]).toEqual([undefined, true]);
    asked[2]!.resolve('of other');
    await settle();
    expect([answer.value, isAsking.value]).toEqual(['of other', false]);
    scope.stop();
  });

  it('that news make old is waited for, and renewed when it has rested for longer than it took', async () => {
    vi.useFakeTimers();
    try {
      const { ask, asked } = question();
      const cp = ref(1);
      const scope = effectScope();
      const { answer } = scope.run(() => useAnswer({ isConnected: ref(true), news: () => cp.value, ask }))!;
      const passes = async (ms: number): Promise<void> => {
        cp.value++;
        await nextTick();
        await vi.advanceTimersByTimeAsync(ms);
      };
      await passes(60);
      await passes(40);
      expect(asked).toHaveLength(1);
      asked[0]!.resolve('slow');
      await passes(399);
      expect([asked.length, answer.value]).toEqual([1, 'slow']);
      await passes(1);
      expect(asked).toHaveLength(2);
      asked[1]!.resolve('quick');
      await passes(1);
      expect([asked.length, answer.value]).toEqual([3, 'quick']);
      asked[2]!.resolve('quick again');
      // Nothing new, nothing asked.
      await vi.advanceTimersByTimeAsync(5000);
      expect([asked.length, answer.value]).toEqual([3, 'quick again']);
      scope.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it('that is a fault says so, unless the connection is what broke', async () => {
    const { ask, asked } = question();
    const scope = effectScope();
    const { fault, reload } = scope.run(() => useAnswer({ isConnected: ref(true), ask }))!;
    asked[0]!.reject(new MirrorpointError('volume-not-found', 'There is none.'));
    await settle();
    expect(fault.value?.code).toBe('volume-not-found');
    const again = reload();
    asked[1]!.reject(new MirrorpointError('link-closed', 'Gone.'));
    await again;
    expect(fault.value?.code).toBe('volume-not-found');
    const third = reload();
    asked[2]!.resolve('there');
    await third;
    expect(fault.value).toBeUndefined();
    scope.stop();
  });
});

describe('a list shown page by page', () => {
  it('stays on a page that there is', async () => {
    const items = ref([1, 2, 3, 4, 5]);
    const scope = effectScope();
    const { shown, page, pageCount } = scope.run(() => usePages(() => items.value, 2))!;
    page.value = 2;
    expect([shown.value, pageCount.value]).toEqual([[5], 3]);
    items.value = [1, 2, 3];
    await nextTick();
    expect([page.value, shown.value]).toEqual([1, [3]]);
    items.value = [];
    await nextTick();
    expect([page.value, shown.value, pageCount.value]).toEqual([0, [], 1]);
    scope.stop();
  });

  it('that the engine pages goes back the way it came', () => {
    const pages = useCursorPages();
    pages.next(10);
    pages.next(20);
    expect([pages.after.value, pages.page.value]).toEqual([20, 2]);
    pages.previous();
    expect(pages.after.value).toBe(10);
    pages.first();
    expect([pages.after.value, pages.page.value]).toEqual([undefined, 0]);
  });
});

describe('a field', () => {
  it('that is empty is not filled in yet, and is wrong only when something wrong is in it', () => {
    const { text, value, fault } = useTyped(parseSize);
    expect([value.value, fault.value]).toEqual([undefined, undefined]);
    text.value = '12Q';
    expect([value.value, fault.value]).toEqual([undefined, "'12Q' is no size. Write it like 512M, 10G or 4T."]);
    text.value = '12K';
    expect([value.value, fault.value]).toEqual([12_288, undefined]);
  });
});

describe('progress', () => {
  it('is announced at each quarter, and the last one of those that were passed at once', () => {
    expect([progressWords('Copy', 0, 0.2), progressWords('Copy', 0.2, 0.26), progressWords('Copy', 0.26, 0.3), progressWords('Copy', 0.1, 0.8)]).toEqual([
      undefined,
      'Copy: 25 percent.',
      undefined,
      'Copy: 75 percent.',
    ]);
  });
});
