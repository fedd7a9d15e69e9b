import { describe, expect, it } from 'vitest';
import { isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { jobsMax, problemsReportedMax } from '../../src-main/contract/index.ts';
import { TaskGroup } from '../../src-main/engine/task-group.ts';
import { about, newBoard } from './job-lab.ts';

async function gather<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}

describe('a job', () => {
  it('tells what it tells in order, and ends with its result', async () => {
    const board = newBoard();
    const events = await gather(
      board.run<{ type: 'difference'; index: number }, { total: number }>(about, async (job) => {
        for (let index = 0; index < 1000; index++) await job.tell({ type: 'difference', index });
        return { total: 1000 };
      }),
    );
    const told = events.filter((event) => event.type === 'difference').map((event) => ('index' in event ? event.index : -1));
    expect(told).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(events.at(-1)).toMatchObject({ type: 'done', total: 1000, problemCount: 0 });
  });

  it('goes on after a problem, counts all and reports a bounded number', async () => {
    const board = newBoard();
    const events = await gather(
      board.run<never, object>(about, async (job) => {
        for (let index = 0; index < problemsReportedMax + 5; index++) job.problem(`/${index}`, new MirrorpointError('exists', 'there'));
        return {};
      }),
    );
    expect(events.filter((event) => event.type === 'problem')).toHaveLength(problemsReportedMax);
    expect(events.at(-1)).toMatchObject({ problemCount: problemsReportedMax + 5 });
  });

  it('that fails throws what it threw, and a fault of the program is no problem of an entry', async () => {
    const board = newBoard();
    const failing = board.run<never, object>(about, async (job) => {
      job.problem('/x', new TypeError('mine'));
      return {};
    });
    await expect(gather(failing)).rejects.toThrow(TypeError);
  });

  it('stops when nobody listens any more, and only then is it gone', async () => {
    const board = newBoard();
    let isEnded = false;
    const stream = board.run<{ type: 'difference' }, object>(about, async (job) => {
      try {
        for (;;) await job.tell({ type: 'difference' });
      } finally {
        isEnded = true;
      }
    });
    for await (const _event of stream) break;
    expect(isEnded).toBe(true);
  });

  it('holds its work back when its listener is slow', async () => {
    const board = newBoard();
    let told = 0;
    const stream = board.run<{ type: 'difference' }, object>(about, async (job) => {
      for (;;) {
        await job.tell({ type: 'difference' });
        told++;
      }
    });
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toBeLessThan(1000);
    await stream.return();
  });

  it('holds several tasks back at once, and lets all of them go on', async () => {
    const board = newBoard();
    const stream = board.run<{ type: 'difference' }, object>(about, async (job) => {
      const task = async (): Promise<void> => {
        for (let told = 0; told < 100; told++) await job.tell({ type: 'difference' });
      };
      await Promise.all(Array.from({ length: 16 }, task));
      return {};
    });
    let count = 0;
    for await (const event of stream) {
      if (event.type === 'difference') count++;
      // Slower than the tasks, so that they fill the queue.
      if (count < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(count).toBe(1600);
  });

  it('is one of a bounded number, all of which end when the board closes', async () => {
    const board = newBoard();
    const endless = (): AsyncGenerator<unknown, void, void> =>
      board.run<{ type: 'difference' }, object>(about, async (job) => {
        for (;;) await job.tell({ type: 'difference' });
      });
    const streams = Array.from({ length: jobsMax }, endless);
    for (const stream of streams) await stream.next();
    await expect(endless().next()).rejects.toMatchObject({ code: 'argument-invalid' });
    await board.close();
    for (const stream of streams) {
      const end = await gather(stream).catch((thrown: unknown) => thrown);
      expect(isFault(end, 'cancelled')).toBe(true);
    }
  });
});

describe('a group of tasks', () => {
  it('runs no more at once than it may, by number and by cost', async () => {
    const group = new TaskGroup(4, 10);
    let [running, runningMax, cost, costMax] = [0, 0, 0, 0];
    for (let index = 0; index < 100; index++) {
      const taskCost = 1 + (index % 6);
      await group.start(async () => {
        running++;
        cost += taskCost;
        [runningMax, costMax] = [Math.max(runningMax, running), Math.max(costMax, cost)];
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        cost -= taskCost;
      }, taskCost);
    }
    await group.finish();
    expect(runningMax).toBeLessThanOrEqual(4);
    expect(runningMax).toBeGreaterThan(1);
    expect(costMax).toBeLessThanOrEqual(10);
  });

  it('throws the first fault of a task', async () => {
    const group = new TaskGroup(2);
    await group.start(async () => {
      throw new Error('first');
    });
    await expect(group.finish()).rejects.toThrow('first');
  });
});
