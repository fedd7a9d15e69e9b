import { run } from './command.ts';

/** What every measurement of one run shares. */
export interface BenchRun {
  /** An empty folder for all that is made. */
  readonly work: string;
  /** Everything is smaller by this factor. */
  readonly share: number;
  /** How often each thing is measured; figures are the medians. */
  readonly rounds: number;
  /** For the servers, for instance to profile them. */
  readonly nodeArguments: readonly string[];
  /** Without them, only our own side. */
  readonly withPeers: boolean;
  /** Ends the run between two steps, so that everything is taken down in order. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Lets what was written before reach the disk, so that it is not counted with what comes next; in a small run nobody looks at that. */
export async function quietly<T>({ work, share, signal }: BenchRun, step: () => Promise<T>): Promise<T> {
  if (share === 1) await run('sync', '-f', work);
  signal.throwIfAborted();
  return step();
}

/** Has the system forget what it holds of a file in memory, so that the next reading comes from the disk. */
export async function forget(path: string): Promise<void> {
  await run('sync', path);
  await run('dd', `if=${path}`, 'iflag=nocache', 'count=0', 'status=none');
}

/** Has the system hold all of a file in memory, whatever it gave up meanwhile. */
export async function recall(path: string): Promise<void> {
  await run('dd', `if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none');
}
