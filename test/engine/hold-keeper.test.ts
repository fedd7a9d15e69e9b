import { describe, expect, it } from 'vitest';
import { Alerts } from '../../src-main/engine/alerts.ts';
import { EventLog } from '../../src-main/engine/event-log.ts';
import { HoldKeeper } from '../../src-main/engine/hold-keeper.ts';
import { beginningOf } from '../../src-main/engine/mirror-roots.ts';
import { type RelationshipSettings, SettingsBook } from '../../src-main/engine/settings.ts';
import type { PrimaryRelationshipOptions } from '../../src-main/replication/index.ts';
import { MirrorLab } from '../replication/mirror-lab.ts';
import { MemoryLog } from './memory-log.ts';

const MiB = 1 << 20;

/** A primary whose mirror's hold is kept in bounds. */
class HoldLab extends MirrorLab {
  book!: SettingsBook;
  alerts!: Alerts;
  keeper!: HoldKeeper;
  isWatched = false;

  async startHeld(change: Partial<RelationshipSettings> = {}): Promise<void> {
    await this.start();
    const store = {
      name: 'settings',
      read: () => Promise.resolve(undefined),
      write: () => Promise.resolve(),
    };
    this.book = await SettingsBook.open(store, { random: this.random, serverName: 'office' });
    await this.book.change((now) => ({
      ...now,
      volumes: [{ name: 'work', role: 'primary', devices: ['/a'], cpIntervalMs: 0, durability: 'sync', discard: false, listen: [] }],
      relationships: [{ id: 'lab', volume: 'work', address: 'memory://mirror', paused: false, ...change }],
    }));
    const events = await EventLog.open(new MemoryLog(), { clock: this.clock, report: () => undefined });
    this.alerts = new Alerts(events);
    this.keeper = new HoldKeeper({
      clock: this.clock,
      book: this.book,
      alerts: this.alerts,
      events,
      of: () => [{ settings: this.settings, relationship: this.relationship }],
    });
    this.watch();
  }

  override get beginning(): Partial<PrimaryRelationshipOptions> {
    return this.isWatched ? beginningOf(this.settings) : {};
  }

  watch(): void {
    this.isWatched = true;
    this.keeper.adopt({ name: 'work', volume: this.primary });
  }

  /** The mirror stands at an older CP, and the base of it is gone. */
  async loseBase(): Promise<void> {
    await this.put('file', this.random.bytes(4 * MiB));
    await this.put('steady', this.random.bytes(4 * MiB));
    await this.primary.takeCp();
    await this.untilIdentical();
    this.leave();
    await this.overwrite('file', this.random.bytes(4 * MiB));
    await this.primary.takeCp();
    await this.settle();
    const held = { settings: this.settings, relationship: this.relationship };
    await this.keeper.drop({ name: 'work', volume: this.primary }, held, 'request');
    for (let round = 0; round < 5; round++) {
      await this.overwrite('file', this.random.bytes(4 * MiB));
      await this.primary.takeCp();
    }
    expect(this.primary.bases).toEqual([]);
  }

  /** The mirror comes again. */
  async expectReturn(): Promise<void> {
    const { bytesFromPrimary } = this;
    this.isMirrorAway = false;
    this.relationship.resume();
    await this.untilIdentical();
    expect((await this.mirror.check()).problems).toEqual([]);
    // What did not change does not travel.
    expect(this.bytesFromPrimary - bytesFromPrimary).toBeLessThan(5 * MiB);
    await this.primary.takeCp();
    await this.untilIdentical();
    await this.settle();
    expect(this.kinds).toEqual([]);
    expect(this.settings.baseDropped).toBe(undefined);
    expect(this.relationship.isBaseDropped).toBe(false);
  }

  get settings(): RelationshipSettings {
    return this.book.current.relationships[0]!;
  }

  get kinds(): string[] {
    return this.alerts.current.map(({ kind }) => kind);
  }

  leave(): void {
    this.isMirrorAway = true;
    this.cut();
  }

  get heldBytes(): number {
    return this.keeper.statusOf({ name: 'work', volume: this.primary }, this.settings).heldBytes;
  }
}

describe('what is kept for a mirror that is away', () => {
  it('is shown, warned of at half of the cap, and given up at the cap', async () => {
    await using lab = new HoldLab();
    await lab.startHeld();
    await lab.put('file', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    lab.leave();
    const { cp } = lab.primary.root;
    await lab.overwrite('file', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.settle();
    expect(lab.heldBytes).toBeGreaterThanOrEqual(4 * MiB);
    expect(lab.heldBytes).toBeLessThan(5 * MiB);
    expect(lab.kinds).toEqual([]);

    await lab.put('more', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.settle();
    // New files cost the hold nothing.
    expect(lab.heldBytes).toBeLessThan(5 * MiB);

    await lab.book.change((now) => ({ ...now, relationships: [{ ...lab.settings, holdCap: { bytes: 8 * MiB } }] }));
    await lab.primary.space.measure();
    await lab.settle();
    expect(lab.kinds).toEqual(['held-space']);
    expect(lab.alerts.current[0]!.text).toContain(`since CP ${cp}`);

    await lab.book.change((now) => ({ ...now, relationships: [{ ...lab.settings, holdCap: { bytes: 4 * MiB } }] }));
    await lab.primary.space.measure();
    await lab.settle();
    expect(lab.kinds).toEqual(['base-dropped']);
    expect(lab.settings.baseDropped).toMatchObject({ cp, why: 'cap' });
    expect(lab.relationship.isBaseDropped).toBe(true);
    await lab.until(() => lab.relationship.status().state === 'base-dropped', 'the state');
    await lab.primary.takeCp();
    await lab.primary.takeCp();
    expect(lab.primary.bases).toEqual([]);
    expect(lab.heldBytes).toBe(0);
    expect((await lab.primary.check()).problems).toEqual([]);
  });

  it('is no more than the mirror lacks, and not warned of any more when it is back', async () => {
    await using lab = new HoldLab();
    await lab.startHeld({ holdCap: { bytes: 6 * MiB } });
    await lab.put('file', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    lab.leave();
    await lab.overwrite('file', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.settle();
    expect(lab.kinds).toEqual(['held-space']);
    lab.isMirrorAway = false;
    await lab.untilIdentical();
    await lab.primary.takeCp();
    await lab.primary.takeCp();
    await lab.settle();
    expect(lab.kinds).toEqual([]);
    expect(lab.settings.baseDropped).toBe(undefined);
  });

  it('is compared when it comes again, and only what differs travels', async () => {
    await using lab = new HoldLab();
    await lab.startHeld();
    await lab.loseBase();
    await lab.expectReturn();
  });

  it('stays given up over a restart of the primary, which knows the mirror by its root', async () => {
    await using lab = new HoldLab();
    await lab.startHeld();
    await lab.loseBase();
    await lab.restartPrimary();
    lab.watch();
    await lab.primary.takeCp();
    expect(lab.primary.bases).toEqual([]);
    await lab.until(() => lab.relationship.status().state === 'base-dropped', 'the state');
    await lab.expectReturn();
  });

  it('is known by its root when the primary was killed while the mirror was there, and dropped before it came again', async () => {
    await using lab = new HoldLab();
    await lab.startHeld();
    await lab.put('steady', lab.random.bytes(4 * MiB));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    expect(lab.settings.mirrorRoots).toBe(undefined);
    lab.leave();
    await lab.restartPrimary();
    lab.watch();
    await lab.settle();
    const held = { settings: lab.settings, relationship: lab.relationship };
    await lab.keeper.drop({ name: 'work', volume: lab.primary }, held, 'request');
    for (let round = 0; round < 20; round++) {
      await lab.put(`file ${round}`, lab.random.bytes(1000));
      await lab.primary.takeCp();
    }
    await lab.restartPrimary();
    lab.watch();
    await lab.expectReturn();
  });

  it('never makes a writer see a full volume: it goes first', async () => {
    await using lab = new HoldLab({ primaryBytes: 48 * MiB });
    await lab.startHeld({ holdCap: { percent: 100 } });
    await lab.put('file', lab.random.bytes(12 * MiB));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    lab.leave();
    // Far more than fits beside what is held: 12 MiB live, 12 held, and 20 more.
    for (let round = 0; round < 4; round++) await lab.overwrite('file', lab.random.bytes(12 * MiB));
    expect(lab.settings.baseDropped).toBe(undefined);
    await Promise.all(['a', 'b'].map((name) => lab.put(name, lab.random.bytes(10 * MiB))));
    expect(lab.settings.baseDropped).toMatchObject({ why: 'full' });
    expect(lab.kinds).toEqual(['base-dropped']);
    await lab.primary.takeCp();
    expect((await lab.primary.check()).problems).toEqual([]);
  });
});
