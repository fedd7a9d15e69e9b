import { describe, expect, it, onTestFinished } from 'vitest';
import { MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import { endedJobsMax, jobProblemsKept, jobsMax, type JobStatus } from '../../src-main/contract/index.ts';
import { JobBoard } from '../../src-main/engine/job-board.ts';
import { pace } from '../../src-main/engine/job-pace.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const about = { kind: 'restore' as const, subject: 'a test', volume: 'work', uses: ['work'] };

interface Board {
  readonly board: JobBoard;
  readonly clock: SettableClock;
  readonly ends: JobStatus[];
}

function open(): Board {
  const clock = new SettableClock();
  const ends: JobStatus[] = [];
  const board = new JobBoard({ clock, random: new SeededRandom(1), onDetachedEnd: (status) => void ends.push(status) });
  onTestFinished(() => board.close());
  return { board, clock, ends };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the pace of a job', () => {
  const samples = (...all: [atMs: number, files: number, bytes: number][]): Parameters<typeof pace>[0] => all.map(([atMs, files, bytes]) => ({ atMs, files, bytes }));

  it('is not told before it was measured for a while', () => {
    expect(pace([], { files: 0, bytes: 0, bytesTotal: 100 })).toEqual({});
    expect(pace(samples([0, 0, 0], [1999, 1, 50]), { files: 1, bytes: 50, bytesTotal: 100 })).toEqual({});
  });

  it('gives the time left by bytes while there are some to come, else by files', () => {
    const half = samples([0, 0, 0], [2000, 10, 4000]);
    expect(pace(half, { files: 10, bytes: 4000, filesTotal: 30, bytesTotal: 5000 })).toEqual({ bytesPerSecond: 2000, leftMs: 500 });
    expect(pace(half, { files: 10, bytes: 5000, filesTotal: 30, bytesTotal: 5000 })).toEqual({ bytesPerSecond: 2000, leftMs: 4000 });
    expect(pace(half, { files: 30, bytes: 5000, filesTotal: 30, bytesTotal: 5000 })).toMatchObject({ leftMs: 0 });
  });

  it('gives no time without a total, or while nothing moves', () => {
    expect(pace(samples([0, 0, 0], [2000, 10, 4000]), { files: 10, bytes: 4000 })).toEqual({ bytesPerSecond: 2000 });
    expect(pace(samples([0, 5, 4000], [9000, 5, 4000]), { files: 5, bytes: 4000, bytesTotal: 5000 })).toEqual({ bytesPerSecond: 0 });
  });
});

describe('the board of jobs', () => {
  it('shows what runs, with its pace and the time left once they are known, and what came of it', async () => {
    const { board, clock, ends } = open();
    const gate = Promise.withResolvers<undefined>();
    const jobId = board.start(
      about,
      async (job) => {
        Object.assign(job.counts, { files: 1, bytes: 1000, filesTotal: 2, bytesTotal: 11_000, current: '/a' });
        await gate.promise;
        Object.assign(job.counts, { files: 2, bytes: 11_000 });
        job.remarks.push('And this.');
        return { done: 2 };
      },
      ({ done }, { durationMs, problemCount }) => `${done} in ${durationMs} ms, ${problemCount} problems.`,
    );
    expect(board.all).toMatchObject([{ jobId, kind: 'restore', subject: 'a test', volume: 'work', state: 'running', isDetached: true, progress: { files: 1, bytes: 1000, filesTotal: 2, bytesTotal: 11_000, current: '/a' } }]);
    expect(board.all[0]).not.toHaveProperty('leftMs');
    let told = 0;
    board.onChange(() => {
      told++;
    });
    clock.pass(4000);
    expect(told).toBe(8);
    expect(board.all[0]).toMatchObject({ bytesPerSecond: 250, leftMs: 40_000 });
    gate.resolve(undefined);
    await settle();
    expect(board.all).toMatchObject([{ jobId, state: 'done', outcome: '2 in 4000 ms, 0 problems. And this.', endedWallMs: clock.wallMs(), problems: [] }]);
    expect(board.all[0]).not.toHaveProperty('leftMs');
    expect(ends).toEqual(board.all);
  });

  it('keeps the first problems of a job, and counts all', async () => {
    const { board } = open();
    board.start(
      about,
      async (job) => {
        for (let index = 0; index < jobProblemsKept + 7; index++) job.problem(`/${index}`, new MirrorpointError('exists', 'It is there.'));
        return {};
      },
      () => 'Done.',
    );
    await settle();
    expect(board.all[0]).toMatchObject({ problemCount: jobProblemsKept + 7 });
    expect(board.all[0]?.problems).toHaveLength(jobProblemsKept);
    expect(board.all[0]?.problems[0]).toEqual({ path: '/0', code: 'exists', message: 'It is there.' });
  });

  it('says why a job failed, and what it had done', async () => {
    const { board, ends } = open();
    const fail = (thrown: unknown): string =>
      board.start(
        about,
        async (job) => {
          Object.assign(job.counts, { files: 3, bytes: 2048 });
          throw thrown;
        },
        () => 'never',
      );
    fail(new MirrorpointError('volume-full', 'Volume work is full.'));
    fail(new TypeError('mine'));
    await settle();
    expect(ends).toMatchObject([
      { state: 'failed', fault: { code: 'volume-full', message: 'Volume work is full.' }, outcome: 'Before that: 3 entries, 2.0 KiB.' },
      { state: 'failed', outcome: expect.stringContaining('a fault in the program: mine') },
    ]);
  });

  it('cancels a job, which has stopped then, and tells those that ended from those that never were', async () => {
    const { board } = open();
    let hasStopped = false;
    const jobId = board.start(
      about,
      async (job) => {
        await new Promise((_, reject) => {
          job.signal.addEventListener('abort', () => {
            reject(job.signal.reason as Error);
          });
        }).finally(async () => {
          await settle();
          hasStopped = true;
        });
        return {};
      },
      () => 'never',
    );
    expect(await board.cancel(jobId)).toMatchObject({ jobId, state: 'cancelled', outcome: expect.stringContaining('cancelled') });
    expect(hasStopped).toBe(true);
    expect(await board.cancel(jobId)).toMatchObject({ state: 'cancelled' });
    await expect(board.cancel('none')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('shows jobs that someone listens to as well, and ends those when nobody does', async () => {
    const { board, ends } = open();
    const events = board.run({ kind: 'put', subject: 'x to work:/x' }, async (job) => {
      for (;;) await job.tell({ type: 'difference' });
    });
    await events.next();
    expect(board.all).toMatchObject([{ kind: 'put', state: 'running', isDetached: false }]);
    await events.return();
    expect(board.all).toMatchObject([{ state: 'cancelled' }]);
    const other = board.run({ kind: 'put', subject: 'x to work:/x' }, async (job) => {
      for (;;) await job.tell({ type: 'difference' });
    });
    await other.next();
    await board.cancel(board.all[0]!.jobId);
    const rest = (async (): Promise<void> => {
      for await (const _event of other);
    })();
    await expect(rest).rejects.toMatchObject({ code: 'cancelled' });
    expect(ends).toEqual([]);
  });

  it('remembers the last that ended, the newest first, and runs no more than it may', async () => {
    const { board, clock } = open();
    for (let index = 0; index < endedJobsMax + 5; index++) {
      clock.pass(1);
      board.start({ ...about, subject: `${index}` }, async () => ({}), () => 'Done.');
      await settle();
    }
    expect(board.all.map(({ subject }) => subject)).toEqual(Array.from({ length: endedJobsMax }, (_, index) => `${endedJobsMax + 4 - index}`));
    for (let index = 0; index < jobsMax; index++) {
      board.start(about, async (job) => new Promise((resolve) => job.signal.addEventListener('abort', () => resolve({}))), () => 'Done.');
    }
    expect(() => board.start(about, async () => ({}), () => 'Done.')).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });

  it('ends the jobs of a volume that go on by themselves, and all at its own end', async () => {
    const { board, ends } = open();
    const endless = (uses: string[]): string => board.start({ ...about, uses }, async (job) => new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason as Error))), () => 'never');
    const [first, second] = [endless(['work', 'other']), endless(['third'])];
    await board.endOf('other');
    expect(ends).toMatchObject([{ jobId: first, state: 'cancelled', outcome: expect.stringContaining('Volume other was closed') }]);
    await board.close();
    expect(ends[1]).toMatchObject({ jobId: second, state: 'cancelled', outcome: expect.stringContaining('The server ends') });
    expect(() => endless([])).toThrow(expect.objectContaining({ code: 'cancelled' }));
  });
});

describe('jobs by the contract', () => {
  it('are watched from their beginning to their end, and outlive who began them', async () => {
    const server = new MemoryServer();
    await server.start();
    onTestFinished(() => server.stop());
    await server.createVolume('work');
    await server.touch('work', 'file');
    const session = server.engine.newSession();
    const abort = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { jobs } of await server.client.jobs.watch({ intervalMs: 100 }, { signal: abort.signal })) {
        seen.push(jobs.map(({ state }) => state).join());
        if (seen.at(-1) === 'done') return;
      }
    })();
    await server.settle();
    expect(seen).toEqual(['']);
    const { clientOf } = await import('../../src-main/engine/index.ts');
    await server.client.files.makeDirectory({ volume: 'work', path: '/into' });
    const { jobId } = await clientOf(server.engine, session).restore.start({
      source: { volume: 'work', at: 'live', paths: ['/file'] },
      target: { kind: 'volume', volume: 'work', folder: '/into' },
      collisions: 'skip',
    });
    await session.close();
    await server.pass(2000, 100);
    await watching;
    abort.abort();
    expect(await server.client.jobs.cancel({ jobId })).toMatchObject({ state: 'done' });
    const { events } = await server.client.events.list({});
    expect(events.at(-1)).toMatchObject({ subject: 'volume work', level: 'info', text: expect.stringContaining('The restore of work:/file to work:/into is done. Restored 1 file') });
  });
});
