import { type ErrorCode, isFault } from '../base/index.ts';

/** Faults of a whole side, after which every other entry would meet the same. */
const stoppingCodes: ReadonlySet<ErrorCode> = new Set([
  'volume-full',
  'device-full',
  'volume-read-only',
  'device-closed',
  'link-closed',
  'link-timeout',
  'link-refused',
  'peer-unknown',
  'peer-revoked',
  'cancelled',
]);

/** Whether a copy ends with this fault, instead of leaving out the entry that met it. */
export function endsCopy(fault: unknown): boolean {
  return !isFault(fault) || stoppingCodes.has(fault.code);
}
