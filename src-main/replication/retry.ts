import type { MirrorpointError } from '../base/index.ts';

const quickMinMs = 250;
const quickMaxMs = 15_000;
const slowMs = 30_000;

/** Faults that a new link may cure although they are not the link's end. */
function isOfTheLink(fault: MirrorpointError): boolean {
  return fault.code === 'frame-invalid' || fault.code === 'frame-too-large' || fault.code === 'message-invalid';
}

/**
 * How long to wait before the link is opened again, in milliseconds. `attempt`
 * counts the failures since the last session that came about, from 0. Temporary
 * faults and an orderly end are tried again soon, and then ever later; what a
 * person must see to is tried slowly, in case somebody has.
 */
export function retryDelayMs(fault: MirrorpointError | undefined, attempt: number): number {
  if (fault !== undefined && !isPassing(fault)) return slowMs;
  return Math.min(quickMaxMs, quickMinMs * 2 ** Math.min(attempt, 16));
}

/** Whether the relationship counts as connecting again, not as failed. */
export function isPassing(fault: MirrorpointError): boolean {
  return fault.faultClass === 'temporary' || isOfTheLink(fault);
}
