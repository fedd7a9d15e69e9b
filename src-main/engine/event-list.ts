import type { Clock } from '../base/index.ts';
import type { ServerEvent } from '../contract/index.ts';
import type { EnginePorts } from './ports.ts';

const eventsMax = 200;

/** What happened of late that an administrator should see. */
export class EventList {
  readonly #clock: Clock;
  readonly #report: EnginePorts['report'];
  readonly #events: ServerEvent[] = [];

  constructor(options: { clock: Clock; report: EnginePorts['report'] }) {
    this.#clock = options.clock;
    this.#report = options.report;
  }

  add(subject: string, text: string): void {
    this.#events.push({ wallMs: this.#clock.wallMs(), subject, text });
    if (this.#events.length > eventsMax) this.#events.shift();
    this.#report({ subject, text });
  }

  /** The last ones, oldest first. */
  last(count: number): ServerEvent[] {
    return this.#events.slice(-count);
  }
}
