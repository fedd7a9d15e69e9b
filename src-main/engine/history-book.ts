import type { Clock } from '../base/index.ts';
import type { CpHistoryRecord, CpSample, HistorySpan, RelationshipSample } from '../contract/index.ts';
import { Course } from './course.ts';
import { linesOfRelationship, linesOfVolume, readLine, type RelationshipCourse, type VolumeCourse } from './course-lines.ts';
import type { CpLog } from './cp-log.ts';
import { cpSample, measureOfCp, mergeCps, mergeRelationship, type RelationshipMeasure, relationshipSample, spans } from './measures.ts';
import type { LineLog } from './ports.ts';
import { hasSession, type RelationshipFacts } from './relationship-reports.ts';
import { believedAfterMs, smallBackMs, WallCheck } from './wall-check.ts';

/** How much a crash loses at the most; the first time comes sooner, for servers that do not live long. */
const writeIntervalMs = 60_000;
const firstWriteMs = 10_000;

/** What was not looked at for longer is not known. */
const lookGapMsMax = 10_000;

/** Beyond twice what it would be written anew, and this, the log is. */
const rewriteCharactersMin = 64 * 1024;

/** What is measured of relationships that are served, and the CPs of open primaries. */
export interface Measured {
  readonly relationships: readonly RelationshipFacts[];
  readonly volumes: readonly { readonly name: string; readonly id: string; readonly cpLog: Pick<CpLog, 'newerThan'> }[];
}

/** The relationships by their ids and the volumes by their names: what is of no other is forgotten. */
interface Known {
  readonly relationships: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
}

interface HistoryOptions {
  readonly clock: Clock;
  readonly log: LineLog;
  /** Those that there are now. */
  readonly known: () => Known;
}

interface Counters {
  readonly monotonicMs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/**
 * What was measured of the relationships and CPs of a server in the last hour,
 * day and week, kept across restarts. It informs; nothing depends on it. Its
 * memory and its log are bounded by how many relationships and volumes there are.
 */
export class HistoryBook {
  readonly #clock: Clock;
  readonly #log: LineLog;
  readonly #known: () => Known;
  readonly #relationships = new Map<string, RelationshipCourse>();
  readonly #volumes = new Map<string, VolumeCourse>();
  readonly #counters = new Map<string, Counters>();
  readonly #wall: WallCheck;
  #writeAtMs: number;
  #saving: Promise<void> = Promise.resolve();
  #hasMeasured = false;
  #mustRewrite = false;
  #logCharacters: number;
  #rewrittenCharacters = 0;

  private constructor(options: HistoryOptions, lines: readonly string[]) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#known = options.known;
    this.#logCharacters = lines.reduce((sum, line) => sum + line.length, 0);
    const known = this.#known();
    for (const line of lines) {
      readLine(line, {
        relationship: (id) => (known.relationships.has(id) ? this.#relationship(id) : undefined),
        volume: (volume) => (known.volumes.has(volume.name) ? this.#volume(volume) : undefined),
      });
    }
    this.#settle();
    this.#wall = new WallCheck(this.#newestWallMs);
    this.#writeAtMs = options.clock.monotonicMs() + firstWriteMs;
  }

  static async open(options: HistoryOptions): Promise<HistoryBook> {
    return new HistoryBook(options, await options.log.read());
  }

  /** Measures what there is; called about once a second. */
  sample({ relationships, volumes }: Measured): void {
    const now = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    const isBelieved = this.#wall.isBelieved(now);
    this.#hasMeasured = true;
    const seen = new Set<string>();
    for (const facts of relationships) {
      const { relationshipId } = facts;
      if (relationshipId === undefined) continue;
      seen.add(relationshipId);
      const measure = this.#measure(relationshipId, facts, now.monotonicMs);
      if (measure !== undefined && isBelieved) this.#relationship(relationshipId).course.add(now.wallMs, measure);
    }
    for (const id of this.#counters.keys()) if (!seen.has(id)) this.#counters.delete(id);
    if (isBelieved) {
      for (const { name, id, cpLog } of volumes) {
        const volume = this.#volume({ name, id });
        for (const record of cpLog.newerThan(volume.cp)) this.#addCp(volume, record, now.wallMs);
      }
    }
    if (now.monotonicMs >= this.#writeAtMs) void this.save();
  }

  relationship(id: string, span: HistorySpan): { stepMs: number; samples: RelationshipSample[] } {
    const steps = this.#relationships.get(id)?.course.last(span, this.#clock.wallMs()) ?? [];
    return { stepMs: spans[span].stepMs, samples: steps.map(({ wallMs, value }) => relationshipSample(wallMs, value)) };
  }

  cps(name: string, span: HistorySpan): { stepMs: number; samples: CpSample[] } {
    const steps = this.#volumes.get(name)?.course.last(span, this.#clock.wallMs()) ?? [];
    return { stepMs: spans[span].stepMs, samples: steps.map(({ wallMs, value }) => cpSample(wallMs, value)) };
  }

  /** Forgets what is no more, and stores what is new. What cannot be stored now is stored with the next. */
  save(): Promise<void> {
    this.#writeAtMs = this.#clock.monotonicMs() + writeIntervalMs;
    this.#forget();
    this.#saving = this.#saving.then(() => this.#save()).catch(() => undefined);
    return this.#saving;
  }

  /** Waits until what was measured is stored, as far as it can be. */
  async close(): Promise<void> {
    if (this.#hasMeasured) await this.save();
  }

  async #save(): Promise<void> {
    const lines = this.#lines('changed');
    const characters = lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#mustRewrite || this.#logCharacters + characters > 2 * this.#rewrittenCharacters + rewriteCharactersMin) {
      const all = this.#lines('all');
      this.#settle();
      this.#mustRewrite = true;
      await this.#log.replace(all);
      this.#mustRewrite = false;
      this.#rewrittenCharacters = this.#logCharacters = all.reduce((sum, line) => sum + line.length, 0);
      return;
    }
    if (lines.length === 0) return;
    this.#settle();
    // Until it is known to be stored, all of it would have to be written again.
    this.#mustRewrite = true;
    await this.#log.append(lines);
    this.#mustRewrite = false;
    this.#logCharacters += characters;
  }

  #lines(which: 'all' | 'changed'): string[] {
    return [
      ...[...this.#relationships.values()].flatMap((one) => linesOfRelationship(one, which)),
      ...[...this.#volumes.values()].flatMap((one) => linesOfVolume(one, which)),
    ];
  }

  #settle(): void {
    for (const { course } of this.#relationships.values()) course.settle();
    for (const { course } of this.#volumes.values()) course.settle();
  }

  #forget(): void {
    const { relationships, volumes } = this.#known();
    const gone = [...this.#relationships.keys()].filter((id) => !relationships.has(id));
    const goneVolumes = [...this.#volumes.keys()].filter((name) => !volumes.has(name));
    for (const id of gone) this.#relationships.delete(id);
    for (const name of goneVolumes) this.#volumes.delete(name);
    if (gone.length + goneVolumes.length > 0) this.#mustRewrite = true;
  }

  /** What went over since the last look; undefined when there was none, or too long ago. */
  #measure(id: string, facts: RelationshipFacts, monotonicMs: number): RelationshipMeasure | undefined {
    const { bytesSent, bytesReceived } = facts;
    const before = this.#counters.get(id);
    this.#counters.set(id, { monotonicMs, bytesSent, bytesReceived });
    const measuredMs = before === undefined ? 0 : monotonicMs - before.monotonicMs;
    if (before === undefined || measuredMs <= 0 || measuredMs > lookGapMsMax) return undefined;
    return {
      measuredMs,
      // A relationship that was begun anew counts from nothing again.
      sentBytes: bytesSent - (bytesSent < before.bytesSent ? 0 : before.bytesSent),
      receivedBytes: bytesReceived - (bytesReceived < before.bytesReceived ? 0 : before.bytesReceived),
      ...knownLag(facts),
    };
  }

  #addCp(volume: VolumeCourse, record: CpHistoryRecord, nowWallMs: number): void {
    volume.cp = record.cp;
    const endWallMs = record.startedWallMs + record.durationMs;
    const { newestWallMs } = volume.course;
    // One from a clock that was not believed then.
    if (endWallMs < newestWallMs - smallBackMs && endWallMs < nowWallMs - believedAfterMs - smallBackMs) return;
    if (endWallMs > nowWallMs + smallBackMs) return;
    volume.course.add(endWallMs, measureOfCp(record));
  }

  #relationship(id: string): RelationshipCourse {
    const known = this.#relationships.get(id) ?? { id, course: new Course(mergeRelationship) };
    this.#relationships.set(id, known);
    return known;
  }

  /** Another volume may have had the name before. */
  #volume({ name, id }: Pick<VolumeCourse, 'name' | 'id'>): VolumeCourse {
    const known = this.#volumes.get(name);
    if (known?.id === id) return known;
    if (known !== undefined) this.#mustRewrite = true;
    const made: VolumeCourse = { name, id, cp: 0, course: new Course(mergeCps) };
    this.#volumes.set(name, made);
    return made;
  }

  get #newestWallMs(): number {
    const courses = [...this.#relationships.values(), ...this.#volumes.values()].map(({ course }) => course.newestWallMs);
    return Math.max(0, ...courses);
  }
}

/** How far the mirror is behind, where this server knows: a primary by what the mirror had last, a mirror while the two speak. */
function knownLag(facts: RelationshipFacts): Pick<RelationshipMeasure, 'lagMs' | 'lagBytes'> {
  const { role, state, mirrorCp, lagMs, lagBytes } = facts;
  const isKnown = role === 'primary' || hasSession(facts);
  return {
    lagMs: isKnown && mirrorCp > 0 ? lagMs : undefined,
    lagBytes: isKnown && (mirrorCp > 0 || state === 'baseline') ? lagBytes : undefined,
  };
}
