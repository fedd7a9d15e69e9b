import type { Clock } from '../base/index.ts';
import { type BlockHealer, healText, type HealRecord } from '../volume/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';

/** What happens within this time is one event. */
const gatherMs = 5000;

interface Gathered {
  readonly first: HealRecord;
  count: number;
}

/** Says what became of bad blocks, whoever met them: a few words for many, and an alert for what is lost. */
export class HealReports {
  readonly #options: { volume: string; clock: Clock; alerts: Alerts; events: EventLog };
  readonly #stop: () => void;
  readonly #gathered = new Map<HealRecord['outcome'], Gathered>();
  #cancel: () => void = () => undefined;

  constructor(healer: BlockHealer, options: { volume: string; clock: Clock; alerts: Alerts; events: EventLog }) {
    this.#options = options;
    this.#stop = healer.onHeal((record) => {
      this.#gather(record);
    });
  }

  /** Says what has not been said yet. Idempotent. */
  close(): void {
    this.#stop();
    this.#cancel();
    this.#tell();
  }

  #gather(record: HealRecord): void {
    if (this.#gathered.size === 0) {
      this.#cancel = this.#options.clock.setTimer(gatherMs, () => {
        this.#tell();
      });
    }
    const known = this.#gathered.get(record.outcome);
    if (known === undefined) this.#gathered.set(record.outcome, { first: record, count: 1 });
    else known.count++;
  }

  #tell(): void {
    const { volume, alerts, events } = this.#options;
    const subject = `volume ${volume}`;
    for (const [outcome, { first, count }] of this.#gathered) {
      const text = `${healText(first)}${count > 1 ? ` So it is with ${count - 1} more.` : ''}`;
      if (outcome !== 'lost') events.add(subject, text, { level: 'warning' });
      else if (!alerts.has('scrub-errors', subject)) {
        const next = `Connect the other side, then run \`mirrorpoint scrub start ${volume}\`: it heals what it can, and names the files that are hit.`;
        alerts.raise({ kind: 'scrub-errors', level: 'problem', subject, text, next });
      }
    }
    this.#gathered.clear();
  }
}
