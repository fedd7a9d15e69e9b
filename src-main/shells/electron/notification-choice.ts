import { type Alert, alertKey, alertPath, type ServerEvent, type ServerSettings } from '../../contract/index.ts';
import { notificationsAtOnceMax } from './limits.ts';

/** A notification of the desktop, as it is to be shown. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  /** What the console shows when it is clicked. */
  readonly path: string;
}

type Threshold = ServerSettings['notifications'];

function isWanted(level: ServerEvent['level'], threshold: Threshold): boolean {
  if (threshold === 'none') return false;
  return level === 'problem' || (level === 'warning' && threshold === 'warning');
}

/**
 * Which events become notifications: the beginning of an alert once, from the
 * chosen level on, and its end if its beginning was one.
 */
export class NotificationChoice {
  /** Alerts that stand, and are heavy enough that their end is told. */
  readonly #standing = new Map<string, ServerEvent['level']>();

  /** `standing` are the alerts from before, whose beginning is not told again. */
  constructor(standing: readonly Alert[]) {
    for (const alert of standing) this.#standing.set(alertKey(alert), alert.level);
  }

  /** The notices for the events of one moment, oldest first. */
  choose(events: readonly ServerEvent[], threshold: Threshold): readonly Notice[] {
    const notices = events.flatMap((event) => this.#noticeOf(event, threshold) ?? []);
    if (notices.length <= notificationsAtOnceMax) return notices;
    const shown = notices.slice(0, notificationsAtOnceMax - 1);
    const rest = notices.length - shown.length;
    return [...shown, { title: 'Mirrorpoint', body: `${rest} more alerts began or ended. Activity lists them.`, path: '/activity' }];
  }

  #noticeOf({ alert, subject, level, text, next }: ServerEvent, threshold: Threshold): Notice | undefined {
    if (alert === undefined) return undefined;
    const named = { kind: alert.kind, subject };
    const key = alertKey(named);
    const path = alertPath(named);
    if (alert.phase === 'raised') {
      const isKnown = this.#standing.has(key);
      this.#standing.set(key, level);
      if (isKnown || !isWanted(level, threshold)) return undefined;
      return { title: `${level === 'problem' ? 'Problem' : 'Warning'}: ${subject}`, body: next === undefined ? text : `${text} ${next}`, path };
    }
    const begun = this.#standing.get(key);
    this.#standing.delete(key);
    return begun !== undefined && isWanted(begun, threshold) ? { title: `Over: ${subject}`, body: text, path } : undefined;
  }
}
