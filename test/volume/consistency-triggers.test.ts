import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryHome } from './memory-volume.ts';

const plain = { mode: 0o644, uid: 0, gid: 0 };

function makeFile(volume: Volume, name: string): Promise<number> {
  return volume.change(changeBlocks.create, (files) => files.createFile(top, name, plain));
}

function write(volume: Volume, at: { ino: number; offset: number }, bytes: Uint8Array): Promise<void> {
  return volume.change(changeBlocks.write(bytes.length, 4096), (files) => {
    files.write(at.ino, at.offset, bytes);
  });
}

/** Lets everything that waits for memory devices go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

test('the timer takes a CP each interval in which something changed, and none in the others', async () => {
  const clock = new VirtualClock();
  const home = new MemoryHome({ volume: { clock, cpIntervalMs: 1000 } });
  await using volume = await home.create();
  for (const changes of [true, false, false, true]) {
    const before = volume.root.cp;
    if (changes) await makeFile(volume, `at ${clock.monotonicMs()}`);
    clock.step();
    await settle();
    expect(volume.root.cp).toBe(changes ? before + 1 : before);
  }
  expect(volume.cpHistory.map(({ cause }) => cause)).toEqual(['create', 'timer', 'timer']);

  volume.setCpInterval(24 * 3600 * 1000);
  await makeFile(volume, 'once a day');
  const askedAtMs = clock.monotonicMs();
  clock.step();
  await settle();
  expect(clock.monotonicMs() - askedAtMs).toBe(24 * 3600 * 1000);
  expect(volume.cpHistory.at(-1)?.cause).toBe('timer');
});

/** A clock on which each look takes a while, so that work takes time, and on which others do something between two turns. */
class BusyClock extends VirtualClock {
  others: () => unknown = () => undefined;

  override monotonicMs(): number {
    this.advance(0.03);
    return super.monotonicMs();
  }

  override async turn(): Promise<void> {
    await this.others();
  }
}

test('a CP of the timer makes way while requests come, for a while, and not when one is waited for', async () => {
  const clock = new BusyClock();
  const home = new MemoryHome({ volume: { clock, cpIntervalMs: 10_000 } });
  await using volume = await home.create();
  const ino = await makeFile(volume, 'scattered');
  /** Milliseconds that the next CP takes. */
  const cpMs = async (blocks: number, others: () => unknown): Promise<number> => {
    const cpCount = volume.cpHistory.length;
    for (let block = 0; block < blocks; block++) await write(volume, { ino, offset: block * 8192 }, home.random.bytes(4096));
    clock.others = others;
    clock.step();
    await settle();
    while (volume.cpHistory.length === cpCount) {
      clock.pass(1);
      await settle();
    }
    const { cause, durationMs } = volume.cpHistory[cpCount]!;
    expect(cause).toBe('timer');
    return durationMs;
  };
  const look = (): Promise<unknown> => volume.query((files) => files.stat(ino));
  const alone = await cpMs(400, () => undefined);
  const gentle = await cpMs(400, look);
  expect(gentle).toBeGreaterThan(5 * alone);
  const long = await cpMs(2600, look);
  expect(long, 'it makes way for half a second').toBeGreaterThan(500);
  expect(long).toBeLessThan(700);
  expect(await cpMs(3600, look), 'much waits').toBeLessThan(long / 2);
  let asked: Promise<unknown> | undefined;
  const waitedFor = await cpMs(400, async () => {
    await look();
    asked ??= volume.takeCp();
  });
  expect(waitedFor).toBeLessThan(gentle / 2);
  await asked;
});

test('what a mirror has let go is given up by one CP of the timer, and an idle volume then rests', async () => {
  const clock = new VirtualClock();
  const home = new MemoryHome({ volume: { clock, cpIntervalMs: 1000 } });
  await using volume = await home.create();
  volume.follow({ begin: () => ({ keep: true }), end: () => undefined });
  const acknowledge = (): void => {
    volume.setMirrorNeeds('mirror', { committedCp: volume.root.cp, neededCps: [], inFlightCps: [] });
  };
  const tick = async (): Promise<number> => {
    const before = volume.root.cp;
    clock.step();
    await settle();
    return volume.root.cp - before;
  };
  const ino = await makeFile(volume, 'large');
  await write(volume, { ino, offset: 0 }, home.random.bytes(1 << 20));
  expect(await tick()).toBe(1);
  acknowledge();
  await volume.change(changeBlocks.remove, (files) => {
    files.unlink(top, 'large');
  });
  expect(await tick()).toBe(1);
  const usedBefore = volume.status().usedBlockCount;
  acknowledge();
  expect(await tick()).toBe(1);
  expect(volume.status().usedBlockCount).toBeLessThan(usedBefore - 250);
  acknowledge();
  expect([await tick(), await tick(), await tick()]).toEqual([0, 0, 0]);
});

test.each([999, 0.5, -1, 24 * 3600 * 1000 + 1, NaN, Infinity])('an interval of %s ms is refused', async (intervalMs) => {
  await using volume = await new MemoryHome().create();
  expect(() => {
    volume.setCpInterval(intervalMs);
  }).toThrow(expect.objectContaining({ code: 'argument-invalid' }) as Error);
});

test('a journal half full starts a CP, and synced requests go on in the other half', async () => {
  const home = new MemoryHome();
  await using volume = await home.create();
  const ino = await makeFile(volume, 'log');
  const bytes = home.random.bytes(20_000);
  for (let round = 0; round < 100; round++) {
    await write(volume, { ino, offset: round * bytes.length }, bytes);
    await volume.sync();
  }
  await settle();
  const causes = volume.cpHistory.map(({ cause }) => cause);
  // 100 batches of 20 KiB are about 2.4 MiB: a journal of 1 MiB is half full four times.
  expect(causes.filter((cause) => cause === 'journal').length).toBeGreaterThanOrEqual(3);
  expect(causes.every((cause) => cause === 'create' || cause === 'journal')).toBe(true);
});

test('memory filling with changes starts a CP, and writers go on while it runs', async () => {
  const home = new MemoryHome({ sizeBytes: 256 << 20, volume: { poolBytes: 16 << 20 } });
  await using volume = await home.create();
  const ino = await makeFile(volume, 'large');
  const bytes = home.random.bytes(1 << 20);
  const during: number[] = [];
  const follower = {
    begin: (cp: number) => {
      // A change made while the CP runs is acknowledged before the CP is durable.
      void write(volume, { ino, offset: 2 ** 40 }, bytes.subarray(0, 4096)).then(() => {
        if (volume.root.cp < cp) during.push(cp);
      });
      return { keep: false };
    },
    end: () => undefined,
  };
  volume.follow(follower);
  for (let round = 0; round < 64; round++) await write(volume, { ino, offset: round << 20 }, bytes);
  volume.unfollow(follower);
  await volume.takeCp();
  expect(volume.cpHistory.filter(({ cause }) => cause === 'dirty').length).toBeGreaterThanOrEqual(4);
  expect(during.length).toBeGreaterThan(0);
  expect((await volume.check()).problems).toEqual([]);
});

test('the record of a CP tells its cause, blocks and bytes', async () => {
  await using volume = await new MemoryHome().create();
  const ino = await makeFile(volume, 'file');
  await write(volume, { ino, offset: 0 }, new Uint8Array(40 * 4096).fill(7));
  const record = await volume.takeCp('request');
  expect(record).toMatchObject({ cp: 2, cause: 'request', bytes: (record.dataBlocks + record.addressBlocks) * 4096 });
  expect(record.dataBlocks).toBeGreaterThanOrEqual(40);
  expect(record.addressBlocks).toBeGreaterThanOrEqual(1);
  expect(volume.cpHistory.at(-1)).toBe(record);
});

test('where every request is to be durable, each acknowledged one survives without a CP', async () => {
  const home = new MemoryHome({ volume: { durability: 'request' } });
  const volume = await home.create();
  await Promise.all(Array.from({ length: 20 }, (_, index) => makeFile(volume, `file ${index}`)));
  expect(volume.root.cp).toBe(1);
  await using again = await home.open();
  const entries = await again.query((files) => files.readDirectory(top, undefined, 100));
  expect(entries.length).toBe(20);
  expect(again.cpHistory.map(({ cause }) => cause)).toEqual(['recovery']);
});

test('a full volume refuses what needs space, loses nothing, and takes deletions', async () => {
  const home = new MemoryHome({ sizeBytes: 24 << 20, volume: { poolBytes: 8 << 20 } });
  await using volume = await home.create();
  const bytes = home.random.bytes(256 << 10);
  const written: string[] = [];
  let fault: unknown;
  for (let index = 0; index < 200 && fault === undefined; index++) {
    try {
      const ino = await makeFile(volume, `file ${index}`);
      await write(volume, { ino, offset: 0 }, bytes);
      written.push(`file ${index}`);
    } catch (thrown) {
      fault = thrown;
    }
  }
  expect(isFault(fault, 'volume-full')).toBe(true);
  expect(written.length).toBeGreaterThan(40);
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
  for (const name of written) {
    const back = new Uint8Array(bytes.length);
    await volume.readInto(await volume.query((files) => files.lookup(top, name).ino), 0, back);
    expect(Buffer.compare(back, bytes)).toBe(0);
  }
  for (const name of written.slice(0, 20)) {
    await volume.change(
      changeBlocks.remove,
      (files) => {
        files.unlink(top, name);
      },
      { frees: true },
    );
  }
  await volume.takeCp();
  await volume.takeCp();
  const ino = await makeFile(volume, 'there is room again');
  await write(volume, { ino, offset: 0 }, bytes);
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});

test('many writers at once cannot take more than there is: what is let in always fits the CP', async () => {
  const home = new MemoryHome({ sizeBytes: 20 << 20, volume: { poolBytes: 64 << 20 } });
  await using volume = await home.create();
  const bytes = home.random.bytes(1 << 20);
  const inos = await Promise.all(Array.from({ length: 24 }, (_, index) => makeFile(volume, `file ${index}`)));
  const outcomes = await Promise.allSettled(inos.map((ino) => write(volume, { ino, offset: 0 }, bytes)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every(({ reason }) => isFault(reason, 'volume-full'))).toBe(true);
  expect(refused.length).toBeLessThan(24);
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});

test('changes of scattered inodes on a full volume never make a CP fail for want of space', async () => {
  const home = new MemoryHome({ sizeBytes: 24 << 20, volume: { poolBytes: 16 << 20 } });
  await using volume = await home.create();
  const inos: number[] = [];
  for (let index = 0; index < 8000; index++) inos.push(await makeFile(volume, `file ${index}`));
  const large = await makeFile(volume, 'large');
  const bytes = home.random.bytes(64 << 10);
  await expect(
    (async () => {
      for (let offset = 0; ; offset += bytes.length) await write(volume, { ino: large, offset }, bytes);
    })(),
  ).rejects.toMatchObject({ code: 'volume-full' });
  for (const [position, ino] of inos.entries()) {
    if (position % 16 !== 0) continue;
    await volume.change(
      changeBlocks.setAttributes,
      (files) => {
        files.setAttributes(ino, { mode: 0o600 });
      },
      { frees: true },
    );
  }
  await volume.takeCp();
  await volume.change(
    changeBlocks.truncate,
    (files) => {
      files.truncate(large, 0);
    },
    { frees: true },
  );
  await volume.takeCp();
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
  await write(volume, { ino: large, offset: 0 }, bytes);
});

test('overwriting the same blocks again and again between two CPs writes them once', async () => {
  const home = new MemoryHome({ sizeBytes: 128 << 20, volume: { poolBytes: 64 << 20 } });
  await using volume = await home.create();
  const ino = await makeFile(volume, 'hot');
  for (let round = 0; round < 20; round++) {
    for (let part = 0; part < 8; part++) await write(volume, { ino, offset: part << 20 }, home.random.bytes(1024).subarray(0, 1));
    await write(volume, { ino, offset: 0 }, new Uint8Array(1 << 20).fill(round));
  }
  const { dataBlocks } = await volume.takeCp();
  expect(dataBlocks).toBeLessThan(256 + 7 + 10);
});

/** Its flushes wait while it is held. */
class HeldDevice extends MemoryDevice {
  held: Promise<void> | undefined;

  override async flush(): Promise<void> {
    await this.held;
    await super.flush();
  }
}

test('a writer that finds memory full goes on when the CP that runs has ended, and does not wait for the next', async () => {
  const home = new MemoryHome({ volume: { poolBytes: 8 << 20 } });
  const device = new HeldDevice({ sizeBytes: 64 << 20 });
  home.devices = [device];
  await using volume = await home.create();
  const ino = await makeFile(volume, 'stream');
  const writePart = (part: number): Promise<void> => write(volume, { ino, offset: part << 20 }, new Uint8Array(1 << 20).fill(part + 1));
  const first: PromiseWithResolvers<void> = Promise.withResolvers();
  const second: PromiseWithResolvers<void> = Promise.withResolvers();
  const ended: number[] = [];
  const follower = {
    begin: () => ({ keep: false }),
    end: (cp: number) => {
      ended.push(cp);
      device.held = second.promise;
    },
  };
  volume.follow(follower);
  device.held = first.promise;
  let part = 0;
  while (volume.status().stalledWriters === 0) {
    const writing = writePart(part++);
    await Promise.race([writing, settle()]);
  }
  expect(ended).toEqual([]);
  const waiting = writePart(part);
  first.resolve();
  await waiting;
  expect(ended).toHaveLength(1);
  second.resolve();
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});
