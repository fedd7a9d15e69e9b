import type { z } from 'zod';

/** Told to a program that has an input, which ends with the one who started it. */
export const untilInputEnds = 'until-input-ends';

/**
 * What a small program was told: its argument that is an object. It does not
 * outlive whoever started it, be that killed: `end` is called then, and is to end it.
 */
export function taskOf<T>(schema: z.ZodType<T>, end: () => void = () => process.exit()): T {
  const task = process.argv.find((word) => word.startsWith('{')) ?? '';
  process.on('SIGTERM', end);
  if (process.argv.includes(untilInputEnds)) {
    process.stdin.on('end', end).on('error', end);
    process.stdin.resume();
  }
  return schema.parse(JSON.parse(task));
}

/** Tells whoever started the program something: a line of JSON. Resolves when it has been taken. */
export function tell(report: unknown): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(report)}\n`, () => resolve());
  });
}
