import { describe, expect, it } from 'vitest';
import { AssertionFault, isFault, setBigU64, setU16, setU32, checksumOf } from '../../src-main/base/index.ts';
import {
  blockDataBytesMax,
  bodyBytesMax,
  encodeFrame,
  FrameReader,
  frameBytesMax,
  handshakeFrameBytesMax,
  headerBytes,
} from '../../src-main/wire/index.ts';
import type { Frame } from '../../src-main/wire/index.ts';
import { joined } from './messages.ts';

const bodies = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(300).fill(7)];

/** Three frames: without a body, with one, and with a body and data. */
function threeFrames(): Uint8Array {
  return joined([
    ...encodeFrame(12, bodies[0]!),
    ...encodeFrame(9, bodies[1]!),
    ...encodeFrame(4, bodies[2]!, [new Uint8Array(50).fill(1), new Uint8Array(70).fill(2)]),
  ]);
}

function expectThree(frames: readonly Frame[]): void {
  expect(frames.map((frame) => frame.type)).toEqual([12, 9, 4]);
  expect(frames.map((frame) => Buffer.from(frame.body))).toEqual(bodies.map((body) => Buffer.from(body)));
  expect(frames[0]!.data.length + frames[1]!.data.length).toBe(0);
  expect(Buffer.from(frames[2]!.data)).toEqual(Buffer.concat([Buffer.alloc(50, 1), Buffer.alloc(70, 2)]));
}

/** A header that says what it likes, with a right checksum. */
function header(fields: { type?: number; flags?: number; bodyBytes?: number; dataBytes?: number }): Uint8Array {
  const [bytes] = encodeFrame(fields.type ?? 1, new Uint8Array(0)) as [Uint8Array];
  setU16(bytes, 6, fields.flags ?? 0);
  setU32(bytes, 8, fields.bodyBytes ?? 0);
  setU32(bytes, 12, fields.dataBytes ?? 0);
  setBigU64(bytes, 24, checksumOf(bytes.subarray(0, 24)));
  return bytes;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (fault) {
    if (isFault(fault)) return fault.code;
    throw fault;
  }
  return 'no fault';
}

describe('frames', () => {
  it('come out whole from one chunk, cut at any one place, or byte by byte', () => {
    const bytes = threeFrames();
    expectThree(new FrameReader().push(bytes));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = new FrameReader();
      expectThree([...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))]);
      expect(reader.pendingBytes).toBe(0);
    }
    const reader = new FrameReader();
    const frames: Frame[] = [];
    for (const byte of bytes) frames.push(...reader.push(Uint8Array.of(byte)));
    expectThree(frames);
  });

  it('are views of the chunk when they lie in one, and own their bytes when they do not', () => {
    const bytes = threeFrames();
    const [, , whole] = new FrameReader().push(bytes);
    expect(whole!.data.buffer).toBe(bytes.buffer);
    const reader = new FrameReader();
    const first = bytes.slice(0, bytes.length - 10);
    reader.push(first);
    const [split] = reader.push(bytes.slice(bytes.length - 10));
    first.fill(0);
    expect(Buffer.from(split!.data)).toEqual(Buffer.concat([Buffer.alloc(50, 1), Buffer.alloc(70, 2)]));
    expect(split!.body.buffer).toBe(split!.data.buffer);
  });

  it('lend memory that was given back to a later frame, and no memory before that', () => {
    const reader = new FrameReader();
    const receive = (fill: number, dataBytes: number): Frame => {
      const bytes = joined(encodeFrame(4, Uint8Array.of(fill), [new Uint8Array(dataBytes).fill(fill)]));
      reader.push(bytes.subarray(0, 100));
      return reader.push(bytes.subarray(100))[0]!;
    };
    const first = receive(1, blockDataBytesMax);
    const second = receive(2, blockDataBytesMax / 2);
    expect(second.data.buffer).not.toBe(first.data.buffer);
    expect(first.data.every((byte) => byte === 1)).toBe(true);
    reader.giveBack(first.data);
    reader.giveBack(first.data);
    reader.giveBack(new Uint8Array(blockDataBytesMax));
    const third = receive(3, blockDataBytesMax);
    const fourth = receive(4, blockDataBytesMax);
    expect(third.data.buffer).toBe(first.data.buffer);
    expect(new Set([second, third, fourth].map((frame) => frame.data.buffer)).size).toBe(3);
    for (const [index, frame] of [second, third, fourth].entries()) {
      expect(frame.data.every((byte) => byte === index + 2)).toBe(true);
    }
  });

  it('leave with their data’s buffers as they are, and head and body in one', () => {
    const data = [new Uint8Array(10), new Uint8Array(20)];
    const buffers = encodeFrame(4, new Uint8Array(5), data);
    expect(buffers.length).toBe(3);
    expect(buffers[0]!.length).toBe(headerBytes + 5);
    expect(buffers[1]).toBe(data[0]);
    expect(buffers[2]).toBe(data[1]);
  });

  it('are refused when any one bit of header or body has flipped', () => {
    const bytes = joined(encodeFrame(9, new Uint8Array(40).fill(3)));
    const following = joined(encodeFrame(12, new Uint8Array(0)));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(codeOf(() => new FrameReader().push(joined([flipped, following]))), `bit ${bit}`).toBe('frame-invalid');
    }
  });

  it('of the largest size pass, and one byte more is refused before it has come', () => {
    const largest = encodeFrame(4, new Uint8Array(bodyBytesMax), [new Uint8Array(blockDataBytesMax)]);
    expect(joined(largest).length).toBe(frameBytesMax);
    expect(new FrameReader().push(joined(largest)).length).toBe(1);
    const bodyOver = header({ bodyBytes: bodyBytesMax + 1 });
    const dataOver = header({ dataBytes: blockDataBytesMax + 1 });
    const wrapping = header({ bodyBytes: 0xffff_ffff, dataBytes: 0xffff_ffff });
    for (const bytes of [bodyOver, dataOver, wrapping]) {
      expect(codeOf(() => new FrameReader().push(bytes))).toBe('frame-too-large');
    }
    expect(() => encodeFrame(4, new Uint8Array(bodyBytesMax + 1))).toThrow(AssertionFault);
    expect(() => encodeFrame(4, new Uint8Array(0), [new Uint8Array(blockDataBytesMax), new Uint8Array(1)])).toThrow(AssertionFault);
  });

  it('obey a smaller limit, and the new one from the frame after it was raised', () => {
    const big = joined(encodeFrame(4, new Uint8Array(handshakeFrameBytesMax)));
    expect(codeOf(() => new FrameReader({ limitBytes: handshakeFrameBytesMax }).push(big))).toBe('frame-too-large');
    const reader = new FrameReader({ limitBytes: handshakeFrameBytesMax });
    const small = joined(encodeFrame(1, new Uint8Array(handshakeFrameBytesMax - headerBytes)));
    const frames: Frame[] = [];
    for (const frame of reader.read(joined([small, big]))) {
      frames.push(frame);
      reader.limitBytes = frameBytesMax;
    }
    expect(frames.length).toBe(2);
  });

  it('with flags that this version does not know are refused', () => {
    expect(codeOf(() => new FrameReader().push(header({ flags: 1 })))).toBe('frame-invalid');
  });

  it('of another protocol are refused at their first bytes', () => {
    expect(codeOf(() => new FrameReader().push(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')))).toBe('frame-invalid');
  });

  it('stay refused: after a fault every further chunk meets it again', () => {
    const reader = new FrameReader();
    expect(codeOf(() => reader.push(new Uint8Array(headerBytes)))).toBe('frame-invalid');
    expect(codeOf(() => reader.push(threeFrames()))).toBe('frame-invalid');
  });

  it('never make the reader hold more than one frame', () => {
    const bytes = joined(encodeFrame(4, new Uint8Array(100), [new Uint8Array(100_000)]));
    const reader = new FrameReader();
    let most = 0;
    for (let round = 0; round < 5; round++) {
      for (let offset = 0; offset < bytes.length; offset += 999) {
        reader.push(bytes.subarray(offset, offset + 999));
        most = Math.max(most, reader.pendingBytes);
      }
    }
    expect(most).toBeLessThan(bytes.length);
    expect(reader.pendingBytes).toBe(0);
  });
});
