import { describe, expect, it } from 'vitest';
import { MirrorpointError, type PairingEvent, type Peer } from '../../src-main/contract/index.ts';
import { usePairingStore } from '../../src-renderer/stores/index.ts';
import { connectToFake, FakeStream, settle } from './fake-engine.ts';

const invitation: PairingEvent = { type: 'invitation', text: 'mirrorpoint-invitation:abc', identity: 'a', addresses: ['tls://a:1'], expiresWallMs: 1000 };
const question: PairingEvent = { type: 'question', questionId: 'q', identity: 'b', name: 'attic', remote: 'tls://b:1', role: 'primary' };
const peer: Peer = { identity: 'b', name: 'attic', roles: ['primary'], pairedWallMs: 1 };

async function withPairing(): Promise<{ store: ReturnType<typeof usePairingStore>; streams: FakeStream<PairingEvent>[]; answers: unknown[] }> {
  const streams: FakeStream<PairingEvent>[] = [];
  const answers: unknown[] = [];
  const open = (_input: never, { signal }: { signal?: AbortSignal }): unknown => {
    const stream = new FakeStream<PairingEvent>();
    streams.push(stream);
    return stream.open(signal);
  };
  await connectToFake({
    pairing: {
      invite: open,
      accept: open,
      answer: (input) => {
        answers.push(input);
        return Promise.resolve({});
      },
    },
  });
  return { store: usePairingStore(), streams, answers };
}

describe('a pairing in the window', () => {
  it('shows the invitation, asks, and ends with the server that was paired', async () => {
    const { store, streams, answers } = await withPairing();
    const over = store.invite([]);
    await settle();
    streams[0]!.tell(invitation);
    await settle();
    expect([store.side, store.invitation, store.isRunning, store.isAsked]).toEqual(['mirror', invitation, true, false]);
    streams[0]!.tell(question);
    await settle();
    expect([store.isAsked, answers]).toEqual([true, []]);
    await store.answer(true);
    await store.answer(false);
    expect([store.isAsked, answers]).toEqual([false, [{ questionId: 'q', isAccepted: true }]]);
    streams[0]!.tell({ type: 'paired', peer });
    streams[0]!.end();
    await over;
    expect([store.peer, store.isRunning, store.invitation, store.fault]).toEqual([peer, false, undefined, undefined]);
  });

  it('that fails says why, and keeps no invitation that is good no more', async () => {
    const { store, streams } = await withPairing();
    const over = store.invite([]);
    await settle();
    streams[0]!.tell(invitation);
    await settle();
    streams[0]!.end(new MirrorpointError('invitation-expired', 'This invitation is over. Make another.'));
    await over;
    expect([store.fault?.code, store.invitation, store.isRunning]).toEqual(['invitation-expired', undefined, false]);
    store.reset();
    expect([store.fault, store.side]).toEqual([undefined, undefined]);
  });

  it('that is taken back is listened to no more, and nothing that it says later counts', async () => {
    const { store, streams } = await withPairing();
    const over = store.invite([]);
    await settle();
    streams[0]!.tell(invitation);
    await settle();
    store.reset();
    streams[0]!.tell(question);
    await over;
    expect([streams[0]!.isListenedTo, store.question, store.isRunning, store.fault]).toEqual([false, undefined, false, undefined]);
  });

  it('gives way to the next one', async () => {
    const { store, streams } = await withPairing();
    const first = store.invite([]);
    await settle();
    const second = store.accept('mirrorpoint-invitation:abc', []);
    await first;
    await settle();
    expect([streams.map(({ isListenedTo }) => isListenedTo), store.side, store.isRunning]).toEqual([[false, true], 'primary', true]);
    streams[1]!.end();
    await second;
  });
});
