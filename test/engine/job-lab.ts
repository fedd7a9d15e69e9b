import { SeededRandom, systemClock } from '../../src-main/base/index.ts';
import type { Job } from '../../src-main/engine/job.ts';
import { JobBoard, type JobSubject } from '../../src-main/engine/job-board.ts';

/** What jobs of tests say that they are about. */
export const about: JobSubject = { kind: 'get', subject: 'a test' };

export function newBoard(): JobBoard {
  return new JobBoard({ clock: systemClock, random: new SeededRandom(1) });
}

/** Runs work as a job on a board of its own; resolves to the events that it told. */
export async function jobEvents<Item>(work: (job: Job<Item>) => Promise<object>): Promise<{ type: string; code?: string }[]> {
  const events: { type: string; code?: string }[] = [];
  for await (const event of newBoard().run(about, work)) events.push(event as { type: string; code?: string });
  return events;
}
