import fc from 'fast-check';
import { errorCodes, u48Max } from '../../src-main/base/index.ts';
import { type BlockChange, type HelloMessage, type Message, patchBetween, rootBases, type Run } from '../../src-main/wire/index.ts';

/** Buffers sent one behind the other, as the receiver sees them. */
export function joined(buffers: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(buffers));
}

/** A message with its block data joined, so that two can be compared however the data is cut. */
export function normal(message: Message): Message {
  if (!('data' in message)) return message;
  return { ...message, data: [joined(message.data)] };
}

const u48 = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.maxSafeNat().map((value) => value % (u48Max + 1)), fc.constant(u48Max));
const cp = u48.map((value) => Math.max(1, value));
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const cps = fc.array(cp, { maxLength: 20 });
const requestId = fc.integer({ min: 1, max: 0xffff_ffff });
const blockSizeBytes = fc.constantFrom(4096, 8192, 16_384, 32_768, 65_536);
const plainText = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replace(/[\p{Cc}\p{Cs}]/gu, '').normalize());

function runsOf(blocksMax: number): fc.Arbitrary<Run[]> {
  const run = fc.record({ vbn: u48.map((value) => Math.min(value, u48Max - 16)), count: fc.integer({ min: 1, max: 16 }) });
  return fc
    .array(run, { minLength: 1, maxLength: 16 })
    .filter((runs) => runs.reduce((sum, { count }) => sum + count, 0) <= blocksMax);
}

const hello: fc.Arbitrary<Message> = fc.record({
  type: fc.constant('hello'),
  protocolMin: fc.integer({ min: 1, max: 9 }),
  protocolMax: fc.integer({ min: 9, max: 0xffff }),
  role: fc.constantFrom('primary', 'mirror'),
  serverId: id,
  serverName: plainText,
  volumeId: id,
  setId: id,
  blockSizeBytes,
  blockCount: cp,
  epoch: u48,
});

const blocks: fc.Arbitrary<Message> = fc
  .record({ runs: runsOf(16), size: blockSizeBytes, live: fc.boolean(), cp, requestId, fill: fc.integer({ min: 0, max: 255 }) })
  .map(({ runs, size, live, fill, ...ids }) => ({
    type: 'blocks',
    cp: live ? ids.cp : 0,
    requestId: live ? 0 : ids.requestId,
    runs,
    data: runs.map(({ count }, index) => new Uint8Array(count * size).fill(fill + index)),
  }));

const changedWord = fc.record({ word: fc.integer({ min: 0, max: 1023 }), value: fc.integer({ min: 0, max: 255 }) });

const patch = fc.array(changedWord, { maxLength: 20 }).map((words) => {
  const after = new Uint8Array(4096);
  for (const { word, value } of words) after.fill(value, word * 4, word * 4 + 4);
  return patchBetween(new Uint8Array(4096), after)!;
});

const change: fc.Arbitrary<BlockChange> = fc.record({ vbn: u48, replacedVbn: u48, replacedBirthCp: fc.constantFrom(0, 1), patch });

const packedBlocks: fc.Arbitrary<Message> = fc
  .record({ runs: runsOf(16), live: fc.boolean(), cp, requestId, data: fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 100 })) })
  .map(({ live, cp: ofCp, requestId: id, ...rest }) => ({ type: 'packed-blocks', cp: live ? ofCp : 0, requestId: live ? 0 : id, ...rest }));

/** Any message that the protocol allows. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  hello,
  fc.record({ type: fc.constant('state'), committedCp: u48, rootChecksum: u64, receivingCp: u48, neededCps: cps }),
  fc
    .tuple(cp, u48)
    .filter(([one, other]) => one !== other)
    .map(([one, other]): Message => ({ type: 'begin', cp: Math.max(one, other), baseCp: Math.min(one, other) })),
  blocks,
  packedBlocks,
  fc.record({
    type: fc.constant('root'),
    cp,
    basis: fc.constantFrom(...rootBases),
    root: blockSizeBytes.chain((size) => fc.integer({ min: 0, max: 255 }).map((fill) => new Uint8Array(size).fill(fill))),
  }),
  fc.record({ type: fc.constant('changes'), cp: cp.map((value) => Math.max(2, value)), changes: fc.array(change, { minLength: 1, maxLength: 20 }) }),
  fc.record({ type: fc.constant('want'), requestId, cp, runs: runsOf(256) }),
  fc.record({ type: fc.constant('gone'), requestId, cp }),
  fc.record({ type: fc.constant('committed'), cp, rootChecksum: u64, neededCps: cps }),
  fc.record({ type: fc.constant('views'), neededCps: cps }),
  fc.record({
    type: fc.constant('heartbeat'),
    sentWallMs: u48,
    lastCp: u48,
    lastCpWallMs: u48,
    pendingBytes: fc.maxSafeNat(),
    receivedBytes: fc.maxSafeNat(),
    lastRootChecksum: u64,
  }),
  fc.record({ type: fc.constant('fault'), code: fc.constantFrom(...errorCodes), message: plainText, final: fc.boolean() }),
  fc.record({ type: fc.constant('bye') }),
  fc.record({ type: fc.constant('hand-over'), epoch: cp, cp, rootChecksum: u64 }),
  fc.record({ type: fc.constant('handed-over'), epoch: cp }),
  fc.record({ type: fc.constant('fetch'), requestId, blocks: fc.array(fc.record({ vbn: u48, checksum: u64 }), { minLength: 1, maxLength: 64 }) }),
  fc
    .record({ requestId, size: blockSizeBytes, places: fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { maxLength: 16 }) })
    .map(({ size, places, ...ids }): Message => {
      const found = places.sort((a, b) => a - b);
      return { type: 'fetched', ...ids, found, data: found.map((place) => new Uint8Array(size).fill(place)) };
    }),
);

export const sampleHello: Omit<HelloMessage, 'type' | 'role' | 'protocolMin' | 'protocolMax'> = {
  serverId: new Uint8Array(16).fill(1),
  serverName: 'büro-1',
  volumeId: new Uint8Array(16).fill(2),
  setId: new Uint8Array(16).fill(3),
  blockSizeBytes: 4096,
  blockCount: 1_000_000,
  epoch: 1,
};

/** One message of every type, small. */
export const sampleMessages: readonly Message[] = [
  { type: 'hello', role: 'mirror', protocolMin: 1, protocolMax: 1, ...sampleHello },
  { type: 'state', committedCp: 6, rootChecksum: 0xfedc_ba98_7654_3210n, receivingCp: 7, neededCps: [3, 5] },
  { type: 'begin', cp: 8, baseCp: 7 },
  { type: 'blocks', cp: 8, requestId: 0, runs: [{ vbn: 10, count: 2 }, { vbn: 99, count: 1 }], data: [new Uint8Array(8192).fill(1), new Uint8Array(4096).fill(2)] },
  { type: 'root', cp: 8, basis: 'live', root: new Uint8Array(4096).fill(9) },
  { type: 'want', requestId: 4, cp: 8, runs: [{ vbn: 10, count: 500 }] },
  { type: 'gone', requestId: 4, cp: 8 },
  { type: 'committed', cp: 8, rootChecksum: 5n, neededCps: [7] },
  { type: 'views', neededCps: [] },
  { type: 'heartbeat', sentWallMs: 1_790_000_000_000, lastCp: 8, lastCpWallMs: 1_790_000_000_000, pendingBytes: 2 ** 50, receivedBytes: 77, lastRootChecksum: 9n },
  { type: 'fault', code: 'device-full', message: 'the mirror’s device is full', final: true },
  { type: 'bye' },
  { type: 'hand-over', epoch: 2, cp: 8, rootChecksum: 6n },
  { type: 'handed-over', epoch: 2 },
  { type: 'fetch', requestId: 3, blocks: [{ vbn: 12, checksum: 0x0123_4567_89ab_cdefn }, { vbn: 1000, checksum: 7n }] },
  { type: 'fetched', requestId: 3, found: [1], data: [new Uint8Array(4096).fill(3)] },
  {
    type: 'changes',
    cp: 8,
    changes: [
      { vbn: 100, replacedVbn: 7, replacedBirthCp: 7, patch: new Uint8Array([4, 0, 4, 0, 1, 2, 3, 4]) },
      { vbn: 101, replacedVbn: 9, replacedBirthCp: 2, patch: new Uint8Array(0) },
    ],
  },
  { type: 'packed-blocks', cp: 0, requestId: 4, runs: [{ vbn: 10, count: 2 }], data: [new Uint8Array(30).fill(6)] },
];
