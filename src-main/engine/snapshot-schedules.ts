import { toHex } from '../base/index.ts';
import type { ScheduleStatus } from '../contract/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import type { EnginePorts } from './ports.ts';
import type { SettingsBook } from './settings.ts';
import type { OpenPrimary } from './volume-opening.ts';
import { VolumeSchedule, type VolumeScheduleParts } from './volume-schedule.ts';

interface ScheduleParts {
  readonly ports: EnginePorts;
  readonly book: SettingsBook;
  readonly events: EventLog;
  readonly alerts: Alerts;
  readonly facts: VolumeScheduleParts['facts'];
  readonly isServing: boolean;
}

/** The snapshot schedules of the primary volumes that are open. They run in a server alone. */
export class SnapshotSchedules {
  readonly #parts: ScheduleParts;
  readonly #schedules = new Map<string, VolumeSchedule>();

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  /** Takes up the schedule of a volume in the step in which it was opened. */
  adopt(open: OpenPrimary): void {
    const { ports, book, events, alerts, facts, isServing } = this.#parts;
    void this.#schedules.get(open.name)?.close();
    const schedule = new VolumeSchedule(open, {
      clock: ports.clock,
      events,
      alerts,
      facts,
      // By its identity: another volume may have had the name before.
      lines: ports.log(`schedule-${toHex(open.volume.id)}`),
      settings: () => book.current.volumes.find(({ name }) => name === open.name)?.schedule,
      isRunning: isServing,
    });
    this.#schedules.set(open.name, schedule);
  }

  /** Ends the schedule of a volume that is about to be closed. */
  async drop(volume: string): Promise<void> {
    const schedule = this.#schedules.get(volume);
    this.#schedules.delete(volume);
    await schedule?.close();
    this.#parts.alerts.clear('schedule-failed', `volume ${volume}`);
  }

  /** Does now what the settings of a volume now say. */
  async settingsChanged(volume: string): Promise<void> {
    await this.#schedules.get(volume)?.settingsChanged();
  }

  async status(volume: string): Promise<ScheduleStatus> {
    const settings = this.#parts.book.current.volumes.find(({ name }) => name === volume)?.schedule;
    if (settings === undefined) return { isActive: false };
    const running = this.#schedules.get(volume);
    const { everyMs, keep } = settings;
    return { schedule: { everyMs, keep }, isActive: this.#parts.isServing && running !== undefined, ...(await running?.times()) };
  }

  async close(): Promise<void> {
    for (const schedule of this.#schedules.values()) await schedule.close();
  }
}
