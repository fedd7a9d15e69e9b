import { describe, expect, it } from 'vitest';
import type { CpHistoryRecord } from '../../src-main/contract/index.ts';
import { CpLog } from '../../src-main/engine/cp-log.ts';
import { HistoryBook } from '../../src-main/engine/history-book.ts';
import type { RelationshipFacts } from '../../src-main/engine/relationship-reports.ts';
import { SettableClock } from './memory-engine.ts';
import { MemoryLog } from './memory-log.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function facts(change: Partial<RelationshipFacts> = {}): RelationshipFacts {
  return {
    relationshipId: 'r1',
    volume: 'work',
    role: 'primary',
    address: 'ipc://b',
    state: 'live',
    primaryCp: 12,
    mirrorCp: 12,
    lagCps: 0,
    lagBytes: 0,
    lagMs: 0,
    bytesSent: 0,
    bytesReceived: 0,
    blocksPushed: 0,
    blocksPulled: 0,
    lastCommittedWallMs: 1_800_000_000_000,
    identical: true,
    ...change,
  };
}

/** Counts what is written. */
class WatchedLog extends MemoryLog {
  writes = 0;
  fails = false;

  override async append(lines: readonly string[]): Promise<void> {
    this.#count();
    await super.append(lines);
  }

  override async replace(lines: readonly string[]): Promise<void> {
    this.#count();
    await super.replace(lines);
  }

  get characters(): number {
    return this.lines.reduce((sum, line) => sum + line.length, 0);
  }

  #count(): void {
    if (this.fails) throw new Error('no room');
    this.writes++;
  }
}

/** A server of which only what it measures is there. */
class MeasuringServer {
  readonly clock = new SettableClock();
  readonly log = new WatchedLog();
  relationships: RelationshipFacts[] = [facts()];
  volumes: { name: string; id: string; cpLog: CpLog }[] = [];
  book!: HistoryBook;

  /** Starts, also after a crash: what the log has is all that is left. */
  static async start(): Promise<MeasuringServer> {
    const server = new MeasuringServer();
    await server.restart();
    return server;
  }

  async restart(): Promise<void> {
    this.book = await HistoryBook.open({
      clock: this.clock,
      log: this.log,
      known: () => ({ relationships: new Set(this.relationships.map((one) => one.relationshipId ?? '')), volumes: new Set(this.volumes.map(({ name }) => name)) }),
    });
  }

  /** Lets it run, with a look each second, and with what changes in each. */
  async run(ms: number, each: (facts: RelationshipFacts) => RelationshipFacts = (same) => same, stepMs = 1000): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.clock.advance(stepMs);
      this.relationships = this.relationships.map(each);
      this.book.sample({ relationships: this.relationships, volumes: this.volumes });
      // What is to be written is written.
      if (passedMs % minute < stepMs) for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  }

  samples(span: 'hour' | 'day' | 'week' = 'hour', id = 'r1'): ReturnType<HistoryBook['relationship']>['samples'] {
    return this.book.relationship(id, span).samples;
  }

  async addVolume(name: string, id: string): Promise<CpLog> {
    const cpLog = await CpLog.open(new MemoryLog());
    this.volumes.push({ name, id, cpLog });
    return cpLog;
  }

  cp(cp: number, change: Partial<CpHistoryRecord> = {}): CpHistoryRecord {
    return { cp, cause: 'timer', startedWallMs: this.clock.wallMs(), durationMs: 100, dataBlocks: 1, addressBlocks: 1, bytes: 4096, ...change };
  }
}

const sending = (bytesPerSecond: number) => (one: RelationshipFacts): RelationshipFacts => ({ ...one, bytesSent: one.bytesSent + bytesPerSecond });

describe('the history of a relationship', () => {
  it('has the means of what went over and the largest lag of each step, from the second look on', async () => {
    const server = await MeasuringServer.start();
    await server.run(1000, sending(500));
    expect(server.samples()).toEqual([]);
    await server.run(9000, sending(500));
    server.relationships = [facts({ bytesSent: 5000, lagMs: 7000, lagBytes: 80_000, mirrorCp: 11 })];
    await server.run(1000);
    server.relationships = [facts({ bytesSent: 5000 })];
    await server.run(9000, sending(2000));
    expect(server.samples()).toEqual([
      { wallMs: 1_800_000_000_000, lagMs: 0, lagBytes: 0, sentPerSecond: 500, receivedPerSecond: 0 },
      { wallMs: 1_800_000_010_000, lagMs: 7000, lagBytes: 80_000, sentPerSecond: (500 + 8 * 2000) / 10, receivedPerSecond: 0 },
      { wallMs: 1_800_000_020_000, lagMs: 0, lagBytes: 0, sentPerSecond: 2000, receivedPerSecond: 0 },
    ]);
    expect(server.samples('day')).toMatchObject([{ wallMs: 1_800_000_000_000, lagMs: 7000, sentPerSecond: (500 * 9 + 2000 * 9) / 19 }]);
    expect(server.samples('week')).toMatchObject([{ lagMs: 7000, sentPerSecond: (500 * 9 + 2000 * 9) / 19 }]);
  });

  it('says nothing of the lag while it is not known, and of what went over all the same', async () => {
    const server = await MeasuringServer.start();
    const told = async (change: Partial<RelationshipFacts>): Promise<object | undefined> => {
      server.relationships = [facts(change)];
      await server.run(20_000, sending(100));
      return server.samples().at(-1);
    };
    const went = { sentPerSecond: 100, receivedPerSecond: 0, wallMs: expect.any(Number) };
    expect(await told({ state: 'connecting', mirrorCp: 0, lagBytes: 999 })).toEqual(went);
    expect(await told({ state: 'baseline', mirrorCp: 0, lagBytes: 999 })).toEqual({ ...went, lagBytes: 999 });
    expect(await told({ role: 'mirror', state: 'connecting' })).toEqual(went);
    expect(await told({ role: 'mirror' })).toEqual({ ...went, lagMs: 0, lagBytes: 0 });
    expect(await told({ state: 'connecting', mirrorCp: 5, lagMs: 90_000, lagBytes: 1 })).toEqual({ ...went, lagMs: 90_000, lagBytes: 1 });
  });

  it('counts on when a relationship counts from nothing again', async () => {
    const server = await MeasuringServer.start();
    await server.run(10_000, sending(500));
    server.relationships = [facts({ bytesSent: 0 })];
    await server.run(9000, sending(500));
    for (const { sentPerSecond } of server.samples()) expect(sentPerSecond).toBe(500);
  });

  it('has gaps where no server ran, and where nobody looked', async () => {
    const server = await MeasuringServer.start();
    await server.run(2 * minute, sending(100));
    await server.book.close();
    server.clock.advance(10 * minute);
    await server.restart();
    await server.run(2 * minute, sending(100));
    // The machine sleeps, or the process is stopped.
    server.clock.advance(10 * minute);
    await server.run(2 * minute, sending(100));
    const times = server.samples().map(({ wallMs }) => (wallMs - 1_800_000_000_000) / minute);
    expect(times.filter((at) => (at > 2.5 && at < 12) || (at > 14.5 && at < 24))).toEqual([]);
    expect(times.filter((at) => at < 2).length + times.filter((at) => at >= 12 && at < 14).length + times.filter((at) => at >= 24).length).toBe(3 * 12 + 1);
    expect(server.samples('day').map(({ sentPerSecond }) => sentPerSecond)).toEqual([100, 100, 100, 100]);
  });

  it('loses no more than a minute in a crash, and what came before stands as it was', async () => {
    const server = await MeasuringServer.start();
    await server.run(20 * minute + 37_000, sending(100));
    const before = server.samples();
    const diedMs = server.clock.wallMs();
    server.log.lines.push('{"of":"relationship","id":"r1","span":"hour","rows":[[18000', 'nonsense', '{"of":"relationship","id":"r1","span":"hour","rows":[[-1,1,1,1,1,1]]}');
    await server.restart();
    const after = server.samples();
    expect(after).toEqual(before.slice(0, after.length - 1).concat(after.at(-1)!));
    expect(diedMs - after.at(-1)!.wallMs).toBeLessThanOrEqual(minute + 10_000);
    expect(server.samples('week')).toHaveLength(1);
  });

  it('is bounded in memory and in what is written, however long a server runs', async () => {
    const server = await MeasuringServer.start();
    const runMs = 8 * day;
    await server.run(runMs, sending(123_456), 10_000);
    expect([server.samples().length, server.samples('day').length, server.samples('week').length]).toEqual([360, 288, 336]);
    expect(server.log.writes).toBeLessThanOrEqual(runMs / minute + 2);
    expect(server.log.characters).toBeLessThan(300_000);
    await server.book.close();
    await server.restart();
    expect([server.samples().length, server.samples('day').length, server.samples('week').length]).toEqual([360, 288, 336]);
  });

  it('is forgotten with the relationship, in the log too', async () => {
    const server = await MeasuringServer.start();
    server.relationships = [facts(), facts({ relationshipId: 'r2', address: 'ipc://c' })];
    await server.run(2 * minute, sending(100));
    expect(server.log.lines.some((line) => line.includes('"r1"'))).toBe(true);
    server.relationships = server.relationships.slice(1);
    await server.run(2 * minute, sending(100));
    expect(server.samples('hour', 'r1')).toEqual([]);
    expect(server.samples('hour', 'r2').length).toBeGreaterThan(20);
    expect(server.log.lines.some((line) => line.includes('"r1"'))).toBe(false);
  });

  it('is whole again once it can be stored after it could not', async () => {
    const server = await MeasuringServer.start();
    await server.run(2 * minute, sending(100));
    server.log.fails = true;
    await server.run(10 * minute, sending(100));
    server.log.fails = false;
    await server.run(2 * minute, sending(100));
    await server.book.close();
    const before = server.samples();
    await server.restart();
    expect(server.samples()).toEqual(before);
    expect(before.length).toBeGreaterThanOrEqual(14 * 6);
  });
});

describe('a clock', () => {
  it('that is set back a little costs next to nothing', async () => {
    const server = await MeasuringServer.start();
    await server.run(5 * minute, sending(100));
    server.clock.setWall(-3000);
    await server.run(5 * minute, sending(100));
    const times = server.samples().map(({ wallMs }) => wallMs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(times.length).toBeGreaterThanOrEqual(59);
  });

  it('that was not set yet costs nothing that is known, and labels nothing until it is', async () => {
    const server = await MeasuringServer.start();
    await server.run(30 * minute, sending(100));
    await server.book.close();
    const before = server.samples('day');
    // The battery is empty: the machine begins in 1970, and asks for the time after a while.
    const lostMs = server.clock.wallMs();
    server.clock.setWall(-lostMs);
    await server.restart();
    await server.run(5 * minute, sending(100));
    expect(server.samples()).toEqual([]);
    server.clock.setWall(lostMs);
    await server.run(5 * minute, sending(100));
    expect(server.samples('day').slice(0, before.length - 1)).toEqual(before.slice(0, -1));
    expect(server.samples('day').length).toBeGreaterThan(before.length);
  });

  it('that was wrong and is set right is believed after a while; what it labelled later than now goes', async () => {
    const server = await MeasuringServer.start();
    await server.run(10 * minute, sending(100));
    server.clock.setWall(400 * day);
    await server.run(10 * minute, sending(100));
    server.clock.setWall(-400 * day);
    await server.run(30 * minute, sending(100));
    const now = server.clock.wallMs();
    for (const span of ['hour', 'day', 'week'] as const) expect(server.samples(span).every(({ wallMs }) => wallMs <= now)).toBe(true);
    // Ten minutes each: before, while it was wrong, not believed yet, and since; the last ten are there, and the first.
    const minutesAgo = server.samples().map(({ wallMs }) => Math.floor((now - wallMs) / minute));
    expect(new Set(minutesAgo.filter((ago) => ago >= 41))).toEqual(new Set([41, 42, 43, 44, 45, 46, 47, 48, 49, 50]));
    expect(minutesAgo.filter((ago) => ago < 19)).toHaveLength(19 * 6);
    await server.book.close();
    await server.restart();
    expect(server.samples().at(-1)!.wallMs).toBeGreaterThan(now - minute);
  });
});

describe('the history of CPs', () => {
  it('has in each step those that ended in it: how many, the mean and longest time, the bytes', async () => {
    const server = await MeasuringServer.start();
    const log = await server.addVolume('work', 'id1');
    await server.run(10_000);
    log.add([server.cp(1, { durationMs: 100 }), server.cp(2, { durationMs: 301, bytes: 1000 })]);
    await server.run(1000);
    log.add([server.cp(3, { startedWallMs: server.clock.wallMs() - 20_000, durationMs: 19_500 })]);
    await server.run(1000);
    expect(server.book.cps('work', 'hour')).toEqual({
      stepMs: 10_000,
      samples: [{ wallMs: 1_800_000_010_000, count: 3, durationMsMean: (100 + 301 + 19_500) / 3, durationMsMax: 19_500, bytes: 4096 + 1000 + 4096 }],
    });
    expect(server.book.cps('work', 'week').samples).toMatchObject([{ count: 3 }]);
    expect(server.book.cps('other', 'hour').samples).toEqual([]);
  });

  it('counts each CP once, also those that were taken while no server ran, and those since a crash', async () => {
    const server = await MeasuringServer.start();
    const log = await server.addVolume('work', 'id1');
    let cp = 0;
    for (let round = 0; round < 30; round++) {
      log.add([server.cp(++cp)]);
      await server.run(10_000);
      if (round % 7 === 3) await server.restart();
    }
    server.clock.advance(minute);
    log.add([server.cp(++cp)]);
    server.clock.advance(minute);
    await server.restart();
    await server.run(2000);
    const { samples } = server.book.cps('work', 'hour');
    expect(samples.reduce((sum, { count }) => sum + count, 0)).toBe(cp);
  });

  it('begins anew when another volume has the name, and is forgotten with the volume', async () => {
    const server = await MeasuringServer.start();
    (await server.addVolume('work', 'id1')).add([server.cp(7)]);
    await server.run(2 * minute);
    server.volumes = [];
    (await server.addVolume('work', 'id2')).add([server.cp(1, { bytes: 1 })]);
    await server.run(2 * minute);
    expect(server.book.cps('work', 'day').samples).toMatchObject([{ count: 1, bytes: 1 }]);
    await server.restart();
    expect(server.book.cps('work', 'day').samples).toMatchObject([{ count: 1, bytes: 1 }]);
    server.volumes = [];
    await server.run(2 * minute);
    expect(server.book.cps('work', 'day').samples).toEqual([]);
    expect(server.log.lines.some((line) => line.includes('volume'))).toBe(false);
  });

  it('takes none whose time was that of a clock which was not set', async () => {
    const server = await MeasuringServer.start();
    const log = await server.addVolume('work', 'id1');
    log.add([server.cp(1)]);
    await server.run(minute);
    log.add([server.cp(2, { startedWallMs: 5000 }), server.cp(3, { startedWallMs: server.clock.wallMs() + 10 * day })]);
    await server.run(minute);
    log.add([server.cp(4)]);
    await server.run(minute);
    expect(server.book.cps('work', 'week').samples.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });
});
