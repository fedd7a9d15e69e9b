import { MirrorpointError, toHex } from '../base/index.ts';
import { type FollowRequest, type FollowStatus, followsMax } from '../contract/index.ts';
import { IgnoreRules } from '../following/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import { Follow, followSubject } from './follow.ts';
import type { JobBoard } from './job-board.ts';
import type { EnginePorts } from './ports.ts';
import type { FollowSettings, SettingsBook } from './settings.ts';
import { checkAbsolute, type OpenPrimary } from './volume-opening.ts';

interface FollowsParts {
  readonly ports: EnginePorts;
  readonly book: SettingsBook;
  readonly events: EventLog;
  readonly alerts: Alerts;
  readonly jobs: JobBoard;
  readonly isServing: boolean;
}

/** The folders that are followed into the primary volumes that are open. They run in a server alone. */
export class Follows {
  readonly #parts: FollowsParts;
  readonly #running = new Map<string, Follow>();
  readonly #comparing = { count: 0 };

  constructor(parts: FollowsParts) {
    this.#parts = parts;
  }

  /** Takes up the follows of a volume in the step in which it was opened. Another volume may have had its name before. */
  adopt(open: OpenPrimary): void {
    if (!this.#parts.isServing) return;
    for (const settings of this.#parts.book.current.follows ?? []) {
      if (settings.volume === open.name && settings.volumeId === toHex(open.volume.id)) this.#start(open, settings);
    }
  }

  /** Ends what runs, so that the volume can change its role; if it does not, the follows go on. */
  async rest(volume: string): Promise<void> {
    for (const follow of this.#of(volume)) await follow.rest();
  }

  /** Ends the follows of a volume that is about to be closed; their settings stay. */
  async drop(volume: string): Promise<void> {
    for (const follow of this.#of(volume)) {
      this.#running.delete(follow.settings.id);
      await follow.close();
      this.#parts.alerts.clear('follow-failed', follow.subject, 'The volume was closed, or has another role now.');
    }
  }

  async add(open: OpenPrimary, request: FollowRequest): Promise<FollowStatus> {
    await this.check(open, request);
    const { book, ports, events } = this.#parts;
    const settings: FollowSettings = { id: toHex(ports.random.bytes(16)), volumeId: toHex(open.volume.id), ...request };
    await book.change((now) => ({ ...now, follows: [...(now.follows ?? []), settings] }));
    events.add(followSubject(settings), 'It is followed from now on.');
    this.#start(open, settings);
    return this.#statusOf(settings);
  }

  /** Ends a follow and forgets it; what is in the volume stays. Throws `not-found`. */
  async remove(target: { volume: string; path: string }): Promise<void> {
    const { book, ports, events, alerts } = this.#parts;
    const settings = this.#settings.find(({ volume, path }) => volume === target.volume && path === target.path);
    if (settings === undefined) {
      throw new MirrorpointError('not-found', `No folder is followed into ${target.volume}:${target.path}. List them by \`mirrorpoint follow list\`.`);
    }
    await book.change((now) => ({ ...now, follows: (now.follows ?? []).filter(({ id }) => id !== settings.id) }));
    const running = this.#running.get(settings.id);
    this.#running.delete(settings.id);
    if (running === undefined) await ports.log(logName(settings)).replace([]);
    else await running.forget();
    alerts.clear('follow-failed', followSubject(settings), 'It is not followed any more.');
    events.add(followSubject(settings), 'It is not followed any more. What is in the volume stays.');
  }

  statuses(volume?: string): FollowStatus[] {
    return this.#settings.filter((settings) => volume === undefined || settings.volume === volume).map((settings) => this.#statusOf(settings));
  }

  /** The follow that runs just as asked for, whose record a dry run goes by. */
  runningAs({ folder, volume, path }: FollowRequest): Follow | undefined {
    return this.#of(volume).find(({ settings }) => settings.folder === folder && settings.path === path);
  }

  /** Refuses what could not be followed. Throws `argument-invalid`, `not-found`, `not-a-directory` and `exists`. */
  async check(open: OpenPrimary, request: FollowRequest): Promise<void> {
    const { folder, volume, path, ignore } = request;
    await this.checkFolder(folder, ignore);
    if (this.#settings.length >= followsMax) {
      throw new MirrorpointError('argument-invalid', `${followsMax} folders are followed already. End a follow, or follow the folder around several of them.`);
    }
    const overlapping = this.#settings.find((one) => one.volume === volume && one.volumeId === toHex(open.volume.id) && overlaps(one.path, path));
    if (overlapping === undefined) return;
    throw new MirrorpointError('exists', `${overlapping.folder} is followed into ${volume}:${overlapping.path} already, which is the same place or one inside the other. Choose another path, or end that follow.`);
  }

  async checkFolder(folder: string, ignore: readonly string[]): Promise<void> {
    checkAbsolute(folder);
    new IgnoreRules(ignore);
    const stat = await this.#parts.ports.localTree.stat(folder);
    if (stat === undefined) throw new MirrorpointError('not-found', `There is no ${folder} on this machine. Check the path.`);
    if (stat.kind !== 'directory') throw new MirrorpointError('not-a-directory', `${folder} is a ${stat.kind}, and only folders are followed. Name the folder itself, not a link to it.`);
  }

  async close(): Promise<void> {
    for (const follow of this.#running.values()) await follow.close();
    this.#running.clear();
  }

  get #settings(): readonly FollowSettings[] {
    return this.#parts.book.current.follows ?? [];
  }

  #of(volume: string): Follow[] {
    return [...this.#running.values()].filter(({ settings }) => settings.volume === volume);
  }

  #start(open: OpenPrimary, settings: FollowSettings): void {
    const { ports, jobs, alerts, events } = this.#parts;
    void this.#running.get(settings.id)?.close();
    this.#running.set(settings.id, new Follow({ ports, open, settings, lines: ports.log(logName(settings)), jobs, alerts, events, comparing: this.#comparing }));
  }

  #statusOf(settings: FollowSettings): FollowStatus {
    const running = this.#running.get(settings.id);
    if (running !== undefined) return running.status();
    const { id: _id, volumeId: _volumeId, ...request } = settings;
    const reason = this.#parts.isServing
      ? `Volume ${settings.volume} is no open primary here. The follow goes on when it is.`
      : 'No server runs on this configuration folder. The follow goes on with `mirrorpoint serve`.';
    return { ...request, state: 'waiting', reason, waitingCount: 0, takenCount: 0, unwatchedCount: 0, faultCount: 0, faults: [] };
  }
}

function logName({ id }: FollowSettings): string {
  return `follow-${id}`;
}

function overlaps(one: string, other: string): boolean {
  const [first, second] = [`${one}/`.replace('//', '/'), `${other}/`.replace('//', '/')];
  return first.startsWith(second) || second.startsWith(first);
}
