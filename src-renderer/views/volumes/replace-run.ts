import { formatBytes, type ReplaceDeviceEvent } from '../../../src-main/contract/index.ts';

/** What a run that replaces a device of a volume is kept under. */
export function replaceKey(volume: string): string {
  return `replace-device ${volume}`;
}

/** What came of replacing a device; undefined before its end. */
export function replaceOutcome(events: readonly ReplaceDeviceEvent[]): string | undefined {
  const done = events.find((event) => event.type === 'done');
  if (done === undefined) return undefined;
  const { unreadableBytes, isScrubbing } = done;
  if (unreadableBytes === 0) return 'The new device has taken the place of the old one, with everything that was on it.';
  const next = isScrubbing ? 'A scrub heals from the other side what of that is in use.' : 'Start a scrub: it heals from the other side what of that is in use.';
  return `The new device has taken the place of the old one, which did not give ${formatBytes(unreadableBytes)}. ${next}`;
}
