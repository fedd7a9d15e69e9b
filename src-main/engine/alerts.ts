import type { Alert, AlertKind, Level } from '../contract/index.ts';
import type { EventLog } from './event-log.ts';

/** Alerts that stand at a time. A further one is in the event log alone. */
const alertsMax = 1000;

/** A condition as the one who watches it describes it. */
export interface Condition {
  readonly kind: AlertKind;
  readonly subject: string;
  readonly text: string;
  readonly next: string;
  /** `warning` unless given. */
  readonly level?: Level;
}

/**
 * The conditions that last now. Each is known by its kind and subject: it is
 * raised once, whatever its text becomes later, and ends when whoever watches
 * it clears it. Both go into the event log, from which a restart takes up what
 * stood: the watcher then confirms or clears it.
 */
export class Alerts {
  readonly #events: EventLog;
  readonly #alerts = new Map<string, Alert>();
  readonly #listeners = new Set<() => void>();

  constructor(events: EventLog) {
    this.#events = events;
    for (const { level, subject, text, next = '', wallMs, alert } of events.all) {
      if (alert?.phase === 'raised') this.#put({ kind: alert.kind, level, subject, text, next, sinceWallMs: wallMs });
      else if (alert !== undefined) this.#alerts.delete(keyOf(alert.kind, subject));
    }
  }

  /** The oldest first. */
  get current(): Alert[] {
    return [...this.#alerts.values()];
  }

  has(kind: AlertKind, subject: string): boolean {
    return this.#alerts.has(keyOf(kind, subject));
  }

  /** Says that a condition holds. Only the first time is an event. */
  raise(condition: Condition): void {
    const { level = 'warning', kind, subject, text, next } = condition;
    const known = this.#alerts.get(keyOf(kind, subject));
    if (known === undefined) {
      this.#events.add(subject, text, { level, next, alert: { kind, phase: 'raised' } });
      this.#put({ kind, level, subject, text, next, sinceWallMs: this.#events.last(1)[0]!.wallMs });
    } else if (known.text !== text || known.next !== next || known.level !== level) {
      this.#put({ ...known, level, text, next });
    } else return;
    this.#changed();
  }

  /** Says that a condition does not hold, with what made it end, where that is known. */
  clear(kind: AlertKind, subject: string, text?: string): void {
    const known = this.#alerts.get(keyOf(kind, subject));
    if (known === undefined) return;
    this.#alerts.delete(keyOf(kind, subject));
    this.#events.add(subject, text ?? `No longer so: ${known.text}`, { alert: { kind, phase: 'cleared' } });
    this.#changed();
  }

  /** Calls the listener when an alert was raised, changed or cleared; the result ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #put(alert: Alert): void {
    const key = keyOf(alert.kind, alert.subject);
    if (this.#alerts.has(key) || this.#alerts.size < alertsMax) this.#alerts.set(key, alert);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function keyOf(kind: AlertKind, subject: string): string {
  return `${kind} ${subject}`;
}
