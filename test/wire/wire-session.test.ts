import { describe, expect, it } from 'vitest';
import { AssertionFault, isFault } from '../../src-main/base/index.ts';
import type { MirrorpointError } from '../../src-main/base/index.ts';
import {
  encodeFrame,
  encodeMessage,
  fetchesOutstandingMax,
  handshakeFrameBytesMax,
  protocolVersionMax,
  protocolVersionMin,
  wantsOutstandingMax,
  WireSession,
} from '../../src-main/wire/index.ts';
import type { Message, Role } from '../../src-main/wire/index.ts';
import { joined, sampleHello } from './messages.ts';

const block = (count = 1): Uint8Array => new Uint8Array(count * 4096);
const state: Message = { type: 'state', committedCp: 4, rootChecksum: 1n, receivingCp: 0, neededCps: [] };
/** So many live blocks of CP 5. */
function packed(count: number): Message {
  const runs = Array.from({ length: Math.ceil(count / 200) }, (_, index) => ({ vbn: index * 1000, count: Math.min(200, count - index * 200) }));
  return { type: 'packed-blocks', cp: 5, requestId: 0, runs, data: [new Uint8Array(100).fill(1)] };
}

/** Live changes of CP 5, with four bytes that change at an offset. */
function changes(offset: number): Message {
  const patch = new Uint8Array([offset & 0xff, offset >> 8, 4, 0, 1, 2, 3, 4]);
  return { type: 'changes', cp: 5, changes: [{ vbn: 9, replacedVbn: 8, replacedBirthCp: 4, patch }] };
}

const heartbeat: Message = { type: 'heartbeat', sentWallMs: 1, lastCp: 1, lastCpWallMs: 1, pendingBytes: 0, receivedBytes: 0, lastRootChecksum: 0n };
const bye: Message = { type: 'bye' };

function session(role: Role, versions?: { min: number; max: number }): WireSession {
  return new WireSession({ role, hello: sampleHello, ...(versions && { versions }) });
}

/** A primary and a mirror whose handshake is over, and the mirror's state told if wanted. */
function pair(options: { stateTold?: boolean } = {}): { primary: WireSession; mirror: WireSession } {
  const primary = session('primary');
  const mirror = session('mirror');
  const fromPrimary = joined(primary.start());
  primary.receive(joined(mirror.start()));
  mirror.receive(fromPrimary);
  if (options.stateTold ?? true) primary.receive(joined(mirror.send(state)));
  return { primary, mirror };
}

function faultOf(action: () => unknown): MirrorpointError {
  try {
    action();
  } catch (fault) {
    if (isFault(fault)) return fault;
    throw fault;
  }
  throw new Error('nothing failed');
}

/** The receiver takes the messages one by one; each crosses whole. */
function cross(from: WireSession, to: WireSession, ...messages: Message[]): void {
  for (const message of messages) expect(to.receive(joined(from.send(message)))).toEqual([message]);
}

describe('a hand-over', () => {
  const handOver: Message = { type: 'hand-over', epoch: 2, cp: 4, rootChecksum: 1n };

  it('is asked by the primary, once, and answered by the mirror for the epoch asked', () => {
    const { primary, mirror } = pair();
    cross(primary, mirror, handOver);
    expect(() => primary.send(handOver)).toThrow(AssertionFault);
    expect(() => mirror.send({ type: 'handed-over', epoch: 3 })).toThrow(AssertionFault);
    cross(mirror, primary, { type: 'handed-over', epoch: 2 });
    const fresh = pair();
    expect(() => fresh.mirror.send({ type: 'handed-over', epoch: 2 })).toThrow(AssertionFault);
    expect(faultOf(() => fresh.primary.receive(joined(encodeMessage({ type: 'handed-over', epoch: 2 })))).code).toBe('message-invalid');
  });
});

describe('the handshake', () => {
  it('between two that claim one role fails, and each has learnt who the other is', () => {
    const [one, other] = [session('primary'), session('primary')];
    one.start();
    expect(faultOf(() => one.receive(joined(other.start()))).code).toBe('peer-wrong-role');
    expect(one.rival).toMatchObject({ role: 'primary', epoch: sampleHello.epoch });
    expect(one.peer).toBeUndefined();
  });

  it('is over when each side has the other’s hello, and tells the peer and the version', () => {
    const { primary, mirror } = pair({ stateTold: false });
    expect(primary.peer).toEqual({ type: 'hello', role: 'mirror', protocolMin: protocolVersionMin, protocolMax: protocolVersionMax, ...sampleHello });
    expect(mirror.peer?.role).toBe('primary');
    expect([primary.version, mirror.version]).toEqual([protocolVersionMax, protocolVersionMax]);
  });

  it.each<[string, { min: number; max: number }, { min: number; max: number }, number]>([
    ['the only one', { min: 1, max: 1 }, { min: 1, max: 1 }, 1],
    ['the highest common one of a newer peer', { min: 1, max: 2 }, { min: 1, max: 9 }, 2],
    ['the highest common one of an older peer', { min: 2, max: 7 }, { min: 1, max: 3 }, 3],
  ])('agrees on %s', (_, own, other, version) => {
    const primary = session('primary', own);
    const mirror = session('mirror', other);
    const fromPrimary = joined(primary.start());
    primary.receive(joined(mirror.start()));
    mirror.receive(fromPrimary);
    expect([primary.version, mirror.version]).toEqual([version, version]);
  });

  it('fails with protocol-too-new when there is no common version, naming both sides’', () => {
    const newer = session('mirror', { min: 5, max: 6 });
    const older = session('primary', { min: 1, max: 2 });
    const hello = joined(older.start());
    const fault = faultOf(() => older.receive(joined(newer.start())));
    expect(fault.code).toBe('protocol-too-new');
    expect(fault.message).toContain('1 to 2');
    expect(fault.message).toContain('5 to 6');
    expect(fault.message).toContain('Update this server');
    const other = faultOf(() => newer.receive(hello));
    expect(other.code).toBe('protocol-too-new');
    expect(other.message).toContain('Update the peer');
  });

  it('reads the versions of a hello that a later version has rearranged', () => {
    const body = Buffer.concat([Buffer.from([9, 0, 12, 0]), Buffer.from('nothing of what follows is known')]);
    expect(faultOf(() => session('primary').receive(joined(encodeFrame(1, body)))).code).toBe('protocol-too-new');
  });

  it('ignores what a later version has appended to its hello', () => {
    const [bytes] = encodeMessage({ type: 'hello', role: 'mirror', protocolMin: 1, protocolMax: 3, ...sampleHello }) as [Uint8Array];
    const longer = joined(encodeFrame(1, Buffer.concat([bytes.subarray(32), Buffer.from('more')])));
    const primary = session('primary');
    primary.start();
    expect(primary.receive(longer).length).toBe(1);
    expect(primary.version).toBe(protocolVersionMax);
  });

  it('refuses a peer of the same role by name', () => {
    const fault = faultOf(() => session('primary').receive(joined(session('primary').start())));
    expect(fault.code).toBe('peer-wrong-role');
    expect(fault.message).toContain(sampleHello.serverName);
  });

  it('refuses anything but a hello first, and a second hello', () => {
    expect(faultOf(() => session('primary').receive(joined(encodeMessage(state)))).code).toBe('message-invalid');
    const { primary } = pair();
    const again = joined(session('mirror').start());
    expect(faultOf(() => primary.receive(again)).code).toBe('message-invalid');
  });

  it('takes small frames only until it is over', () => {
    const big = joined(encodeFrame(1, new Uint8Array(handshakeFrameBytesMax)));
    expect(faultOf(() => session('primary').receive(big)).code).toBe('frame-too-large');
    const { primary, mirror } = pair();
    cross(primary, mirror, { type: 'begin', cp: 5, baseCp: 4 });
    cross(primary, mirror, { type: 'blocks', cp: 5, requestId: 0, runs: [{ vbn: 1, count: 256 }], data: [block(256)] });
  });

  it('takes what follows the hello in the same bytes', () => {
    const mirror = session('mirror');
    const hello = joined(mirror.start());
    mirror.receive(joined(session('primary').start()));
    const primary = session('primary');
    const messages = primary.receive(joined([hello, ...mirror.send(state), ...mirror.send(heartbeat)]));
    expect(messages.map(({ type }) => type)).toEqual(['hello', 'state', 'heartbeat']);
  });

  it('lets a side that cannot go on say why', () => {
    const primary = session('primary');
    primary.start();
    const mirror = session('mirror');
    const fault: Message = { type: 'fault', code: 'protocol-too-new', message: 'too new', final: true };
    expect(mirror.receive(joined(primary.send(fault)))).toEqual([fault]);
    expect(mirror.peerEnded).toBe(true);
    expect(faultOf(() => mirror.receive(joined(session('primary').start()))).code).toBe('message-invalid');
  });

  it('comes before anything else is sent', () => {
    expect(() => session('mirror').send(bye)).toThrow(AssertionFault);
    const mirror = session('mirror');
    mirror.start();
    expect(() => mirror.send(state)).toThrow(AssertionFault);
    expect(() => mirror.start()).toThrow(AssertionFault);
  });
});

describe('a session', () => {
  it('goes from state through a live consistency point, a catch-up and views to bye', () => {
    const { primary, mirror } = pair();
    cross(primary, mirror, { type: 'begin', cp: 5, baseCp: 4 });
    cross(primary, mirror, { type: 'blocks', cp: 5, requestId: 0, runs: [{ vbn: 8, count: 1 }], data: [block()] });
    cross(primary, mirror, changes(4092), packed(256), { type: 'root', cp: 5, basis: 'live', root: block() });
    cross(mirror, primary, { type: 'committed', cp: 5, rootChecksum: 9n, neededCps: [4] }, { type: 'views', neededCps: [] });
    cross(primary, mirror, { type: 'root', cp: 9, basis: 'held', root: block() });
    cross(mirror, primary, { type: 'want', requestId: 1, cp: 9, runs: [{ vbn: 3, count: 2 }, { vbn: 9, count: 1 }] });
    cross(primary, mirror, { type: 'begin', cp: 10, baseCp: 9 }, heartbeat);
    cross(primary, mirror, { type: 'blocks', cp: 0, requestId: 1, runs: [{ vbn: 3, count: 2 }], data: [block(2)] });
    cross(primary, mirror, { type: 'blocks', cp: 10, requestId: 0, runs: [{ vbn: 7, count: 1 }], data: [block()] });
    cross(primary, mirror, { type: 'blocks', cp: 0, requestId: 1, runs: [{ vbn: 9, count: 1 }], data: [block()] });
    expect([primary.wantsOutstanding, mirror.wantsOutstanding]).toEqual([0, 0]);
    cross(mirror, primary, { type: 'want', requestId: 2, cp: 9, runs: [{ vbn: 3, count: 2 }] });
    cross(primary, mirror, { type: 'gone', requestId: 2, cp: 9 });
    cross(mirror, primary, bye);
    cross(primary, mirror, bye);
    expect([primary.ended, primary.peerEnded, mirror.ended, mirror.peerEnded]).toEqual([true, true, true, true]);
  });

  it('counts messages and bytes each way, the same on both sides', () => {
    const { primary, mirror } = pair();
    cross(primary, mirror, { type: 'begin', cp: 5, baseCp: 4 }, heartbeat);
    expect(primary.sent).toEqual(mirror.received);
    expect(mirror.sent).toEqual(primary.received);
    expect(primary.sent.messages).toBe(3);
    expect(mirror.sent.messages).toBe(2);
    expect(primary.sent.bytes).toBeGreaterThan(100);
  });

  it('takes a consistency point that begins anew above the one streaming', () => {
    const { primary, mirror } = pair();
    cross(primary, mirror, { type: 'begin', cp: 5, baseCp: 4 }, { type: 'begin', cp: 6, baseCp: 4 });
    cross(primary, mirror, { type: 'root', cp: 6, basis: 'live', root: block() });
  });

  // Each: what may still be said, and then what may not, to whom.
  it.each<[string, Role, Message[], Message]>([
    ['the primary’s messages from a mirror', 'mirror', [], { type: 'begin', cp: 5, baseCp: 4 }],
    ['a mirror’s messages from the primary', 'primary', [], { type: 'committed', cp: 5, rootChecksum: 0n, neededCps: [] }],
    ['a state told twice', 'mirror', [], state],
    ['live blocks of no streaming CP', 'primary', [], { type: 'blocks', cp: 5, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [block()] }],
    [
      'live blocks of another CP',
      'primary',
      [{ type: 'begin', cp: 5, baseCp: 4 }],
      { type: 'blocks', cp: 6, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [block()] },
    ],
    [
      'live blocks after their root',
      'primary',
      [{ type: 'begin', cp: 5, baseCp: 4 }, { type: 'root', cp: 5, basis: 'live', root: block() }],
      { type: 'blocks', cp: 5, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [block()] },
    ],
    ['a live root of no streaming CP', 'primary', [], { type: 'root', cp: 5, basis: 'live', root: block() }],
    ['a root of another block size', 'primary', [], { type: 'root', cp: 5, basis: 'held', root: block(2) }],
    [
      'blocks of another block size',
      'primary',
      [{ type: 'begin', cp: 5, baseCp: 4 }],
      { type: 'blocks', cp: 5, requestId: 0, runs: [{ vbn: 1, count: 1 }], data: [block(2)] },
    ],
    ['packed blocks of no streaming CP', 'primary', [], packed(1)],
    ['changes of no streaming CP', 'primary', [], changes(0)],
    ['a patch past the end of a block', 'primary', [{ type: 'begin', cp: 5, baseCp: 4 }], changes(4096)],
    ['a CP that begins behind the one streaming', 'primary', [{ type: 'begin', cp: 5, baseCp: 4 }], { type: 'begin', cp: 5, baseCp: 4 }],
    ['blocks that nobody wanted', 'primary', [], { type: 'blocks', cp: 0, requestId: 7, runs: [{ vbn: 1, count: 1 }], data: [block()] }],
    ['a gone that nobody wanted', 'primary', [], { type: 'gone', requestId: 7, cp: 4 }],
    ['anything after bye', 'mirror', [bye], heartbeat],
    ['anything after a final fault', 'mirror', [{ type: 'fault', code: 'device-io', message: 'broken', final: true }], bye],
  ])('refuses %s, and does not send it', (_, sender, allowed, refused) => {
    const { primary, mirror } = pair();
    const [from, to] = sender === 'primary' ? [primary, mirror] : [mirror, primary];
    cross(from, to, ...allowed);
    expect(faultOf(() => to.receive(joined(encodeMessage(refused)))).code).toBe('message-invalid');
    expect(() => from.send(refused)).toThrow(AssertionFault);
  });

  it('refuses packed blocks that would unpack to more than one message may carry', () => {
    const large = { ...sampleHello, blockSizeBytes: 65_536 };
    const primary = new WireSession({ role: 'primary', hello: large });
    const mirror = new WireSession({ role: 'mirror', hello: large });
    const greeting = joined(primary.start());
    primary.receive(joined(mirror.start()));
    mirror.receive(greeting);
    primary.receive(joined(mirror.send(state)));
    cross(primary, mirror, { type: 'begin', cp: 5, baseCp: 4 }, packed(16));
    expect(faultOf(() => mirror.receive(joined(encodeMessage(packed(17))))).code).toBe('message-invalid');
    expect(() => primary.send(packed(17))).toThrow(AssertionFault);
  });

  it('carries on after a fault that is not final', () => {
    const { primary, mirror } = pair();
    cross(mirror, primary, { type: 'fault', code: 'device-full', message: 'full', final: false }, heartbeat);
  });

  it('does not let a primary stream before the mirror has told its state', () => {
    const { primary, mirror } = pair({ stateTold: false });
    const begin: Message = { type: 'begin', cp: 5, baseCp: 4 };
    expect(() => primary.send(begin)).toThrow(AssertionFault);
    expect(faultOf(() => mirror.receive(joined(encodeMessage(begin)))).code).toBe('message-invalid');
    cross(primary, pair({ stateTold: false }).mirror, heartbeat);
  });

  it('refuses a mirror that asks before it has told its state', () => {
    const { primary, mirror } = pair({ stateTold: false });
    const want: Message = { type: 'want', requestId: 1, cp: 5, runs: [{ vbn: 1, count: 1 }] };
    expect(() => mirror.send(want)).toThrow(AssertionFault);
    expect(faultOf(() => primary.receive(joined(encodeMessage(want)))).code).toBe('message-invalid');
  });

  it('keeps its fault: nothing is taken after one', () => {
    const { primary, mirror } = pair();
    const fine = joined(mirror.send(heartbeat));
    const fault = faultOf(() => primary.receive(joined(encodeMessage(state))));
    expect(faultOf(() => primary.receive(fine))).toBe(fault);
    expect(primary.send({ type: 'fault', code: fault.code, message: fault.message, final: true }).length).toBe(1);
  });
});

describe('wants', () => {
  const want = (requestId: number): Message => ({ type: 'want', requestId, cp: 9, runs: [{ vbn: 10, count: 3 }, { vbn: 50, count: 2 }] });
  const answer = (vbn: number, count: number, requestId = 1): Message => ({
    type: 'blocks',
    cp: 0,
    requestId,
    runs: [{ vbn, count }],
    data: [block(count)],
  });

  it('may be answered in pieces that cut runs anywhere, and several at a time', () => {
    const { primary, mirror } = pair();
    cross(mirror, primary, want(1), want(2));
    cross(primary, mirror, answer(10, 1), answer(10, 3, 2), answer(11, 2), answer(50, 1), answer(50, 2, 2), answer(51, 1));
    expect([primary.wantsOutstanding, mirror.wantsOutstanding]).toEqual([0, 0]);
  });

  it('may be answered with runs joined or cut otherwise than they were asked', () => {
    const { primary, mirror } = pair();
    cross(mirror, primary, { type: 'want', requestId: 1, cp: 9, runs: [{ vbn: 10, count: 2 }, { vbn: 12, count: 2 }] });
    cross(primary, mirror, answer(10, 4));
    expect(mirror.wantsOutstanding).toBe(0);
  });

  it('may be gone in the middle of their answer', () => {
    const { primary, mirror } = pair();
    cross(mirror, primary, want(1));
    cross(primary, mirror, answer(10, 2), { type: 'gone', requestId: 1, cp: 9 });
    expect([primary.wantsOutstanding, mirror.wantsOutstanding]).toEqual([0, 0]);
  });

  it.each<[string, Message[], Message]>([
    ['out of order', [], answer(50, 2)],
    ['with a block skipped', [answer(10, 1)], answer(12, 1)],
    ['with a block twice', [answer(10, 1)], answer(10, 1)],
    ['with more than was asked', [], answer(10, 4)],
    ['after it was answered in full', [answer(10, 3), answer(50, 2)], answer(10, 1)],
  ])('are not answered %s', (_, answers, refused) => {
    const { primary, mirror } = pair();
    cross(mirror, primary, want(1));
    cross(primary, mirror, ...answers);
    expect(() => primary.send(refused)).toThrow(AssertionFault);
    expect(faultOf(() => mirror.receive(joined(encodeMessage(refused)))).code).toBe('message-invalid');
  });

  it(`are at most ${wantsOutstandingMax} at a time, each with an id of its own`, () => {
    const { primary, mirror } = pair();
    for (let id = 1; id <= wantsOutstandingMax; id++) cross(mirror, primary, want(id));
    expect(() => mirror.send(want(wantsOutstandingMax + 1))).toThrow(AssertionFault);
    expect(() => mirror.send(want(1))).toThrow(AssertionFault);
    expect(faultOf(() => primary.receive(joined(encodeMessage(want(wantsOutstandingMax + 1))))).code).toBe('message-invalid');
  });

  it('may use an id again once it is answered', () => {
    const { primary, mirror } = pair();
    cross(mirror, primary, want(1));
    expect(() => mirror.send(want(1))).toThrow(AssertionFault);
    cross(primary, mirror, answer(10, 3), answer(50, 2));
    cross(mirror, primary, want(1));
  });
});

describe('fetches', () => {
  const fetch = (requestId: number, count = 2): Message => ({
    type: 'fetch',
    requestId,
    blocks: Array.from({ length: count }, (_, index) => ({ vbn: 10 + index, checksum: 1n })),
  });
  const fetched = (requestId: number, found: number[], size = 4096): Message => ({
    type: 'fetched',
    requestId,
    found,
    data: found.map(() => new Uint8Array(size)),
  });

  it('go both ways, with ids of their own each, and are answered in any order with what was found', () => {
    const { primary, mirror } = pair();
    cross(primary, mirror, fetch(1), fetch(2));
    cross(mirror, primary, fetch(1), fetched(2, [0, 1]), fetched(1, []));
    cross(primary, mirror, fetched(1, [1]));
    cross(primary, mirror, fetch(1));
  });

  it.each<[string, Message[], Message[], Message]>([
    ['an answer to nothing', [], [], fetched(1, [])],
    ['a second answer', [fetch(1)], [fetched(1, [])], fetched(1, [])],
    ['an answer of more than was asked for', [fetch(1)], [], fetched(1, [2])],
    ['an answer of blocks of another size', [fetch(1)], [], fetched(1, [0], 8192)],
  ])('refuse %s', (_, asked, answered, refused) => {
    const { primary, mirror } = pair();
    cross(mirror, primary, ...asked);
    cross(primary, mirror, ...answered);
    expect(faultOf(() => mirror.receive(joined(encodeMessage(refused)))).code).toBe('message-invalid');
    expect(() => primary.send(refused)).toThrow(AssertionFault);
  });

  it('are open in a bounded number, and never before the state was told', () => {
    const { primary, mirror } = pair();
    for (let id = 1; id <= fetchesOutstandingMax; id++) cross(primary, mirror, fetch(id));
    const beyond = fetch(fetchesOutstandingMax + 1);
    expect(faultOf(() => mirror.receive(joined(encodeMessage(beyond)))).code).toBe('message-invalid');
    expect(() => primary.send(beyond)).toThrow(AssertionFault);
    expect(() => pair({ stateTold: false }).primary.send(fetch(1))).toThrow(AssertionFault);
  });

  it('ask for no more than one answer can carry', () => {
    const large = { ...sampleHello, blockSizeBytes: 65_536 };
    const primary = new WireSession({ role: 'primary', hello: large });
    const mirror = new WireSession({ role: 'mirror', hello: large });
    const hello = joined(primary.start());
    primary.receive(joined(mirror.start()));
    mirror.receive(hello);
    primary.receive(joined(mirror.send(state)));
    cross(primary, mirror, fetch(1, 16));
    expect(() => primary.send(fetch(2, 17))).toThrow(AssertionFault);
  });
});
