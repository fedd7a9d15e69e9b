import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionFault, isFault, u48Max } from '../../src-main/base/index.ts';
import {
  blockDataBytesMax,
  bodyBytesMax,
  changesBytesMax,
  changesMax,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  faultTextBytesMax,
  FrameReader,
  neededCpsMax,
  patchBytesMax,
  serverNameBytesMax,
  wantBlocksMax,
  wantRunsMax,
} from '../../src-main/wire/index.ts';
import type { Frame, Message, Run } from '../../src-main/wire/index.ts';
import { anyMessage, joined, normal, sampleHello, sampleMessages } from './messages.ts';

function frameOf(message: Message): Frame {
  const frames = new FrameReader().push(joined(encodeMessage(message)));
  expect(frames.length).toBe(1);
  return frames[0]!;
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

/** The frame with some bytes of its body replaced. */
function altered(frame: Frame, offsetBytes: number, bytes: readonly number[]): Frame {
  const body = frame.body.slice();
  body.set(bytes, offsetBytes);
  return { ...frame, body };
}

const blockBytes = 4096;

const change = { vbn: 1, replacedVbn: 2, replacedBirthCp: 3, patch: new Uint8Array([8, 0, 4, 0, 1, 2, 3, 4]) };

/** The change as it stands in its message, before it is packed. */
const changeBytes = joined([new Uint8Array([1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 8, 0]), change.patch]);

/** One range of as many bytes as fit. */
const widestPatch = new Uint8Array(patchBytesMax);
new DataView(widestPatch.buffer).setUint16(2, patchBytesMax - 4, true);

function blocksMessage(runs: Run[]): Message {
  return { type: 'blocks', cp: 5, requestId: 0, runs, data: runs.map(({ count }) => new Uint8Array(count * blockBytes)) };
}

describe('messages', () => {
  it('arrive as they left', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(normal(decodeMessage(frameOf(message)))).toEqual(normal(message));
      }),
      { numRuns: 1000 },
    );
  });

  it.each(sampleMessages.map((message) => [message.type, message] as const))('%s: arrives as it left', (_, message) => {
    expect(decodeMessage(frameOf(message))).toEqual(message);
  });

  it('of blocks come with one array per run, however the sender had cut the data, and copy none of it', () => {
    const data = [new Uint8Array(1000).fill(1), new Uint8Array(3 * blockBytes - 1000).fill(2)];
    const message: Message = { type: 'blocks', cp: 0, requestId: 9, runs: [{ vbn: 7, count: 1 }, { vbn: 30, count: 2 }], data };
    const buffers = encodeMessage(message);
    expect(buffers[1]).toBe(data[0]);
    expect(buffers[2]).toBe(data[1]);
    const decoded = decodeMessage(frameOf(message));
    if (decoded.type !== 'blocks') throw new Error('not blocks');
    expect(decoded.data.map((part) => part.length)).toEqual([blockBytes, 2 * blockBytes]);
    expect(joined(decoded.data)).toEqual(joined(data));
  });

  it.each(sampleMessages.map((message) => [message.type, message] as const))(
    '%s: is refused when its body ends early, anywhere, and (but for hello) when it has a byte too many',
    (type, message) => {
      const frame = frameOf(message);
      for (let length = 0; length < frame.body.length; length++) {
        expect(codeOf(() => decodeMessage({ ...frame, body: frame.body.subarray(0, length) }))).toBe('message-invalid');
      }
      const longer = { ...frame, body: joined([frame.body, Uint8Array.of(0)]) };
      if (type === 'hello') expect(decodeMessage(longer)).toEqual(message);
      else expect(codeOf(() => decodeMessage(longer))).toBe('message-invalid');
    },
  );

  it.each(sampleMessages.filter((message) => !('data' in message)).map((message) => [message.type, message] as const))(
    '%s: is refused with block data',
    (_, message) => {
      expect(codeOf(() => decodeMessage({ ...frameOf(message), data: new Uint8Array(blockBytes) }))).toBe('message-invalid');
    },
  );

  it('of an unknown type are refused', () => {
    for (const type of [0, 99, 255, 65_535]) {
      expect(codeOf(() => decodeMessage({ type, body: new Uint8Array(0), data: new Uint8Array(0) }))).toBe('message-invalid');
    }
  });

  it('at their limits pass, and over them are no messages', () => {
    const cps = Array.from({ length: neededCpsMax }, (_, index) => index + 1);
    const runs = Array.from({ length: wantRunsMax }, (_, vbn) => ({ vbn: vbn * 9, count: wantBlocksMax / wantRunsMax }));
    const full: Message[] = [
      { type: 'views', neededCps: cps },
      { type: 'want', requestId: 1, cp: 1, runs },
      { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: u48Max - wantBlocksMax + 1, count: wantBlocksMax }] },
      blocksMessage(Array.from({ length: blockDataBytesMax / blockBytes }, (_, vbn) => ({ vbn: vbn * 2, count: 1 }))),
      { type: 'changes', cp: u48Max, changes: Array.from({ length: changesMax }, () => change) },
      { type: 'changes', cp: 4, changes: [{ ...change, replacedBirthCp: 0, patch: widestPatch }] },
      { type: 'root', cp: u48Max, basis: 'held', root: new Uint8Array(65_536) },
      { type: 'hello', role: 'primary', protocolMin: 1, protocolMax: 1, ...sampleHello, serverName: 'n'.repeat(serverNameBytesMax) },
    ];
    for (const message of full) expect(normal(decodeMessage(frameOf(message)))).toEqual(normal(message));
    const over: Message[] = [
      { type: 'views', neededCps: [...cps, 1] },
      { type: 'views', neededCps: [0] },
      { type: 'views', neededCps: [u48Max + 1] },
      { type: 'views', neededCps: [1.5] },
      { type: 'want', requestId: 1, cp: 1, runs: [...runs, { vbn: 0, count: 1 }] },
      { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 0, count: wantBlocksMax + 1 }] },
      { type: 'want', requestId: 1, cp: 1, runs: [] },
      { type: 'want', requestId: 0, cp: 1, runs: [{ vbn: 0, count: 1 }] },
      { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 0, count: 0 }] },
      { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: u48Max, count: 2 }] },
      { type: 'changes', cp: 4, changes: [] },
      { type: 'changes', cp: 4, changes: [{ ...change, replacedBirthCp: 4 }] },
      { type: 'changes', cp: 4, changes: [{ ...change, patch: new Uint8Array(patchBytesMax + 1) }] },
      { type: 'changes', cp: 4, changes: Array.from({ length: changesMax + 1 }, () => change) },
      { type: 'changes', cp: 4, changes: Array.from({ length: 2 }, () => ({ ...change, patch: widestPatch })) },
      { type: 'begin', cp: 4, baseCp: 4 },
      { type: 'begin', cp: 0, baseCp: 0 },
      blocksMessage(Array.from({ length: blockDataBytesMax / blockBytes + 1 }, (_, vbn) => ({ vbn: vbn * 2, count: 1 }))),
      { type: 'blocks', cp: 1, requestId: 1, runs: [{ vbn: 1, count: 1 }], data: [new Uint8Array(blockBytes)] },
      { type: 'blocks', cp: 0, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [new Uint8Array(blockBytes)] },
      { type: 'blocks', cp: 1, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [new Uint8Array(blockBytes - 1)] },
      { type: 'root', cp: 1, basis: 'live', root: new Uint8Array(2048) },
      { type: 'root', cp: 0, basis: 'live', root: new Uint8Array(4096) },
      { type: 'committed', cp: 0, rootChecksum: 0n, neededCps: [] },
      { type: 'committed', cp: 1, rootChecksum: 1n << 64n, neededCps: [] },
      { type: 'heartbeat', sentWallMs: 0.5, lastCp: 0, lastCpWallMs: 0, pendingBytes: 0, receivedBytes: 0, lastRootChecksum: 0n },
      { type: 'heartbeat', sentWallMs: 0, lastCp: 0, lastCpWallMs: 0, pendingBytes: 2 ** 53, receivedBytes: 0, lastRootChecksum: 0n },
      { type: 'hello', role: 'primary', protocolMin: 1, protocolMax: 1, ...sampleHello, serverId: new Uint8Array(15) },
      { type: 'hello', role: 'primary', protocolMin: 1, protocolMax: 1, ...sampleHello, blockSizeBytes: 5000 },
      { type: 'hello', role: 'primary', protocolMin: 1, protocolMax: 1, ...sampleHello, blockCount: 0 },
      { type: 'hello', role: 'primary', protocolMin: 2, protocolMax: 1, ...sampleHello },
      { type: 'hello', role: 'primary', protocolMin: 1, protocolMax: 1, ...sampleHello, serverName: 'a\u001b[31m' },
    ];
    for (const [index, message] of over.entries()) {
      expect(() => encodeMessage(message), `${message.type} at ${index}`).toThrow(AssertionFault);
    }
  });

  it.each<[string, Message, number, number[]]>([
    ['a needed CP of 0', { type: 'views', neededCps: [9] }, 2, [0]],
    ['more needed CPs than may be', { type: 'views', neededCps: [9] }, 0, [1, 4]],
    ['a want of no request', { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 1, count: 1 }] }, 0, [0]],
    ['a want of CP 0', { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 1, count: 1 }] }, 4, [0]],
    ['a run of no blocks', { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 1, count: 1 }] }, 18, [0]],
    ['a run past the VBN space', { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: u48Max, count: 1 }] }, 18, [2]],
    ['a want of too many blocks', { type: 'want', requestId: 1, cp: 1, runs: [{ vbn: 1, count: 1 }] }, 18, [1, 32]],
    ['a CP on a base that is not older', { type: 'begin', cp: 4, baseCp: 3 }, 6, [4]],
    ['more changes than may be', { type: 'changes', cp: 4, changes: [change] }, 6, [1, 4]],
    ['changes longer than they unpack to', { type: 'changes', cp: 4, changes: [change] }, 8, [29]],
    ['changes that do not unpack', { type: 'changes', cp: 4, changes: [change] }, 16, [0]],
    ['a basis that does not exist', { type: 'root', cp: 4, basis: 'live', root: new Uint8Array(4096) }, 6, [5]],
    ['a root that is not one block', { type: 'root', cp: 4, basis: 'live', root: new Uint8Array(4096) }, 7, [1]],
    ['blocks of a CP and of a want', blocksMessage([{ vbn: 1, count: 1 }]), 6, [1]],
    ['blocks of neither', blocksMessage([{ vbn: 1, count: 1 }]), 0, [0]],
    ['blocks of another size than announced', blocksMessage([{ vbn: 1, count: 3 }]), 18, [2]],
    ['more bytes received than can be counted', sampleMessages[9]!, 26, [0, 0, 0, 0, 0, 0, 32]],
    ['a fault without a code', sampleMessages[10]!, 1, [0]],
    ['a fault whose code is no word', sampleMessages[10]!, 2, [0x2e]],
    ['a fault whose text is not UTF-8', sampleMessages[10]!, 16, [0xff]],
    ['a role that is neither', sampleMessages[0]!, 4, [3]],
    ['a lowest version over the highest', sampleMessages[0]!, 0, [2]],
    ['version 0', sampleMessages[0]!, 0, [0]],
    ['a block size that is no power of two', sampleMessages[0]!, 5, [1]],
    ['a server name with control characters', sampleMessages[0]!, 70, [0x1b]],
    ['a server name that is not UTF-8', sampleMessages[0]!, 70, [0xff]],
  ])('with %s are refused', (_, message, offsetBytes, bytes) => {
    const frame = frameOf(message);
    expect(codeOf(() => decodeMessage(frame))).toBe('no fault');
    expect(codeOf(() => decodeMessage(altered(frame, offsetBytes, bytes)))).toBe('message-invalid');
  });

  it.each<[string, number, number[], number]>([
    ['a change of a block that is not older', 12, [4], 1],
    ['a patch that ends early', 22, [5], 1],
    ['a patch of nothing', 22, [0], 1],
    ['a patch past the end of any block', 20, [0xfd, 0xff], 1],
    ['a patch longer than may be', 18, [0xff, 0xff], 1],
    ['fewer changes than they say', 0, [], 2],
    ['more than the changes that they say', 0, [], 0.5],
  ])('of changes with %s are refused', (_, offsetBytes, bytes, times) => {
    const list = joined([changeBytes, changeBytes]);
    const written = (edited: Uint8Array, count: number): Frame => {
      const packed = zstdCompressSync(edited);
      const head = new DataView(new ArrayBuffer(16));
      head.setUint16(0, 4, true);
      head.setUint16(6, count, true);
      head.setUint32(8, edited.length, true);
      head.setUint32(12, packed.length, true);
      return { type: 17, body: joined([new Uint8Array(head.buffer), packed]), data: new Uint8Array(0) };
    };
    expect(decodeMessage(written(list, 2))).toEqual({ type: 'changes', cp: 4, changes: [change, { ...change, vbn: 2, replacedVbn: 4 }] });
    const edited = list.slice();
    edited.set(bytes, offsetBytes);
    expect(codeOf(() => decodeMessage(written(edited, 2 * times)))).toBe('message-invalid');
  });

  it('of changes that would unpack to a hundred thousand times their length are refused', () => {
    const packed = zstdCompressSync(new Uint8Array(1 << 28));
    const head = new DataView(new ArrayBuffer(16));
    head.setUint16(0, 4, true);
    head.setUint16(6, 1, true);
    head.setUint32(8, changesBytesMax, true);
    head.setUint32(12, packed.length, true);
    const body = joined([new Uint8Array(head.buffer), packed]);
    expect(body.length).toBeLessThan(bodyBytesMax);
    expect(codeOf(() => decodeMessage({ type: 17, body, data: new Uint8Array(0) }))).toBe('message-invalid');
  });

  it('of a fault keep within their limit, cut between characters', () => {
    const message: Message = { type: 'fault', code: 'device-io', message: 'x' + '€'.repeat(2000), final: false };
    const decoded = decodeMessage(frameOf(message));
    if (decoded.type !== 'fault') throw new Error('not a fault');
    expect(decoded.message).toBe('x' + '€'.repeat(Math.floor((faultTextBytesMax - 1) / 3)));
  });

  it('of a fault with a code of a later version become a peer-fault that names it', () => {
    const body = Buffer.concat([Buffer.from([1, 9]), Buffer.from('new-thing'), Buffer.from([3, 0]), Buffer.from('a\nb')]);
    const [frame] = new FrameReader().push(joined(encodeFrame(11, body)));
    expect(decodeMessage(frame!)).toEqual({ type: 'fault', code: 'peer-fault', message: 'new-thing: a b', final: true });
  });

  it('fit a frame whatever they hold', () => {
    const widest = encodeMessage({ type: 'want', requestId: 1, cp: 1, runs: Array.from({ length: wantRunsMax }, () => ({ vbn: 1, count: 1 })) });
    expect(joined(widest).length).toBeLessThan(bodyBytesMax);
  });
});
