import { MirrorpointError, toHex } from '../base/index.ts';
import { scrubScheduleSchema, type ScrubSchedule } from '../contract/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import { HealReports } from './heal-reports.ts';
import type { EnginePorts } from './ports.ts';
import type { SettingsBook } from './settings.ts';
import type { OpenVolume } from './volume-opening.ts';
import { VolumeScrub } from './volume-scrub.ts';

interface Cared {
  readonly scrub: Promise<VolumeScrub>;
  readonly reports: HealReports;
  /** When each device returned its last error. */
  readonly errorWallMs: Map<string, number>;
  readonly stop: () => void;
}

/** Sees to the blocks of the volumes that are open: their scrubs, and what is to be said of bad blocks and failing devices. */
export class Scrubs {
  readonly #options: { ports: EnginePorts; book: SettingsBook; alerts: Alerts; events: EventLog; isServing: boolean };
  readonly #cared = new Map<string, Cared>();
  readonly #listeners = new Set<() => void>();

  constructor(options: { ports: EnginePorts; book: SettingsBook; alerts: Alerts; events: EventLog; isServing: boolean }) {
    this.#options = options;
  }

  /** Takes up a volume in the step in which it was opened. */
  adopt(open: OpenVolume): void {
    const { ports, alerts, events, isServing } = this.#options;
    const { name, set } = open;
    const volume = open.role === 'primary' ? open.volume : open.mirror;
    const common = { volume: name, clock: ports.clock, alerts, events };
    const scrub = VolumeScrub.open({
      ...common,
      lines: ports.log(`scrub-${toHex(volume.setId)}`),
      schedule: () => this.#scheduleOf(name),
      subject: () => volume.scrubbing,
      liveLabel: open.role === 'primary' ? 'live' : 'last',
      isServing,
      onPassEnd: (startedWallMs) => {
        this.#judgeDevices(name, startedWallMs);
      },
    });
    scrub
      .then((opened) =>
        opened.onChange(() => {
          this.#changed();
        }),
      )
      .catch(() => undefined);
    const errorWallMs = new Map<string, number>();
    const stop = set.onDeviceError((device) => {
      errorWallMs.set(device, ports.clock.wallMs());
      this.#raise(open, device);
    });
    this.#cared.set(name, { scrub, reports: new HealReports(volume.healer, common), errorWallMs, stop });
  }

  /** The scrub of a volume that is open. */
  of(name: string): Promise<VolumeScrub> {
    const cared = this.#cared.get(name);
    if (cared !== undefined) return cared.scrub;
    throw new MirrorpointError('volume-not-found', `Volume ${name} is not open, so there is nothing to scrub. See \`mirrorpoint volume list\`.`);
  }

  /** Ends what goes on with a volume that is about to be closed. */
  async drop(name: string): Promise<void> {
    const cared = this.#cared.get(name);
    this.#cared.delete(name);
    if (cared === undefined) return;
    cared.stop();
    const scrub = await cared.scrub.catch(() => undefined);
    await scrub?.close();
    cared.reports.close();
  }

  /** A device has gone, and its errors with it. */
  replaced(volume: string, old: string, next: string): void {
    const { alerts, events } = this.#options;
    events.add(`volume ${volume}`, `${next} has taken the place of ${old}.`);
    alerts.clear('device-errors', subjectOf(volume, old), `${next} has taken its place.`);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    for (const name of [...this.#cared.keys()]) await this.drop(name);
  }

  #scheduleOf(name: string): ScrubSchedule {
    const settings = this.#options.book.current.volumes.find((volume) => volume.name === name);
    return settings?.scrub ?? scrubScheduleSchema.parse({});
  }

  #raise(open: OpenVolume, device: string): void {
    const errors = open.set.deviceErrors.find((one) => one.device === device);
    if (errors === undefined) return;
    const { reads, writes, flushes } = errors;
    this.#options.alerts.raise({
      kind: 'device-errors',
      level: 'problem',
      subject: subjectOf(open.name, device),
      text: `It returned errors: ${reads} at reading, ${writes} at writing, ${flushes} at flushing. What it does not give is read from the other side while the link stands.`,
      next: `Check the drive and its cables, and replace it by \`mirrorpoint volume replace-device ${open.name} ${device} NEW-PATH\`.`,
    });
  }

  /** A pass has read every block in use: devices that returned no error since it began are sound again. */
  #judgeDevices(volume: string, startedWallMs: number): void {
    const { alerts } = this.#options;
    const errorWallMs = this.#cared.get(volume)?.errorWallMs;
    for (const { kind, subject } of alerts.current) {
      if (kind !== 'device-errors' || !subject.startsWith(subjectOf(volume, ''))) continue;
      const lastWallMs = errorWallMs?.get(subject.slice(subjectOf(volume, '').length)) ?? -Infinity;
      if (lastWallMs < startedWallMs) alerts.clear(kind, subject, 'A scrub read every block in use, and the device returned no error.');
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function subjectOf(volume: string, device: string): string {
  return `volume ${volume}, device ${device}`;
}
