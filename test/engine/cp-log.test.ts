import { describe, expect, it } from 'vitest';
import type { CpHistoryRecord } from '../../src-main/contract/index.ts';
import { CpLog } from '../../src-main/engine/cp-log.ts';
import { MemoryLog } from './memory-log.ts';

function record(cp: number): CpHistoryRecord {
  return { cp, cause: 'timer', startedWallMs: 1000 * cp, durationMs: 1, dataBlocks: 2, addressBlocks: 1, bytes: 12288 };
}

describe('the history of CPs', () => {
  it('goes on after a restart, newest first, page by page', async () => {
    const lines = new MemoryLog();
    const log = await CpLog.open(lines);
    log.add([record(1), record(2)]);
    log.add([record(1), record(2), record(3)]);
    await log.close();
    const again = await CpLog.open(lines);
    again.add([record(4)]);
    expect(again.page({ limit: 2 }).map(({ cp }) => cp)).toEqual([4, 3]);
    expect(again.page({ before: 3, limit: 9 }).map(({ cp }) => cp)).toEqual([2, 1]);
  });

  it('is bounded, in memory and in the store', async () => {
    const lines = new MemoryLog();
    const log = await CpLog.open(lines);
    for (let cp = 1; cp <= 25_000; cp += 100) log.add(Array.from({ length: 100 }, (_, index) => record(cp + index)));
    await log.close();
    expect(log.page({ limit: 50_000 })).toHaveLength(10_000);
    expect(lines.lines.length).toBeLessThanOrEqual(20_000);
    expect((await CpLog.open(lines)).page({ limit: 1 })[0]?.cp).toBe(25_000);
  });

  it('passes over lines that are no records', async () => {
    const lines = new MemoryLog();
    lines.lines = [JSON.stringify(record(1)), '{"cp":', 'null', '{"cp":"x"}', JSON.stringify(record(2))];
    expect((await CpLog.open(lines)).page({ limit: 9 }).map(({ cp }) => cp)).toEqual([2, 1]);
  });
});
