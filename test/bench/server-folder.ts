import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchRun } from './bench-run.ts';

/** A new folder for the settings and images of a server, removed with the stack. */
export function makeServerFolder(stack: AsyncDisposableStack, { work }: BenchRun, name: string): string {
  const folder = join(work, name);
  mkdirSync(folder);
  stack.defer(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}
