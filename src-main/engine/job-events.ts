import { type Clock, isFault, type RandomSource, reasonOf } from '../base/index.ts';
import type { JobStatus, Level } from '../contract/index.ts';
import type { EventLog } from './event-log.ts';
import { JobBoard } from './job-board.ts';

const levels: Readonly<Record<JobStatus['state'], Level>> = { running: 'info', done: 'info', cancelled: 'warning', failed: 'problem' };

/** A board of jobs whose ends are events, as far as nobody may have listened to them. */
export function boardWithEvents(ports: { clock: Clock; random: RandomSource }, events: EventLog): JobBoard {
  const { clock, random } = ports;
  return new JobBoard({ clock, random, onDetachedEnd: (status, fault) => tellJobEnd(events, status, fault) });
}

/** Notes how a job ended that nobody may have listened to. */
function tellJobEnd(events: EventLog, status: JobStatus, fault: unknown): void {
  const { kind, subject, volume, state, problemCount, outcome } = status;
  const title = `${kind === 'restore' ? 'The restore of' : 'The job on'} ${subject}`;
  const ending = state === 'done' ? (problemCount === 0 ? 'is done' : 'is done with problems') : state === 'failed' ? 'failed' : 'was cancelled';
  const why = isFault(fault) && state === 'failed' ? `${fault.message} ` : '';
  const level = state === 'done' && problemCount > 0 ? 'warning' : levels[state];
  events.add(volume === undefined ? 'server' : `volume ${volume}`, `${title} ${ending}. ${why}${outcome ?? ''}`.trimEnd(), { level });
  if (fault === undefined || isFault(fault)) return;
  const text = fault instanceof Error ? (fault.stack ?? fault.message) : reasonOf(fault);
  events.add('server', `A fault in the program: ${text}`, { level: 'problem' });
}
