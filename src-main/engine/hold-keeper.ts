import { isDeepStrictEqual } from 'node:util';
import { type Clock, formatBytes, isFault, Mutex } from '../base/index.ts';
import type { BaseDropped, HoldStatus } from '../contract/index.ts';
import type { PrimaryRelationship } from '../replication/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import { capBytesOf, judgeHold } from './hold-rules.ts';
import { noteRoots } from './mirror-roots.ts';
import { addressOf, type RelationshipSettings, type SettingsBook } from './settings.ts';
import type { OpenPrimary } from './volume-opening.ts';

type Primary = Pick<OpenPrimary, 'name' | 'volume'>;

/** A relationship of an open primary volume. */
export interface HeldRelationship {
  readonly settings: RelationshipSettings;
  readonly relationship: PrimaryRelationship;
}

/**
 * Sees to what is kept on primaries for mirrors that are away or slow: warns at
 * half of the cap; at the cap, and before a writer would be refused for want of
 * room, gives the base up on purpose. Never is a primary full for a mirror's
 * sake. That a base was given up is in the settings before it is, until the
 * mirror has been compared and stands at a CP that is kept again.
 */
export class HoldKeeper {
  readonly #clock: Clock;
  readonly #book: SettingsBook;
  readonly #alerts: Alerts;
  readonly #events: EventLog;
  readonly #of: (volume: string) => readonly HeldRelationship[];
  readonly #changes = new Mutex();
  /** The CP since which a relationship held, when it was last looked at. */
  readonly #sinceCps = new Map<string, number>();
  #isClosed = false;

  constructor(options: {
    clock: Clock;
    book: SettingsBook;
    alerts: Alerts;
    events: EventLog;
    /** The relationships of a volume that run, with their settings of this moment. */
    of: (volume: string) => readonly HeldRelationship[];
  }) {
    this.#clock = options.clock;
    this.#book = options.book;
    this.#alerts = options.alerts;
    this.#events = options.events;
    this.#of = options.of;
  }

  /** Watches a volume from its opening to its end. Its relationships have been taken up. */
  adopt(primary: Primary): void {
    const { space } = primary.volume;
    space.onMeasured(() => {
      this.#look(primary);
    });
    space.setRoomMaker(() => this.#makeRoom(primary));
    this.#take(`volume ${primary.name}`, async () => {
      await this.#recall(primary);
      await space.measure();
    });
  }

  /** The relationship is no more, and what was said of it neither. */
  forget(settings: RelationshipSettings): void {
    for (const kind of ['held-space', 'base-dropped'] as const) {
      this.#alerts.clear(kind, subjectOf(settings), 'The link was ended, and nothing is kept for it.');
    }
  }

  /** Notes the mirrors of open volumes as they are, before their sessions end. Nothing is judged any more. Idempotent. */
  async close(volumes: readonly string[]): Promise<void> {
    this.#isClosed = true;
    await this.#changes.run(async () => {
      for (const held of volumes.flatMap((volume) => this.#of(volume))) await this.#noteRoots(held);
    });
  }

  /** What is kept for a mirror, and how much that may be. */
  statusOf(primary: Primary, settings: RelationshipSettings): HoldStatus {
    const { blocks, sinceCp } = primary.volume.space.heldFor(settings.id);
    const { blockSizeBytes, blockCount, freeBlockCount } = primary.volume.status();
    const heldBytes = blocks * blockSizeBytes;
    const { holdCap, baseDropped } = settings;
    const room = { sizeBytes: blockCount * blockSizeBytes, freeBytes: freeBlockCount * blockSizeBytes, heldBytes };
    return {
      heldBytes,
      heldSinceCp: sinceCp,
      heldCapBytes: capBytesOf(holdCap, room),
      ...(holdCap !== undefined && { holdCap }),
      ...(baseDropped !== undefined && { baseDropped }),
    };
  }

  /** Gives up what is kept for a mirror. When it comes again, the two are compared, and only what differs travels. */
  drop(primary: Primary, held: HeldRelationship, why: BaseDropped['why']): Promise<void> {
    return this.#changes.run(() => this.#drop(primary, held, why));
  }

  /** Judges what was just measured; what follows from it comes in turn. */
  #look(primary: Primary): void {
    if (this.#isClosed) return;
    for (const { settings } of this.#of(primary.name)) {
      this.#take(subjectOf(settings), async () => {
        const held = this.#of(primary.name).find((known) => known.settings.id === settings.id);
        if (held !== undefined) await this.#judge(primary, held);
      });
    }
  }

  /** Work that nobody waits for, in turn. */
  #take(subject: string, work: () => Promise<void>): void {
    this.#changes.run(work).catch((fault: unknown) => {
      if (!isFault(fault)) throw fault;
      if (!this.#isClosed) this.#events.add(subject, `What is kept for mirrors could not be seen to: ${fault.message}`, { level: 'warning' });
    });
  }

  /** After a crash a mirror may have any root that was kept then; the newest of them still stand in the root areas. */
  async #recall({ name, volume }: Primary): Promise<void> {
    const { bases } = volume;
    const roots = (await volume.lastRoots()).filter(({ cp }) => bases.includes(cp));
    for (const { relationship } of this.#of(name)) relationship.recall(roots);
  }

  async #judge(primary: Primary, held: HeldRelationship): Promise<void> {
    const { settings, relationship } = held;
    const subject = subjectOf(settings);
    if (!relationship.isConnected) await this.#noteRoots(held);
    if (settings.baseDropped !== undefined) {
      if (!relationship.isBaseDropped) await this.#noteReturn(settings);
      return;
    }
    const { heldBytes, heldCapBytes, heldSinceCp } = this.statusOf(primary, settings);
    const isMoving = relationship.isConnected && heldSinceCp !== this.#sinceCps.get(settings.id);
    this.#sinceCps.set(settings.id, heldSinceCp);
    const judgement = judgeHold({ heldBytes, capBytes: heldCapBytes, isWarned: this.#alerts.has('held-space', subject), isMoving });
    if (judgement === 'drop') await this.#drop(primary, held, 'cap');
    else if (judgement === 'warn') {
      this.#alerts.raise({
        kind: 'held-space',
        subject,
        text: `Held by its mirror: ${formatBytes(heldBytes)} of at most ${formatBytes(heldCapBytes)}, since CP ${heldSinceCp}.`,
        next:
          'Bring the mirror back; or raise the cap by `mirrorpoint hold cap`. At the cap the base is dropped, and the two are compared when the mirror is back.',
      });
    } else this.#alerts.clear('held-space', subject, `Its mirror holds only ${formatBytes(heldBytes)} now.`);
  }

  /** A writer has found no room: the one who holds most lets go, mirrors that are away before others. */
  #makeRoom(primary: Primary): Promise<boolean> {
    return this.#changes.run(async () => {
      await primary.volume.space.measure();
      const holders = this.#of(primary.name)
        .map((held) => ({ ...held, ...primary.volume.space.heldFor(held.settings.id) }))
        .filter(({ settings, blocks }) => settings.baseDropped === undefined && blocks > 0)
        .sort((a, b) => Number(a.relationship.isConnected) - Number(b.relationship.isConnected) || b.blocks - a.blocks);
      if (holders[0] === undefined) return false;
      await this.#drop(primary, holders[0], 'full');
      return true;
    });
  }

  async #drop(primary: Primary, held: HeldRelationship, why: BaseDropped['why']): Promise<void> {
    const { settings, relationship } = held;
    const { heldBytes, heldSinceCp, heldCapBytes } = this.statusOf(primary, settings);
    const baseDropped: BaseDropped = { cp: heldSinceCp, wallMs: this.#clock.wallMs(), heldBytes, why };
    try {
      await this.#note(settings, { baseDropped, mirrorRoots: noteRoots(relationship) });
    } catch (fault) {
      // Users' changes come first.
      if (!isFault(fault)) throw fault;
      this.#events.add(subjectOf(settings), `That its base is dropped could not be noted: ${fault.message}`, { level: 'warning' });
    }
    relationship.dropBase();
    this.#alerts.clear('held-space', subjectOf(settings), 'Nothing is held for it any more.');
    const reasons = {
      cap: `reached the cap of ${formatBytes(heldCapBytes)}`,
      full: 'left no room for what is being written',
      request: 'was released on request',
    };
    this.#alerts.raise({
      kind: 'base-dropped',
      subject: subjectOf(settings),
      text: `What was held for its mirror since CP ${heldSinceCp}, ${formatBytes(heldBytes)}, ${reasons[why]}: nothing is kept for it now.`,
      next: 'Bring the mirror back: the two are then compared by checksum, and only what differs travels.',
    });
  }

  async #noteReturn(settings: RelationshipSettings): Promise<void> {
    await this.#note(settings, { baseDropped: undefined });
    this.#alerts.clear('base-dropped', subjectOf(settings), 'Its mirror is back, and what it has is kept again.');
  }

  /** Once for each time that a mirror goes away, and at the end. */
  async #noteRoots({ settings, relationship }: HeldRelationship): Promise<void> {
    const mirrorRoots = noteRoots(relationship);
    if (!isDeepStrictEqual(mirrorRoots, settings.mirrorRoots ?? [])) await this.#note(settings, { mirrorRoots });
  }

  #note({ id }: RelationshipSettings, change: Partial<RelationshipSettings>): Promise<void> {
    return this.#book.change((now) => ({
      ...now,
      relationships: now.relationships.map((known) => (known.id === id ? { ...known, ...change } : known)),
    }));
  }
}

/** As all alerts of a primary's end of a relationship. */
function subjectOf(settings: RelationshipSettings): string {
  return `volume ${settings.volume} -> ${addressOf(settings)}`;
}
