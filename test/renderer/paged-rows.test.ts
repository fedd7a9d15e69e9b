import { describe, expect, it } from 'vitest';
import { MirrorpointError } from '../../src-main/contract/index.ts';
import { PagedRows } from '../../src-renderer/views/snapshots/browse/paged-rows.ts';

const pageRows = 10;

/** A list of numbers in pages, and what was asked of it. */
function numbers(length: number): { asked: string[]; ask: (after: string | undefined) => Promise<{ rows: number[]; next: string | undefined }> } {
  const asked: string[] = [];
  return {
    asked,
    ask: async (after) => {
      asked.push(after ?? 'first');
      const from = after === undefined ? 0 : Number(after) + 1;
      const to = Math.min(length, from + pageRows);
      return { rows: Array.from({ length: to - from }, (_, index) => from + index), next: to < length ? String(to - 1) : undefined };
    },
  };
}

describe('a list in pages', () => {
  it('is asked for as far as it is looked at, and a little beyond', async () => {
    const { asked, ask } = numbers(1000);
    const rows = new PagedRows({ ask });
    await rows.need(0, 5);
    expect(rows.count).toBe(210);
    expect(rows.isComplete).toBe(false);
    expect(rows.at(209)).toBe(209);
    expect(rows.at(210)).toBeUndefined();
    await rows.need(0, 10);
    expect(asked).toHaveLength(21);
  });

  it('ends with the last page, and an empty one is complete', async () => {
    const rows = new PagedRows({ ask: numbers(25).ask });
    await rows.need(0, 1);
    expect([rows.count, rows.isComplete]).toEqual([25, true]);
    const none = new PagedRows({ ask: numbers(0).ask });
    expect(none.isBegun).toBe(false);
    await none.need(0, 1);
    expect([none.count, none.isBegun, none.isComplete]).toEqual([0, true, true]);
  });

  it('lets go what was looked at longest ago, and asks for it again', async () => {
    const { asked, ask } = numbers(1000);
    const rows = new PagedRows({ ask, keptPagesMax: 30 });
    await rows.needAll(new AbortController().signal);
    expect([rows.count, rows.isComplete, rows.at(0), rows.at(999)]).toEqual([1000, true, undefined, 999]);
    expect(asked).toHaveLength(100);
    await rows.need(15, 25);
    expect([rows.at(15), rows.at(24)]).toEqual([15, 24]);
    expect(asked.slice(100)).toEqual(['9', '19']);
  });

  it('stops at its bound, and where it is told to', async () => {
    const rows = new PagedRows({ ask: numbers(1000).ask, rowsMax: 300 });
    await rows.needAll(new AbortController().signal);
    expect([rows.count, rows.isComplete, rows.isCut]).toEqual([300, false, true]);
    const stopped = new PagedRows({ ask: numbers(1000).ask });
    await stopped.needAll(AbortSignal.abort());
    expect(stopped.count).toBe(0);
  });

  it('keeps the fault of a page that did not come, and goes on from there', async () => {
    const { ask } = numbers(40);
    let isBroken = true;
    const rows = new PagedRows({
      ask: async (after) => {
        if (after === '19' && isBroken) throw new MirrorpointError('link-closed', 'The line broke.');
        return ask(after);
      },
    });
    await rows.need(0, 40);
    expect([rows.count, rows.isLoading, rows.fault.value?.code]).toEqual([20, false, 'link-closed']);
    isBroken = false;
    await rows.retry();
    expect([rows.count, rows.isComplete, rows.fault.value]).toEqual([40, true, undefined]);
  });
});
