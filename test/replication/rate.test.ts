import { expect, test } from 'vitest';
import { minuteOfDay, minutesPerDay, rateAt } from '../../src-main/replication/rate-limits.ts';
import { RateBucket } from '../../src-main/replication/rate-bucket.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

const office = { fromMinute: 8 * 60, toMinute: 18 * 60, bytesPerSecond: 2 << 20 };
const night = { fromMinute: 22 * 60, toMinute: 6 * 60 };

test('a window has its limit from its first minute on, and not at its last', () => {
  const limits = { windows: [office] };
  expect([8 * 60 - 1, 8 * 60, 18 * 60 - 1, 18 * 60].map((minute) => rateAt(limits, minute))).toEqual([undefined, 2 << 20, 2 << 20, undefined]);
});

test('a window may go over midnight, and may lift the limit of the rest of the day', () => {
  const limits = { bytesPerSecond: 100_000, windows: [office, night] };
  expect([22 * 60 - 1, 22 * 60, 0, 6 * 60 - 1, 6 * 60, 12 * 60].map((minute) => rateAt(limits, minute))).toEqual([
    100_000,
    undefined,
    undefined,
    undefined,
    100_000,
    2 << 20,
  ]);
});

test('the minute of the day is that of the place where the server stands', () => {
  const noonUtc = Date.UTC(2026, 10, 23, 12, 0, 30);
  expect(minuteOfDay(noonUtc, 0)).toBe(720);
  expect(minuteOfDay(noonUtc, 60)).toBe(780);
  expect(minuteOfDay(noonUtc, 13 * 60)).toBe(60);
  expect(minuteOfDay(noonUtc, -12 * 60 - 30)).toBe(minutesPerDay - 30);
});

test('a bucket lets through what its limit says, whatever the sizes, and a new limit at once', async () => {
  const clock = new VirtualClock();
  let rate: number | undefined = 100_000;
  const bucket = new RateBucket(clock, () => rate);
  const sizes = [1000, 70_000, 300, 45_000, 64_000];
  let went = 0;
  let turn = 0;
  const goOn = async (ms: number): Promise<number> => {
    const from = went;
    for (const endMs = clock.monotonicMs() + ms; clock.monotonicMs() < endMs; ) {
      if (!bucket.isFull) {
        const size = sizes[turn++ % sizes.length]!;
        bucket.spend(size);
        went += size;
        if (rate === undefined) break;
        continue;
      }
      let isResting = true;
      void bucket.rest().then(() => {
        isResting = false;
      });
      while (isResting) {
        clock.pass(1);
        await Promise.resolve();
      }
    }
    return went - from;
  };
  const slow = await goOn(60_000);
  expect(slow).toBeGreaterThan(60 * 100_000 * 0.98);
  expect(slow).toBeLessThan(60 * 100_000 * 1.02 + 70_000);
  rate = 1_000_000;
  const fast = await goOn(10_000);
  expect(fast).toBeGreaterThan(10 * 1_000_000 * 0.97);
  expect(fast).toBeLessThan(10 * 1_000_000 * 1.03);
  rate = undefined;
  expect(await goOn(1)).toBeGreaterThan(0);
  expect(bucket.isFull).toBe(false);
});

test('a time of rest allows a quarter of a second at once, and no more', () => {
  const clock = new VirtualClock();
  const bucket = new RateBucket(clock, () => 100_000);
  clock.advance(3_600_000);
  let went = 0;
  while (!bucket.isFull) {
    bucket.spend(1000);
    went += 1000;
  }
  expect(went).toBe(26_000);
});

test('a limited relationship sends its limit and no more, and its heartbeats all the same', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  lab.rate = 200_000;
  await lab.put('large', lab.random.bytes(6 << 20));
  await lab.primary.takeCp();
  await lab.pass(1000, 20);
  const from = lab.bytesFromPrimary;
  await lab.pass(20_000, 20);
  const sent = lab.bytesFromPrimary - from;
  expect(sent).toBeGreaterThan(20 * 200_000 * 0.9);
  expect(sent).toBeLessThan(20 * 200_000 * 1.1);
  expect(lab.relationship.status()).toMatchObject({ identical: false, limitBytesPerSecond: 200_000 });
  // The mirror heard of the CP although its blocks are still on their way, and the link was never taken for dead.
  expect(lab.service.status().primaryCp).toBe(lab.primary.root.cp);
  expect(lab.relationship.sessionCount).toBe(1);
  lab.rate = undefined;
  await lab.pass(1000);
  await lab.untilIdentical();
});

test('a limited mirror gets the newest CP next, and what was overwritten meanwhile never', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.put('file', lab.random.bytes(2 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  lab.rate = 400_000;
  const before = lab.bytesFromPrimary;
  let content: Uint8Array = new Uint8Array(0);
  for (let round = 0; round < 10; round++) {
    content = lab.random.bytes(2 << 20);
    await lab.overwrite('file', content);
    await lab.primary.takeCp();
    await lab.pass(500);
  }
  await lab.until(() => lab.relationship.status().identical, 'an identical mirror');
  // Of ten versions at most those of two CPs on their way and of the last one were sent.
  expect(lab.bytesFromPrimary - before).toBeLessThan(3.2 * (2 << 20));
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'file'), content);
});

test('a mirror with a limit of its own holds up neither the primary nor another mirror', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  let rate: number | undefined = 16_384;
  await using second = await lab.addMirror(() => rate);
  const { mirror: other, relationship } = second;
  await lab.until(() => relationship.status().mirrorCp > 0, 'the second mirror');
  for (let round = 0; round < 6; round++) {
    const fromMs = lab.clock.monotonicMs();
    await lab.put(`file-${round}`, lab.random.bytes(2 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    // At its rate the other one would have needed two minutes.
    expect(lab.clock.monotonicMs() - fromMs).toBeLessThan(10_000);
  }
  expect(relationship.status()).toMatchObject({ identical: false, state: 'catching-up' });
  expect(lab.primary.status().stalledWriters).toBe(0);
  rate = undefined;
  await lab.until(() => relationship.status().identical, 'the second mirror');
  expect((await other.check()).problems).toEqual([]);
});
