import type { z } from 'zod';

/** The second argument of a program that has an input, which ends with the one who started it. */
export const untilInputEnds = 'until-input-ends';

/** The second argument of a program that Electron has started: it has no input, and ends when its parent sends it anything. */
export const untilTold = 'until-told';

/** What Electron gives such a program to hear its parent by. */
interface ParentPort {
  on(event: 'message', listener: () => void): void;
}

/**
 * What a small program was told, as its first argument says. It does not outlive
 * whoever started it, be that killed: `end` is called then, and is to end it.
 */
export function taskOf<T>(schema: z.ZodType<T>, end: () => void = () => process.exit()): T {
  const [task = '', mode] = process.argv.slice(2);
  if (mode === untilInputEnds) {
    process.stdin.on('end', end).on('error', end);
    process.stdin.resume();
  }
  // Such a process cannot outlive its parent anyhow.
  if (mode === untilTold) (process as { parentPort?: ParentPort }).parentPort?.on('message', end);
  return schema.parse(JSON.parse(task));
}

/** Tells whoever started the program something: a line of JSON. Resolves when it has been taken. */
export function tell(report: unknown): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(report)}\n`, () => resolve());
  });
}
