import { type CancelTimer, type Clock, isFault, type MirrorpointError, reasonOf } from '../base/index.ts';
import { counted, type FollowStatus, followFaultsMax } from '../contract/index.ts';
import { laterMax, IgnoreRules, rootIdentity, WaitingChanges } from '../following/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import { type Before, type FollowGround, pathIn, splitRelative } from './follow-ground.ts';
import { WorkingHands } from './follow-hands.ts';
import { openTarget, type PassSubject, resolveIntended, runPass } from './follow-pass.ts';
import { FollowRecord } from './follow-record.ts';
import { checkRoot, readIgnoreFile, ignoreFileName } from './follow-root.ts';
import { Job } from './job.ts';
import type { JobBoard } from './job-board.ts';
import type { LocalTree } from './local-tree.ts';
import type { EnginePorts, LineLog, LocalWatch } from './ports.ts';
import type { FollowSettings } from './settings.ts';
import type { OpenPrimary } from './volume-opening.ts';
import { VolumeWriter } from './volume-writer.ts';

/** Changes are gathered for so long before they are taken. */
const quietMs = 300;

/** The folder is looked at so often even if nothing is heard of it: timers do not run while a machine sleeps. */
const lookMsMax = 30_000;

const retryMs = 5000;

/** Full compares of one server that run at once. */
const comparesMax = 4;

export interface FollowParts {
  readonly ports: Pick<EnginePorts, 'clock' | 'localTree' | 'watchFolder'>;
  readonly open: OpenPrimary;
  readonly settings: FollowSettings;
  readonly lines: LineLog;
  readonly jobs: JobBoard;
  readonly alerts: Alerts;
  readonly events: EventLog;
  /** How many full compares run in the server. */
  readonly comparing: { count: number };
}

interface LaterPath {
  readonly dueMs: number;
  readonly sinceMs: number;
  readonly tries: number;
  readonly isForced: boolean;
}

/**
 * Keeps the changes of one folder flowing into one volume: first all of it, then
 * what the watch tells of, and now and then all of it again, since a watch may
 * miss something. What cannot go on tries again, and is an alert meanwhile.
 */
export class Follow {
  readonly settings: FollowSettings;
  readonly #parts: FollowParts;
  readonly #waiting = new WaitingChanges();
  readonly #later = new Map<string, LaterPath>();
  readonly #faults = new Map<string, MirrorpointError>();
  readonly #watch: LocalWatch;
  #record: FollowRecord | undefined;
  #rules = new IgnoreRules([]);
  #state: FollowStatus['state'] = 'comparing';
  #reason: string | undefined;
  #lastCompare: { wallMs: number; tookMs: number } | undefined;
  #target: number | undefined;
  /** Names that the pass which runs has taken up. */
  #underWayCount = 0;
  #faultCount = 0;
  #unwatchedCount = 0;
  #job: Job | undefined;
  #cancel: CancelTimer = () => undefined;
  #wakeAtMs = Infinity;
  #turning: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.#watch = parts.ports.watchFolder(parts.settings.folder, {
      changed: (folder, name) => {
        this.#note(folder, name);
      },
      lost: () => {
        this.#waiting.noteLost();
        this.#wakeIn(quietMs);
      },
    });
    this.#wakeIn(0);
  }

  /** What alerts and events call it. */
  get subject(): string {
    return followSubject(this.settings);
  }

  status(): FollowStatus {
    const { id: _id, volumeId: _volumeId, ...request } = this.settings;
    const last = this.#lastCompare;
    return {
      ...request,
      state: this.#state,
      ...(this.#reason !== undefined && { reason: this.#reason }),
      ...(last !== undefined && { lastCompareWallMs: last.wallMs, lastCompareMs: last.tookMs, nextCompareWallMs: last.wallMs + request.compareEveryMs }),
      waitingCount: this.#waiting.count + this.#later.size + this.#underWayCount,
      takenCount: this.#record?.count ?? 0,
      unwatchedCount: this.#unwatchedCount,
      faultCount: this.#faultCount,
      faults: [...this.#faults].map(([path, { code, message }]) => ({ path, code, message })),
    };
  }

  /** What was taken; for a dry run, which changes nothing of it. */
  get record(): FollowRecord | undefined {
    return this.#record;
  }

  /** Ends the pass that runs, if one does; the next tries whether the volume takes changes. */
  async rest(): Promise<void> {
    this.#job?.cancel(`Volume ${this.settings.volume} is closed, or changes its role.`);
    await this.#turning;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    this.#watch.close();
    await this.rest();
  }

  /** Forgets what was taken; it is not followed any more. */
  async forget(): Promise<void> {
    await this.close();
    await (this.#record ?? (await FollowRecord.open(this.#parts.lines))).erase();
    this.#parts.alerts.clear('follow-failed', this.subject, 'It is not followed any more.');
  }

  get #clock(): Clock {
    return this.#parts.ports.clock;
  }

  #note(folder: string, name: string | undefined): void {
    const { folder: root } = this.settings;
    const path = relativePath(this.#parts.ports.localTree, root, folder);
    if (path === undefined) return;
    if (path === '' && name === ignoreFileName) this.#waiting.noteLost();
    this.#waiting.note(path, name);
    this.#wakeIn(quietMs);
  }

  /** Wakes after the delay at the latest. */
  #wakeIn(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (this.#isClosed || this.#wakeAtMs <= atMs) return;
    this.#cancel();
    this.#wakeAtMs = atMs;
    this.#cancel = this.#clock.setTimer(delayMs, () => {
      this.#wakeAtMs = Infinity;
      this.#turning = this.#turning.then(() => this.#turn());
    });
  }

  async #turn(): Promise<void> {
    if (this.#isClosed) return;
    let delayMs = lookMsMax;
    try {
      await this.#step();
      if (this.#isCompareDue) delayMs = retryMs / 10;
      else {
        this.#state = 'following';
        this.#reason = undefined;
        this.#parts.alerts.clear('follow-failed', this.subject);
      }
    } catch (fault) {
      delayMs = retryMs;
      this.#stumble(fault);
    }
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.min(...[...this.#later.values()].map((later) => later.dueMs));
    this.#wakeIn(Math.max(quietMs, Math.min(delayMs, dueMs - nowMs, this.#waiting.count > 0 && delayMs > retryMs ? quietMs : Infinity)));
  }

  get #isCompareDue(): boolean {
    const last = this.#lastCompare;
    if (last === undefined || this.#waiting.isLost) return true;
    const sinceMs = this.#clock.wallMs() - last.wallMs;
    // A clock that was set back does not put it off.
    return sinceMs >= this.settings.compareEveryMs || sinceMs < 0;
  }

  async #step(): Promise<void> {
    this.#record ??= await FollowRecord.open(this.#parts.lines);
    if (this.#isCompareDue) {
      if (this.#parts.comparing.count >= comparesMax) return;
      this.#parts.comparing.count++;
      try {
        await this.#compare(this.#record);
      } finally {
        this.#parts.comparing.count--;
      }
      return;
    }
    this.#bringBack(this.#clock.monotonicMs());
    this.#underWayCount = this.#waiting.count;
    const { folders } = this.#waiting.take();
    const job = new Job({ isHeard: false });
    await this.#asJob(job, () => this.#pass(folders, job, this.#record!));
  }

  /** Looks at all, as a job that everyone sees. */
  async #compare(record: FollowRecord): Promise<void> {
    const { jobs, events } = this.#parts;
    const { folder, volume, path } = this.settings;
    const isFirst = this.#lastCompare === undefined;
    this.#state = 'comparing';
    await jobs.attend(
      { kind: 'follow', subject: `${folder} with ${volume}:${path}`, volume },
      (job) =>
        this.#asJob(job, async () => {
          const startedMs = this.#clock.monotonicMs();
          this.#waiting.take();
          this.#bringBack(Infinity);
          this.#rules = new IgnoreRules([...this.settings.ignore, ...(await readIgnoreFile(this.#parts.ports.localTree, folder))], ignoreFileName);
          await this.#pass('all', job, record);
          this.#lastCompare = { wallMs: this.#clock.wallMs(), tookMs: this.#clock.monotonicMs() - startedMs };
          if (isFirst && job.counts.files > 0) events.add(this.subject, `Compared in whole for the first time since the start: ${counted(job.counts.files, 'entry', 'entries')} taken or removed.`);
        }),
      () => 'Compared in whole.',
    );
  }

  async #asJob(job: Job, work: () => Promise<void>): Promise<void> {
    this.#job = job;
    try {
      // Whoever closed it meanwhile has not seen this job.
      if (this.#isClosed) job.cancel();
      job.checkCancelled();
      await work();
    } finally {
      this.#job = undefined;
      this.#underWayCount = 0;
    }
  }

  readonly #tried = new Map<string, LaterPath>();

  async #pass(subject: PassSubject, job: Job, record: FollowRecord): Promise<void> {
    const { ports, open } = this.#parts;
    const { volume } = open;
    const { folder: local } = this.settings;
    const stat = await checkRoot({ tree: ports.localTree, local, record, isWhole: subject === 'all' });
    if (subject !== 'all' && subject.length === 0) return;
    const root = { local, stat };
    await using hands = new WorkingHands({ writer: new VolumeWriter(open), tree: ports.localTree, job });
    const target = await openTarget({ volume, hands, root }, this.settings.path);
    if (subject !== 'all' && target !== this.#target) {
      // Somebody has taken the folder away in the volume.
      this.#waiting.noteLost();
      return;
    }
    if (this.#target === undefined) await resolveIntended({ volume, record }, target);
    this.#target = target;
    record.setRoot(rootIdentity(stat));
    const ground = await runPass(
      {
        volume,
        tree: ports.localTree,
        watch: this.#watch,
        record,
        rules: this.#rules,
        isExact: this.settings.exact,
        hands,
        clock: this.#clock,
        job,
        root,
        before: (path) => this.#before(path),
        hadFault: (path) => this.#faults.has(path),
      },
      subject,
      target,
    );
    this.#takeOver(ground, subject === 'all');
  }

  #before(path: string): Before | undefined {
    const known = this.#tried.get(path) ?? this.#later.get(path);
    if (known === undefined) return undefined;
    return { tries: known.tries, waitedMs: this.#clock.monotonicMs() - known.sinceMs, isForced: known.isForced };
  }

  /** Has what is due by then looked at with the next pass. */
  #bringBack(atMs: number): void {
    this.#tried.clear();
    for (const [path, later] of this.#later) {
      if (later.dueMs > atMs) continue;
      this.#later.delete(path);
      this.#tried.set(path, later);
      const { folder, name } = splitRelative(path);
      if (atMs !== Infinity) this.#waiting.note(folder, name);
    }
  }

  #takeOver(ground: FollowGround, isWhole: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [path, { delayMs, tries, isForced }] of ground.later) {
      if (this.#later.size >= laterMax && !this.#later.has(path)) this.#waiting.noteLost();
      else this.#later.set(path, { dueMs: nowMs + delayMs, sinceMs: this.#tried.get(path)?.sinceMs ?? this.#later.get(path)?.sinceMs ?? nowMs, tries, isForced });
    }
    if (isWhole) {
      this.#faults.clear();
      this.#faultCount = 0;
      this.#unwatchedCount = 0;
    }
    this.#unwatchedCount += ground.unwatchedCount;
    for (const [path, fault] of ground.faults) {
      if (this.#faults.delete(path)) this.#faultCount--;
      if (fault === undefined) continue;
      this.#faultCount++;
      if (this.#faults.size < followFaultsMax) this.#faults.set(path, fault);
    }
    this.#tried.clear();
  }

  /** A pass could not go on. What it had taken up is found by a full compare. */
  #stumble(fault: unknown): void {
    this.#waiting.noteLost();
    this.#reason = reasonOf(fault);
    if (isFault(fault, 'cancelled') || isFault(fault, 'volume-read-only') || isFault(fault, 'device-closed')) {
      this.#state = 'waiting';
      return;
    }
    this.#state = 'failed';
    this.#parts.alerts.raise({
      kind: 'follow-failed',
      subject: this.subject,
      text: `The changes of the folder are not taken: ${this.#reason}`,
      next: 'It is tried again every few seconds. Mend what is said here; see `mirrorpoint follow list`.',
    });
  }
}

export function followSubject({ folder, volume, path }: Pick<FollowSettings, 'folder' | 'volume' | 'path'>): string {
  return `follow ${folder} -> ${volume}:${path}`;
}

/** A folder's path from the followed folder on; undefined for one that is not in it. */
function relativePath(tree: LocalTree, root: string, folder: string): string | undefined {
  let path = '';
  let at = folder;
  while (at !== root) {
    const { folder: above, name } = tree.split(at);
    if (above === at) return undefined;
    path = path === '' ? name : pathIn(name, path);
    at = above;
  }
  return path;
}
