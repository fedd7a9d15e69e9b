import { type ErrorCode, isFault } from '../../base/index.ts';

/** What the exit status of a command says. The help and the README list them. */
export const exitCodes = {
  ok: 0,
  /** The command could not do its work. */
  fault: 1,
  /** The command was not understood; nothing was done. */
  usage: 2,
  /** A comparison found differences, or a check found damage. */
  differences: 3,
  /** Done, but some entries were left out. */
  incomplete: 4,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

const usageCodes: ReadonlySet<ErrorCode> = new Set(['argument-invalid', 'path-escapes', 'address-invalid']);

export function exitCodeOf(thrown: unknown): number {
  if (!isFault(thrown)) return exitCodes.fault;
  if (thrown.code === 'cancelled') return exitCodes.interrupted;
  return usageCodes.has(thrown.code) ? exitCodes.usage : exitCodes.fault;
}
