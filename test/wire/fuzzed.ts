import { SeededRandom } from '../../src-main/base/index.ts';
import {
  decodeMessage,
  encodeMessage,
  type Frame,
  FrameReader,
  frameBytesMax,
  patchBetween,
  rangesOf,
  unpackBlocks,
  WireSession,
  zstdPacking,
} from '../../src-main/wire/index.ts';
import { helloVersions } from '../../src-main/wire/message-codec.ts';
import { joined, normal, sampleHello, sampleMessages } from './messages.ts';
import { type FuzzedDecoder, mustBe } from '../fuzz/decoder.ts';

const wireCodes = ['message-invalid', 'frame-invalid', 'frame-too-large', 'protocol-too-new', 'peer-wrong-role'] as const;

const encoded = sampleMessages.map((message) => joined(encodeMessage(message)));
const frames: readonly Frame[] = encoded.map((bytes) => new FrameReader().push(bytes)[0]!);

/** A first byte says of which message the body is to be. */
const messages: FuzzedDecoder = {
  what: 'bodies of messages between servers',
  by: ['decodeMessage', 'helloVersions', 'readFault', 'readFetch', 'readFetched', 'readRuns', 'readCps', 'readChanges'],
  codes: wireCodes,
  weight: 3,
  noiseBytesMax: 80,
  sample: (random) => {
    const frame = random.below(frames.length);
    return Uint8Array.of(frame, ...frames[frame]!.body.subarray(0, 1000));
  },
  take: (bytes, random) => {
    const near = frames[(bytes[0] ?? 0) % frames.length]!;
    const isNear = random.chance(0.9);
    const frame = { type: isNear ? near.type : random.below(20), body: bytes.subarray(1), data: isNear ? near.data : new Uint8Array(random.pick([0, 1, 4096])) };
    helloVersions(frame);
    const message = decodeMessage(frame);
    const again = decodeMessage(new FrameReader().push(joined(encodeMessage(message)))[0]!);
    mustBe(isSame(normal(again), normal(message)), 'a message that is another one after a round trip');
    return true;
  },
};

function isSame(one: unknown, other: unknown): boolean {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify(one, plain) === JSON.stringify(other, plain);
}

const framesInChunks: FuzzedDecoder = {
  what: 'frames between servers, in chunks of any size',
  by: ['FrameReader'],
  codes: wireCodes,
  sample: (random) => random.pick(encoded),
  take: (bytes, random) => {
    const reader = new FrameReader();
    for (let offset = 0; offset < bytes.length; ) {
      const size = 1 + random.below(random.chance(0.3) ? 40 : 5000);
      for (const frame of reader.push(bytes.subarray(offset, offset + size))) decodeMessage(frame);
      mustBe(reader.pendingBytes <= frameBytesMax, 'more than one frame in memory');
      offset += size;
    }
    return true;
  },
};

const primaryHello = joined(new WireSession({ role: 'primary', hello: sampleHello }).start());
const mirrorHello = joined(new WireSession({ role: 'mirror', hello: sampleHello }).start());

const sessions: FuzzedDecoder = {
  what: 'sessions between servers, before and after their greeting',
  by: ['WireSession.receive'],
  codes: wireCodes,
  noiseBytesMax: 60,
  sample: (random) => (random.chance(0.5) ? mirrorHello : random.pick(encoded)),
  take: (bytes, random) => {
    const role = random.pick(['primary', 'mirror'] as const);
    const session = new WireSession({ role, hello: sampleHello });
    session.start();
    if (random.chance(0.6)) session.receive(role === 'primary' ? mirrorHello : primaryHello);
    session.receive(bytes);
    // Valid messages in a senseless order are noise as well.
    for (let count = random.chance(0.3) ? random.below(4) : 0; count > 0; count--) session.receive(random.pick(encoded));
    return true;
  },
};

const blockSizeBytes = 4096;
const before = new SeededRandom(5).bytes(blockSizeBytes);

const patches: FuzzedDecoder = {
  what: 'differences of blocks',
  by: ['rangesOf'],
  codes: [],
  sample: (random) => {
    const after = before.slice();
    for (let edit = 0; edit < 5; edit++) after.set(random.bytes(1 + random.below(30)), random.below(4000));
    return patchBetween(before, after)!;
  },
  take: (bytes) => {
    const ranges = rangesOf(bytes, blockSizeBytes);
    for (const range of ranges ?? []) mustBe(range.offset + range.bytes.length <= blockSizeBytes, 'a range beyond the block');
    return ranges !== undefined;
  },
};

const packedRun = { vbn: 7, count: 4 };
const packedSamples = await Promise.all([1, 2, 3].map((seed) => zstdPacking.pack(new Uint8Array(Buffer.alloc(4 * blockSizeBytes, `block ${seed} `)))));

const packedBlocks: FuzzedDecoder = {
  what: 'blocks in packed form',
  by: ['unpackBlocks'],
  codes: ['frame-invalid'],
  weight: 0.1,
  sample: (random) => new Uint8Array(random.pick(packedSamples)),
  take: async (bytes) => {
    const { data } = await unpackBlocks({ type: 'packed-blocks', cp: 1, requestId: 0, runs: [packedRun], data: [bytes] }, { packing: zstdPacking, blockSizeBytes });
    mustBe(joined(data).length === 4 * blockSizeBytes, 'more or less than the blocks');
    return true;
  },
};

/** What comes over a link between the sides of a relationship. */
export const fuzzed: readonly FuzzedDecoder[] = [messages, framesInChunks, sessions, patches, packedBlocks];
