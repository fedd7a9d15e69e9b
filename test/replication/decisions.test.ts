import { describe, expect, test } from 'vitest';
import { MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import { PeerClock } from '../../src-main/replication/peer-clock.ts';
import { judgePeers, planForState } from '../../src-main/replication/peering.ts';
import { ProbePolicy } from '../../src-main/replication/probe-policy.ts';
import { ReceivedBlocks } from '../../src-main/replication/received-blocks.ts';
import { lagMsOf, stateOfSession } from '../../src-main/replication/relationship-status.ts';
import { retryDelayMs } from '../../src-main/replication/retry.ts';
import { cutIntoMessages } from '../../src-main/replication/want-answers.ts';
import { testSeed } from '../seed.ts';

describe('what a primary does about a mirror', () => {
  const last = { cp: 9, checksum: 99n };
  const plan = (
    committedCp: number,
    rootChecksum: bigint,
    held: number[],
    more: { known?: Map<number, bigint>; mirrorEpoch?: number; isConfirmed?: boolean } = {},
  ) =>
    planForState(
      { committedCp, rootChecksum, epoch: more.mirrorEpoch ?? 2 },
      {
        last,
        epoch: 2,
        isConfirmed: more.isConfirmed ?? false,
        isHeld: (cp) => held.includes(cp),
        knownChecksum: (cp) => more.known?.get(cp),
      },
    );

  test('an empty one gets the last root if that is held, else the next', () => {
    expect(plan(0, 0n, [9]).kind).toBe('offer');
    expect(plan(0, 0n, []).kind).toBe('take-cp');
  });

  test('one with the same root needs nothing', () => {
    expect(plan(9, 99n, [9]).kind).toBe('identical');
  });

  test('one at a held CP catches up', () => {
    expect(plan(5, 55n, [5]).kind).toBe('take-cp');
    expect(plan(5, 55n, [5, 9]).kind).toBe('offer');
    expect(plan(5, 55n, [5], { known: new Map([[5, 55n]]) })).toEqual({ kind: 'take-cp', basis: 'held' });
  });

  test('one at a CP that is not held any more compares: as an ancestor if it is known for one', () => {
    expect(plan(5, 55n, [9])).toEqual({ kind: 'offer', basis: 'related' });
    expect(plan(5, 55n, [9], { known: new Map([[5, 55n]]) })).toEqual({ kind: 'offer', basis: 'ancestor' });
    expect(plan(9, 99n, [])).toEqual({ kind: 'take-cp', basis: 'ancestor' });
  });

  test('one of an earlier epoch compares whatever its number, and gets a CP with a higher one', () => {
    expect(plan(5, 55n, [5, 9], { mirrorEpoch: 1 })).toEqual({ kind: 'offer', basis: 'related' });
    expect(plan(12, 1n, [9], { mirrorEpoch: 1 })).toEqual({ kind: 'take-cp', basis: 'related' });
    expect(plan(9, 1n, [9], { mirrorEpoch: 1 })).toEqual({ kind: 'take-cp', basis: 'related' });
  });

  test.each<[string, Parameters<typeof plan>]>([
    ['newer than the primary', [10, 1n, [9]]],
    ['at another root of the same CP', [9, 1n, [9]]],
    ['at another root of an earlier CP', [5, 1n, [5], { known: new Map([[5, 55n]]) }]],
  ])('one %s is refused as diverged, until an administrator confirms', (_, [cp, checksum, held, more]) => {
    expect(plan(cp, checksum, held, more)).toMatchObject({ kind: 'refuse', fault: { code: 'peer-diverged' } });
    expect(plan(cp, checksum, held, { ...more, isConfirmed: true })).toMatchObject({ basis: 'forced' });
  });
});

describe('whether two servers belong together', () => {
  const one = new Uint8Array(16).fill(1);
  const primary = { serverName: 'office', volumeId: one, blockSizeBytes: 4096, blockCount: 1000, epoch: 1 };

  test('a mirror of the volume does, and an empty one', () => {
    expect(judgePeers(primary, { ...primary, serverName: 'cellar' })).toBeUndefined();
    expect(judgePeers(primary, { ...primary, volumeId: new Uint8Array(16), epoch: 0, blockCount: 2000 })).toBeUndefined();
  });

  test.each([
    ['peer-wrong-volume', { volumeId: new Uint8Array(16).fill(2) }],
    ['unsupported', { blockSizeBytes: 8192 }],
    ['peer-too-small', { blockCount: 999 }],
    ['peer-diverged', { epoch: 2 }],
  ])('refused as %s', (code, difference) => {
    expect(judgePeers(primary, { ...primary, ...difference })?.code).toBe(code);
  });
});

describe('when a link is tried again', () => {
  const fault = (code: 'link-closed' | 'peer-diverged' | 'frame-invalid'): MirrorpointError => new MirrorpointError(code, '');

  test('soon and then ever later after temporary faults, up to a bound', () => {
    const delays = Array.from({ length: 20 }, (_, attempt) => retryDelayMs(fault('link-closed'), attempt));
    expect(delays[0]).toBeLessThan(1000);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays.at(-1)).toBeLessThanOrEqual(15_000);
    expect(retryDelayMs(fault('frame-invalid'), 0)).toBe(delays[0]);
    expect(retryDelayMs(undefined, 0)).toBe(delays[0]);
  });

  test('slowly when a person is needed', () => {
    expect(retryDelayMs(fault('peer-diverged'), 0)).toBeGreaterThanOrEqual(30_000);
  });
});

describe('what arrived of a CP', () => {
  test('is remembered by address and checksum, the latest for an address', () => {
    const seed = testSeed;
    const random = new SeededRandom(seed);
    const blocks = new ReceivedBlocks(7);
    const model = new Map<number, bigint>();
    for (let index = 0; index < 20_000; index++) {
      const vbn = random.chance(0.5) ? random.below(4000) : random.below(2 ** 32) * 2 ** random.below(16);
      const checksum = BigInt(random.below(2 ** 31));
      blocks.add(vbn, checksum);
      model.set(vbn, checksum);
    }
    expect(blocks.count, `seed ${seed}`).toBe(model.size);
    for (const [vbn, checksum] of model) {
      expect(blocks.has(vbn, checksum), `seed ${seed}`).toBe(true);
      expect(blocks.has(vbn, checksum + 1n), `seed ${seed}`).toBe(false);
      expect(blocks.has(vbn + 0.5, checksum)).toBe(false);
    }
  });

  test('has bytes at hand only while they are those of the checksum', () => {
    const blocks = new ReceivedBlocks(7, 100);
    const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)];
    blocks.add(5, 1n, first);
    blocks.add(6, 1n, first);
    expect(blocks.bytesOf(5)).toBe(first);
    blocks.add(5, 2n, second);
    blocks.add(6, 3n);
    expect([blocks.bytesOf(5), blocks.bytesOf(6), blocks.bytesOf(7)]).toEqual([second, undefined, undefined]);
  });

  test('is bounded: what comes after the bound is forgotten', () => {
    const blocks = new ReceivedBlocks(7, 100);
    for (let vbn = 0; vbn < 1000; vbn++) blocks.add(vbn, 1n);
    expect(blocks.count).toBe(100);
    expect(blocks.has(99, 1n)).toBe(true);
    expect(blocks.has(100, 1n)).toBe(false);
  });
});

describe('looking on the own device', () => {
  test('goes on while it finds, and costs next to nothing when it does not', () => {
    const policy = new ProbePolicy();
    const run = (blocks: number, hits: number): number => {
      let looked = 0;
      for (let left = blocks; left > 0; ) {
        const step = policy.next(left);
        left -= step.count;
        if (step.what === 'ask') continue;
        looked += step.count;
        policy.found(Math.min(hits, step.count));
      }
      return looked;
    };
    expect(run(100_000, 256)).toBe(100_000);
    expect(run(1_000_000, 0)).toBeLessThan(20_000);
    expect(run(20_000, 256)).toBeGreaterThan(10_000);
  });
});

test('a want is answered in messages of bounded size that keep its order', () => {
  const groups = cutIntoMessages([{ vbn: 10, count: 5 }, { vbn: 100, count: 1 }, { vbn: 7, count: 6 }], 4);
  expect(groups).toEqual([
    [{ vbn: 10, count: 4 }],
    [{ vbn: 14, count: 1 }, { vbn: 100, count: 1 }, { vbn: 7, count: 2 }],
    [{ vbn: 9, count: 4 }],
  ]);
});

test('lag is nothing when both have the same CP, and otherwise the time since the first CP that the mirror lacks', () => {
  expect(lagMsOf({ mirrorCp: 5, primaryCp: 5, mirrorWallMs: 1000, nowWallMs: 9000 })).toBe(0);
  expect(lagMsOf({ mirrorCp: 4, primaryCp: 5, mirrorWallMs: 1000, nowWallMs: 9000 })).toBe(8000);
  expect(lagMsOf({ mirrorCp: 4, primaryCp: 5, mirrorWallMs: 9500, nowWallMs: 9000 })).toBe(0);
  expect(lagMsOf({ mirrorCp: 4, primaryCp: 5, mirrorWallMs: 1000, missingSinceWallMs: 7000, nowWallMs: 9000 })).toBe(2000);
  // What has been missing since before the mirror's own CP has come by then.
  expect(lagMsOf({ mirrorCp: 4, primaryCp: 5, mirrorWallMs: 8000, missingSinceWallMs: 7000, nowWallMs: 9000 })).toBe(1000);
  expect(lagMsOf({ mirrorCp: 0, primaryCp: 5, mirrorWallMs: 0, missingSinceWallMs: 7000, nowWallMs: 9000 })).toBe(0);
});

test("the other server's clock is judged by the message that was least delayed of the last minute", () => {
  const clock = new PeerClock();
  expect(clock.aheadMs).toBeUndefined();
  clock.note(1000, { wallMs: 31_000, nowMs: 0 });
  clock.note(2000, { wallMs: 2010, nowMs: 1000 });
  clock.note(3000, { wallMs: 43_000, nowMs: 2000 });
  expect(clock.aheadMs).toBe(-10);
  clock.note(63_000, { wallMs: 64_000, nowMs: 61_500 });
  expect(clock.aheadMs).toBe(-1000);
  for (let index = 0; index < 1000; index++) clock.note(500_000, { wallMs: 100_000, nowMs: 62_000 });
  expect(clock.aheadMs).toBe(400_000);
});

test('a session is a baseline, catching up or live', () => {
  expect(stateOfSession({ mirrorCp: 0, primaryCp: 5, isStreaming: true })).toBe('baseline');
  expect(stateOfSession({ mirrorCp: 3, primaryCp: 5, isStreaming: false })).toBe('catching-up');
  expect(stateOfSession({ mirrorCp: 4, primaryCp: 5, isStreaming: true })).toBe('live');
  expect(stateOfSession({ mirrorCp: 5, primaryCp: 5, isStreaming: false })).toBe('live');
});
