import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { decodeMessage, encodeMessage, FrameReader, frameBytesMax, WireSession } from '../../src-main/wire/index.ts';
import type { Frame } from '../../src-main/wire/index.ts';
import { joined, normal, sampleHello, sampleMessages } from './messages.ts';

const seed = Number(process.env.MIRRORPOINT_SEED ?? 20_261_122);
const allowedCodes = new Set(['message-invalid', 'frame-invalid', 'frame-too-large', 'protocol-too-new', 'peer-wrong-role']);

/** Runs a decoder on hostile input: it returns, or fails with a code of the wire. Returns whether it took the input. */
function survives(label: string, decode: () => void): boolean {
  try {
    decode();
    return true;
  } catch (fault) {
    if (isFault(fault) && allowedCodes.has(fault.code)) return false;
    throw new Error(`${label}, seed ${seed}`, { cause: fault });
  }
}

function mutate(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (let edits = 1 + random.below(4); edits > 0 && copy.length > 0; edits--) {
    const at = random.chance(0.7) ? random.below(Math.min(copy.length, 96)) : random.below(copy.length);
    copy[at] = random.chance(0.5) ? random.pick([0, 1, 0x7f, 0x80, 0xff]) : random.below(256);
  }
  if (random.chance(0.2)) return copy.subarray(0, random.below(copy.length + 1));
  return copy;
}

const frames: readonly Frame[] = sampleMessages.map((message) => new FrameReader().push(joined(encodeMessage(message)))[0]!);

describe('decoders fed with noise', () => {
  it('take or refuse 120,000 bodies of noise and near-messages, and what they take survives a round trip', () => {
    const random = new SeededRandom(seed);
    let taken = 0;
    for (let round = 0; round < 120_000; round++) {
      const near = frames[random.below(frames.length)]!;
      const noise: Frame = { type: random.below(20), body: random.bytes(random.below(80)), data: new Uint8Array(random.pick([0, 1, 4096])) };
      const frame = random.chance(0.5) ? noise : { ...near, body: mutate(random, near.body) };
      const ok = survives(`round ${round}`, () => {
        const message = decodeMessage(frame);
        const again = new FrameReader().push(joined(encodeMessage(message)))[0]!;
        expect(normal(decodeMessage(again)), `round ${round}, seed ${seed}`).toEqual(normal(message));
      });
      if (ok) taken++;
    }
    expect(taken).toBeGreaterThan(1000);
  });

  it('take or refuse 60,000 mutated frames, in chunks of any size, holding at most one frame', () => {
    const random = new SeededRandom(seed + 1);
    const valid = sampleMessages.map((message) => joined(encodeMessage(message)));
    let refused = 0;
    for (let round = 0; round < 60_000; round++) {
      const bytes = mutate(random, random.pick(valid));
      const reader = new FrameReader();
      const ok = survives(`round ${round}`, () => {
        for (let offset = 0; offset < bytes.length;) {
          const size = 1 + random.below(random.chance(0.3) ? 40 : 5000);
          for (const frame of reader.push(bytes.subarray(offset, offset + size))) decodeMessage(frame);
          expect(reader.pendingBytes).toBeLessThanOrEqual(frameBytesMax);
          offset += size;
        }
      });
      if (!ok) refused++;
    }
    expect(refused).toBeGreaterThan(10_000);
  });

  it('take or refuse 40,000 chunks of pure noise, before and after a handshake', () => {
    const random = new SeededRandom(seed + 2);
    const hello = joined(new WireSession({ role: 'mirror', hello: sampleHello }).start());
    for (let round = 0; round < 40_000; round++) {
      const session = new WireSession({ role: 'primary', hello: sampleHello });
      session.start();
      const noise = random.bytes(1 + random.below(60));
      // A right beginning leads further in than noise does.
      if (random.chance(0.5)) noise.set(hello.subarray(0, Math.min(4, noise.length)));
      survives(`round ${round}`, () => {
        if (random.chance(0.5)) session.receive(hello);
        session.receive(noise);
        session.receive(random.bytes(64));
      });
    }
  });

  it('hold out against 20,000 sessions of valid messages in a senseless order', () => {
    const random = new SeededRandom(seed + 3);
    const encoded = sampleMessages.map((message) => joined(encodeMessage(message)));
    let taken = 0;
    for (let round = 0; round < 20_000; round++) {
      const session = new WireSession({ role: random.pick(['primary', 'mirror'] as const), hello: sampleHello });
      session.start();
      const ok = survives(`round ${round}`, () => {
        for (let count = 1 + random.below(6); count > 0; count--) session.receive(random.pick(encoded));
      });
      if (ok) taken++;
    }
    expect(taken).toBeGreaterThan(100);
  });
});
