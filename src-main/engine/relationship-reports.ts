import type { Clock } from '../base/index.ts';
import type { HoldStatus, RelationshipState, RelationshipStatus } from '../contract/index.ts';
import type { RelationshipStatus as ReplicationStatus } from '../replication/index.ts';
import { addressOf, type Settings } from './settings.ts';
import { type MeasuredRelationship, verdictOf } from './verdict.ts';

/** One end of a relationship as replication knows it. */
export interface RelationshipFacts extends ReplicationStatus {
  /** In the settings; a mirror that follows nobody yet has none. */
  readonly relationshipId?: string | undefined;
  readonly volume: string;
  readonly role: 'primary' | 'mirror';
  readonly address: string;
  /** On the primary, while its volume is open. */
  readonly hold?: HoldStatus;
}

interface Sample {
  readonly nowMs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

interface Course {
  readonly samples: Sample[];
  /** Since when there has been no session, and since when there has been one. */
  apartSinceMs: number | undefined;
  togetherSinceMs: number | undefined;
}

const noCourse: Readonly<Course> = { samples: [], apartSinceMs: undefined, togetherSinceMs: undefined };

/** Throughput is what went over in the last so many milliseconds. */
const windowMs = 10_000;
const sampleIntervalMs = 1000;

/** Less than this is no transfer: heartbeats alone. */
const transferPerSecondMin = 4096;

/** A lag is an alert beyond this, and beyond three intervals. */
const lagLimitMsMin = 60_000;

/** Follows every relationship through time, and says how each stands. */
export class RelationshipReports {
  readonly #clock: Clock;
  readonly #settings: () => Settings;
  readonly #courses = new Map<string, Course>();

  constructor(options: { clock: Clock; settings: () => Settings }) {
    this.#clock = options.clock;
    this.#settings = options.settings;
  }

  /** Takes a sample of each that is served; called about once a second. The others are forgotten. */
  sample(all: readonly RelationshipFacts[]): void {
    const keys = new Set(all.map(keyOf));
    for (const key of this.#courses.keys()) if (!keys.has(key)) this.#courses.delete(key);
    for (const facts of all) this.#follow(facts);
  }

  report(facts: RelationshipFacts): RelationshipStatus {
    const measured = this.#measure(facts);
    return { ...measured, verdict: verdictOf(measured) };
  }

  /** How long there has been a session, in milliseconds; 0 while there is none. */
  togetherMs(facts: Pick<RelationshipFacts, 'volume' | 'role' | 'address'>): number {
    return this.#since(this.#courses.get(keyOf(facts))?.togetherSinceMs);
  }

  #measure(facts: RelationshipFacts): MeasuredRelationship {
    const { samples, apartSinceMs } = this.#courses.get(keyOf(facts)) ?? noCourse;
    const { intervalMs, lagLimitMs } = this.#limitsOf(facts);
    const { sentPerSecond, receivedPerSecond } = ratesOf(samples);
    const rate = facts.role === 'primary' ? sentPerSecond : receivedPerSecond;
    const isTogether = hasSession(facts);
    const { relationshipId: _relationshipId, ...told } = facts;
    const { lagMs, lagBytes, mirrorCp } = facts;
    return {
      ...told,
      intervalMs,
      lagLimitMs,
      apartMs: isTogether ? 0 : this.#since(apartSinceMs),
      sentPerSecond,
      receivedPerSecond,
      ...(isTogether && intervalMs > 0 && mirrorCp > 0 && { loseUpToMs: intervalMs + lagMs }),
      ...(isTogether && lagBytes > 0 && rate >= transferPerSecondMin && { catchUpMs: (lagBytes / rate) * 1000 }),
    };
  }

  #limitsOf({ volume, role, address }: RelationshipFacts): { intervalMs: number; lagLimitMs: number } {
    const { volumes, relationships } = this.#settings();
    const settings = volumes.find((known) => known.name === volume);
    const own = relationships.find((known) => known.volume === volume && addressOf(known) === address);
    // A mirror's settings have an interval too, which is for the day on which it becomes a primary.
    const intervalMs = role === 'primary' ? (settings?.cpIntervalMs ?? 0) : 0;
    return { intervalMs, lagLimitMs: own?.lagLimitMs ?? settings?.lagLimitMs ?? Math.max(3 * intervalMs, lagLimitMsMin) };
  }

  #follow(facts: RelationshipFacts): void {
    const { bytesSent, bytesReceived } = facts;
    const nowMs = this.#clock.monotonicMs();
    const key = keyOf(facts);
    const course = this.#courses.get(key) ?? { samples: [], apartSinceMs: undefined, togetherSinceMs: undefined };
    this.#courses.set(key, course);
    if (hasSession(facts)) {
      course.togetherSinceMs ??= nowMs;
      course.apartSinceMs = undefined;
    } else {
      course.apartSinceMs ??= nowMs;
      course.togetherSinceMs = undefined;
    }
    const { samples } = course;
    const last = samples.at(-1);
    // A relationship that was begun anew counts from nothing again.
    if (last !== undefined && (bytesSent < last.bytesSent || bytesReceived < last.bytesReceived)) samples.length = 0;
    if (last === undefined || nowMs - last.nowMs >= sampleIntervalMs) samples.push({ nowMs, bytesSent, bytesReceived });
    while (samples.length > 2 && nowMs - samples[1]!.nowMs >= windowMs) samples.shift();
  }

  #since(sinceMs: number | undefined): number {
    return sinceMs === undefined ? 0 : this.#clock.monotonicMs() - sinceMs;
  }
}

const sessionStates: Readonly<Record<RelationshipState, boolean>> = {
  connecting: false,
  baseline: true,
  'catching-up': true,
  live: true,
  paused: false,
  'base-dropped': false,
  error: false,
};

/** Whether the two sides speak with each other. */
export function hasSession({ state }: { readonly state: RelationshipState }): boolean {
  return sessionStates[state];
}

function keyOf({ volume, role, address }: Pick<RelationshipFacts, 'volume' | 'role' | 'address'>): string {
  return `${role} ${volume} ${address}`;
}

/** Bytes per second between the first and the last sample. */
function ratesOf(samples: readonly Sample[]): { sentPerSecond: number; receivedPerSecond: number } {
  const [first, last] = [samples[0], samples.at(-1)];
  const seconds = first === undefined || last === undefined ? 0 : (last.nowMs - first.nowMs) / 1000;
  if (first === undefined || last === undefined || seconds === 0) return { sentPerSecond: 0, receivedPerSecond: 0 };
  return {
    sentPerSecond: (last.bytesSent - first.bytesSent) / seconds,
    receivedPerSecond: (last.bytesReceived - first.bytesReceived) / seconds,
  };
}
