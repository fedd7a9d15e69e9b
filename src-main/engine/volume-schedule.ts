import { z } from 'zod';
import { type CancelTimer, type Clock, isFault, reasonOf } from '../base/index.ts';
import { lookAtSchedule, nextRunMs } from '../retention/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import type { LineLog } from './ports.ts';
import type { ScheduleSettings } from './settings.ts';
import { type RetentionFacts, retainSnapshots } from './snapshot-retention.ts';
import type { OpenPrimary } from './volume-opening.ts';

/** The clock is looked at so often, since timers do not run while a machine sleeps. */
const lookMsMax = 30_000;

/** With snapshots of each CP, rules are applied so often, or, where that takes long, for this part of the time. */
const tidyMs = 60_000;
const tidyShare = 0.02;

const stateSchema = z.object({
  /** Of which setting of the schedule this speaks. */
  setWallMs: z.number(),
  /** From when on runs are counted. */
  countedFromMs: z.number(),
  lastRunWallMs: z.number(),
});
type ScheduleState = z.infer<typeof stateSchema>;

export interface VolumeScheduleParts {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly alerts: Alerts;
  /** Where the last run is remembered. */
  readonly lines: LineLog;
  /** The schedule in force; undefined when there is none. */
  readonly settings: () => ScheduleSettings | undefined;
  readonly facts: (open: OpenPrimary) => Promise<RetentionFacts>;
  /** Otherwise the schedule is only known, and each CP kept if it says so. */
  readonly isRunning: boolean;
}

/**
 * The schedule of one primary's volume. It looks at the wall clock again and
 * again, so that runs missed in a sleep, before a start of the server or through
 * a jump of the clock are made up for at once, all of them by one.
 */
export class VolumeSchedule {
  readonly open: OpenPrimary;
  readonly #parts: VolumeScheduleParts;
  #state: ScheduleState | undefined;
  #stored: ScheduleState | undefined;
  #cancel: CancelTimer = () => undefined;
  #looking: Promise<void>;
  #isClosed = false;

  constructor(open: OpenPrimary, parts: VolumeScheduleParts) {
    this.open = open;
    this.#parts = parts;
    this.#keepEachCp();
    this.#looking = this.#load().then(() => this.#look());
  }

  /** When it ran last and runs next, as far as it has, and does. */
  async times(): Promise<{ lastRunWallMs?: number; nextRunWallMs?: number }> {
    await this.#looking;
    const settings = this.#parts.settings();
    const state = this.#state;
    if (settings === undefined || state?.setWallMs !== settings.setWallMs) return {};
    const { lastRunWallMs, countedFromMs } = state;
    const { everyMs } = settings;
    return { lastRunWallMs, ...(everyMs !== 'cp' && this.#parts.isRunning && { nextRunWallMs: nextRunMs(everyMs, countedFromMs) }) };
  }

  /** Does now what the settings now say. Resolves when that is done, or has failed and is an alert. */
  async settingsChanged(): Promise<void> {
    this.#keepEachCp();
    this.#lookSoon();
    await this.#looking;
  }

  /** Runs no more; resolves when what runs has ended. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#looking;
  }

  #keepEachCp(): void {
    this.open.volume.snapshots.keepEachCp(this.#parts.settings()?.everyMs === 'cp');
  }

  #lookSoon(): void {
    this.#cancel();
    this.#looking = this.#looking.then(() => this.#look());
  }

  /** Looks what is due, and when to look again. */
  async #look(): Promise<void> {
    const settings = this.#parts.settings();
    if (this.#isClosed || !this.#parts.isRunning) return;
    let nextMs: number | undefined = lookMsMax;
    try {
      nextMs = settings && (await this.#step(settings));
      this.#parts.alerts.clear('schedule-failed', this.#subject);
    } catch (fault) {
      this.#tell(fault);
    }
    if (nextMs !== undefined) this.#lookAgainIn(nextMs);
  }

  #lookAgainIn(delayMs: number): void {
    if (this.#isClosed) return;
    this.#cancel = this.#parts.clock.setTimer(delayMs, () => {
      this.#lookSoon();
    });
  }

  /** What is due; resolves to the time until the next look. A schedule begins with a snapshot, and drops none before its next run. */
  async #step({ everyMs, keep, setWallMs }: ScheduleSettings): Promise<number> {
    const { clock } = this.#parts;
    const { volume } = this.open;
    const nowMs = clock.wallMs();
    const startedMs = clock.monotonicMs();
    if (this.#state?.setWallMs !== setWallMs) {
      if (await volume.snapshots.hasNews()) await volume.snapshots.retain({ keep: true, drop: [] });
      this.#state = { setWallMs, countedFromMs: nowMs, lastRunWallMs: nowMs };
    } else if (everyMs === 'cp') await this.#retain(keep, false);
    else await this.#runWhenDue(this.#state, { everyMs, keep, nowMs });
    await this.#store();
    if (everyMs === 'cp') return Math.max(tidyMs, (clock.monotonicMs() - startedMs) / tidyShare);
    return Math.min(lookMsMax, nextRunMs(everyMs, nowMs) - nowMs);
  }

  async #runWhenDue(state: ScheduleState, now: { everyMs: number; keep: ScheduleSettings['keep']; nowMs: number }): Promise<void> {
    const { everyMs, keep, nowMs } = now;
    const { due, lastMs } = lookAtSchedule(everyMs, { lastMs: state.countedFromMs, nowMs });
    if (due > 0) {
      const { made } = await this.#retain(keep, true);
      const what = made === undefined ? 'nothing had changed since the newest snapshot' : `one snapshot, ${made.name}, was taken for all of them`;
      if (due > 1) this.#parts.events.add(this.#subject, `${due} runs of the snapshot schedule fell due while they could not be made; ${what}.`);
    }
    if (lastMs !== state.countedFromMs) this.#state = { ...state, countedFromMs: lastMs, ...(due > 0 && { lastRunWallMs: nowMs }) };
  }

  async #retain(keep: ScheduleSettings['keep'], isRun: boolean): ReturnType<typeof retainSnapshots> {
    return retainSnapshots(this.open.volume, { keep, facts: await this.#parts.facts(this.open), isRun });
  }

  get #subject(): string {
    return `volume ${this.open.name}`;
  }

  async #load(): Promise<void> {
    const line = await this.#parts.lines.read().then((lines) => lines.at(-1), () => undefined);
    try {
      this.#state = this.#stored = stateSchema.parse(JSON.parse(line ?? 'null'));
    } catch {
      // Without it the next look is the first.
    }
  }

  /** What could not be stored is tried again with each look. */
  async #store(): Promise<void> {
    const state = this.#state;
    if (state === this.#stored || state === undefined) return;
    await this.#parts.lines.replace([JSON.stringify(state)]);
    this.#stored = state;
  }

  #tell(fault: unknown): void {
    // While a volume is handed over or closed there is nothing to take snapshots of; the next look comes.
    if (isFault(fault, 'volume-read-only') || isFault(fault, 'device-closed')) return;
    this.#parts.alerts.raise({
      kind: 'schedule-failed',
      subject: this.#subject,
      text: `The snapshots of its schedule could not be taken or given up: ${reasonOf(fault)}`,
      next: 'It is tried again twice a minute. Mend what is said here; see `mirrorpoint schedule show`.',
    });
  }
}
