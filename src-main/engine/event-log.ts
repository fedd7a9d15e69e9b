import type { Clock } from '../base/index.ts';
import { eventSchema, type Level, type ServerEvent } from '../contract/index.ts';
import type { EnginePorts, LineLog } from './ports.ts';
import { RecordLog } from './record-log.ts';

/** Events kept. */
const eventsMax = 5000;

/** What happened that an administrator may want to know, kept across restarts. */
export class EventLog {
  readonly #clock: Clock;
  readonly #report: EnginePorts['report'];
  readonly #log: RecordLog<ServerEvent>;
  readonly #listeners = new Set<() => void>();
  #lastId: number;

  private constructor(ports: { clock: Clock; report: EnginePorts['report'] }, log: RecordLog<ServerEvent>) {
    this.#clock = ports.clock;
    this.#report = ports.report;
    this.#log = log;
    this.#lastId = log.records.reduce((last, { id }) => Math.max(last, id), 0);
  }

  static async open(lines: LineLog, ports: { clock: Clock; report: EnginePorts['report'] }): Promise<EventLog> {
    return new EventLog(ports, await RecordLog.open(lines, { schema: eventSchema, recordsMax: eventsMax }));
  }

  /** Oldest first. */
  get all(): readonly ServerEvent[] {
    return this.#log.records;
  }

  /** 0 when nothing has happened yet. */
  get lastId(): number {
    return this.#lastId;
  }

  /** `subject` is what it is about, such as `volume work`; `more` what sets it apart from a plain notice. */
  add(subject: string, text: string, more: { level?: Level } & Pick<ServerEvent, 'next' | 'alert'> = {}): void {
    const { level = 'info', ...rest } = more;
    this.#log.add([{ id: ++this.#lastId, wallMs: this.#clock.wallMs(), level, subject, text, ...rest }]);
    this.#report({ subject, text });
    for (const listener of this.#listeners) listener();
  }

  /** The last ones, oldest first. */
  last(count: number): ServerEvent[] {
    return this.#log.records.slice(-count);
  }

  /** A page, oldest first: of those after an id and since a time, or else the last ones. */
  page(choice: { after?: number | undefined; sinceWallMs?: number | undefined; limit: number }): { events: ServerEvent[]; more: boolean } {
    const { after, sinceWallMs, limit } = choice;
    if (after === undefined && sinceWallMs === undefined) return { events: this.last(limit), more: false };
    const chosen = this.all.filter(({ id, wallMs }) => id > (after ?? 0) && wallMs >= (sinceWallMs ?? -Infinity));
    return { events: chosen.slice(0, limit), more: chosen.length > limit };
  }

  /** Calls the listener after each event; the result ends that. */
  onEvent(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Waits until what happened is stored, as far as it can be. */
  close(): Promise<void> {
    return this.#log.close();
  }
}
