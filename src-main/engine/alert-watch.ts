import type { CancelTimer, Clock } from '../base/index.ts';
import type { AlertKind, RelationshipStatus, VolumeSummary } from '../contract/index.ts';
import { judgeRelationship, type Judgement, type RelationshipKind, subjectOf } from './alert-rules.ts';
import type { Alerts } from './alerts.ts';

const lookIntervalMs = 1000;

/** A condition is raised when it holds so often in a row: what passes by itself meanwhile is not told. */
const looksToRaise = 3;

/** Whoever raises another kind clears it as well. */
const kindsWatched: readonly AlertKind[] = ['lag', 'link-down', 'clock-skew', 'volume-failed'];

/** What the watch looks at. */
export interface Watched {
  readonly volumes: readonly VolumeSummary[];
  /** Those of volumes that are served, with how long the session of each has stood. */
  readonly relationships: readonly { readonly status: RelationshipStatus; readonly togetherMs: number }[];
}

/** Looks at the server every second, and raises and clears the alerts that its state alone tells. */
export class AlertWatch {
  readonly #alerts: Alerts;
  readonly #clock: Clock;
  readonly #look: () => Watched;
  readonly #seenCounts = new Map<string, number>();
  #cancel: CancelTimer = () => undefined;

  constructor(options: { alerts: Alerts; clock: Clock; look: () => Watched }) {
    this.#alerts = options.alerts;
    this.#clock = options.clock;
    this.#look = options.look;
  }

  /** Looks now, and from then on every second. */
  start(): void {
    this.#cancel = this.#clock.setTimer(lookIntervalMs, () => {
      this.start();
    });
    this.lookNow();
  }

  /** What is raised stays so, for whoever goes on. Idempotent. */
  close(): void {
    this.#cancel();
  }

  lookNow(): void {
    const { volumes, relationships } = this.#look();
    const known = new Set<string>();
    const settle = (kind: AlertKind, subject: string, judgement: Judgement): void => {
      const key = `${kind} ${subject}`;
      known.add(key);
      if (judgement === 'over') this.#alerts.clear(kind, subject);
      if (judgement === 'over' || judgement === 'unchanged') {
        this.#seenCounts.delete(key);
        return;
      }
      const seenCount = (this.#seenCounts.get(key) ?? 0) + 1;
      this.#seenCounts.set(key, seenCount);
      if (seenCount >= looksToRaise || this.#alerts.has(kind, subject)) this.#alerts.raise(judgement);
    };
    for (const volume of volumes) settle('volume-failed', subjectOfVolume(volume), judgeVolume(volume));
    for (const { status, togetherMs } of relationships) {
      const judgements = Object.entries(judgeRelationship(status, togetherMs)) as [RelationshipKind, Judgement][];
      for (const [kind, judgement] of judgements) settle(kind, subjectOf(status), judgement);
    }
    for (const key of this.#seenCounts.keys()) if (!known.has(key)) this.#seenCounts.delete(key);
    for (const { kind, subject } of this.#alerts.current) {
      if (kindsWatched.includes(kind) && !known.has(`${kind} ${subject}`)) this.#alerts.clear(kind, subject, 'It is not there to be watched any more.');
    }
  }
}

function subjectOfVolume({ name }: VolumeSummary): string {
  return `volume ${name}`;
}

function judgeVolume(volume: VolumeSummary): Judgement {
  const { state, fault } = volume;
  if (state !== 'failed') return 'over';
  return {
    kind: 'volume-failed',
    level: 'problem',
    subject: subjectOfVolume(volume),
    text: `It is not served: ${fault?.message ?? 'it could not be opened.'}`,
    next: 'See to what it says, and restart the server.',
  };
}
