import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src-main/base/index.ts';
import {
  askTimeoutMs,
  type Decide,
  decodeInvitation,
  encodeInvitation,
  type Invitation,
  InvitationDesk,
  invitationLifeMs,
  makeIdentity,
  type OpenInvitation,
  pairingLockMs,
  type PairingQuestion,
  pairWith,
  type ServerIdentity,
  type TrustedPeer,
  TrustedPeers,
  wrongSecretsMax,
} from '../../src-main/pairing/index.ts';
import { encodePairingMessage, type PairingMessage, PairingReader } from '../../src-main/pairing/pairing-message.ts';
import { type Link, type Listener, TlsTransport } from '../../src-main/transport/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { receiveAll } from '../suites/transport-contract.ts';
import { MemoryStore } from './memory-store.ts';

let identities: ServerIdentity[] = [];

beforeAll(async () => {
  identities = await Promise.all([makeIdentity(systemRandom), makeIdentity(systemRandom), makeIdentity(systemRandom)]);
});

/** A server as far as trust goes, on TLS over loopback and virtual time. */
interface Side {
  readonly name: string;
  readonly tls: TlsTransport;
  readonly peers: TrustedPeers;
  readonly store: MemoryStore;
  /** What its administrator was asked. */
  readonly asked: PairingQuestion[];
  answer: () => boolean | Promise<boolean>;
  readonly decide: Decide;
}

describe('pairing', () => {
  const opened: (() => unknown)[] = [];
  let clock: VirtualClock;
  let primary: Side;
  let mirror: Side;
  let desk: InvitationDesk;
  let listener: Listener;
  let reports: string[];

  async function side(index: number, name: string): Promise<Side> {
    const store = new MemoryStore();
    const asked: PairingQuestion[] = [];
    const made: Side = {
      name,
      tls: new TlsTransport(identities[index]!),
      peers: await TrustedPeers.open(store),
      store,
      asked,
      answer: () => true,
      decide: async (question) => {
        asked.push(question);
        return made.answer();
      },
    };
    return made;
  }

  async function setUp(names = { primary: 'head office', mirror: 'attic' }): Promise<void> {
    clock = new VirtualClock();
    reports = [];
    primary = await side(0, names.primary);
    mirror = await side(1, names.mirror);
    desk = new InvitationDesk({
      clock,
      random: systemRandom,
      identity: mirror.tls.identity,
      serverName: () => mirror.name,
      peers: mirror.peers,
      report: (text) => reports.push(text),
    });
    mirror.tls.receiveStrangers((link) => void desk.receive(link));
    listener = await mirror.tls.listen('tls://127.0.0.1:0', () => undefined);
    opened.push(() => listener.close(), () => {
      desk.close();
    });
  }

  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });

  function open(addresses: readonly string[] = [listener.address]): OpenInvitation {
    return desk.open({ addresses, decide: mirror.decide });
  }

  function pair(invitation: Invitation, who: Side = primary, more: { nearby?: string[]; signal?: AbortSignal } = {}): Promise<TrustedPeer> {
    const { nearby = [], signal = new AbortController().signal } = more;
    return pairWith(invitation, { carrier: who.tls, clock, serverName: who.name, peers: who.peers, nearby: () => Promise.resolve(nearby), signal, decide: who.decide });
  }

  function nothingStored(): void {
    expect([primary.peers.all, mirror.peers.all, primary.store.text, mirror.store.text]).toEqual([[], [], undefined, undefined]);
  }

  /** The invitation with another secret. */
  function wrong(invitation: OpenInvitation): Invitation {
    const { secret, ...rest } = decodeInvitation(invitation.text);
    const other = secret.slice();
    other[0]! ^= 1;
    return { ...rest, secret: other };
  }

  it('by an invitation makes each side trust the other, in the direction that both were shown', async () => {
    await setUp();
    const invitation = open();
    const peer = await pair(decodeInvitation(invitation.text));
    const [toPrimary, toMirror] = [primary.tls.identity, mirror.tls.identity];
    expect(primary.asked).toMatchObject([{ identity: toMirror, name: 'attic' }]);
    expect(mirror.asked).toMatchObject([{ identity: toPrimary, name: 'head office' }]);
    expect(peer).toMatchObject({ identity: toMirror, name: 'attic', roles: ['mirror'] });
    expect(await invitation.outcome).toMatchObject({ identity: toPrimary, name: 'head office', roles: ['primary'] });
    expect([primary.peers.isTrusted(toMirror, 'mirror'), mirror.peers.isTrusted(toPrimary, 'primary')]).toEqual([true, true]);
    expect([primary.peers.isTrusted(toMirror, 'primary'), mirror.peers.isTrusted(toPrimary, 'mirror')]).toEqual([false, false]);
    expect(desk.isOpen).toBe(false);
  });

  it('stores nothing before both administrators have said yes', async () => {
    await setUp();
    const answers = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
    primary.answer = () => answers[0]!.promise;
    mirror.answer = () => answers[1]!.promise;
    const paired = pair(decodeInvitation(open().text));
    await expect.poll(() => primary.asked.length).toBe(1);
    expect(mirror.asked).toEqual([]);
    answers[0]!.resolve(true);
    await expect.poll(() => mirror.asked.length).toBe(1);
    nothingStored();
    answers[1]!.resolve(true);
    await paired;
    expect([primary.peers.all.length, mirror.peers.all.length]).toEqual([1, 1]);
  });

  it.each(['primary', 'mirror'] as const)('comes to nothing when the administrator of the %s says no', async (who) => {
    await setUp();
    (who === 'primary' ? primary : mirror).answer = () => false;
    const invitation = open();
    await expect(pair(decodeInvitation(invitation.text))).rejects.toMatchObject({ code: 'pairing-refused' });
    await expect(invitation.outcome).rejects.toMatchObject({ code: 'pairing-refused' });
    nothingStored();
    // The invitation is used up all the same.
    await expect(pair(decodeInvitation(invitation.text))).rejects.toMatchObject({ code: 'invitation-used' });
  });

  it('takes an invitation once: a second bearer is refused while the first is asked, and after', async () => {
    await setUp();
    const other = await side(2, 'thief');
    const answer = Promise.withResolvers<boolean>();
    mirror.answer = () => answer.promise;
    const invitation = decodeInvitation(open().text);
    const paired = pair(invitation);
    await expect.poll(() => mirror.asked.length).toBe(1);
    await expect(pair(invitation, other)).rejects.toMatchObject({ code: 'invitation-used' });
    answer.resolve(true);
    await paired;
    await expect(pair(invitation, other)).rejects.toMatchObject({ code: 'invitation-used' });
    expect(mirror.peers.all.length).toBe(1);
    expect(other.peers.all).toEqual([]);
  });

  it('takes an invitation for ten minutes and not a moment longer, even before a timer has fired', async () => {
    await setUp();
    const first = open();
    clock.pass(invitationLifeMs - 1);
    await pair(decodeInvitation(first.text));
    const second = open();
    clock.pass(invitationLifeMs);
    await expect(second.outcome).rejects.toMatchObject({ code: 'invitation-expired' });
    await expect(pair(decodeInvitation(second.text))).rejects.toMatchObject({ code: 'invitation-expired' });
    const busy = open();
    // Time has passed, and no timer has had its turn yet.
    clock.advance(invitationLifeMs);
    await expect(pair(decodeInvitation(busy.text))).rejects.toMatchObject({ code: 'invitation-expired' });
    await expect(busy.outcome).rejects.toMatchObject({ code: 'invitation-expired' });
    const third = open();
    expect(third.expiresWallMs).toBe(clock.wallMs() + invitationLifeMs);
    third.withdraw();
    third.withdraw();
    await expect(pair(decodeInvitation(third.text))).rejects.toMatchObject({ code: 'invitation-expired' });
  });

  it('is not open without an invitation, and has one invitation at a time', async () => {
    await setUp();
    const text = encodeInvitation({ identity: mirror.tls.identity, secret: systemRandom.bytes(20), addresses: [listener.address] });
    await expect(pair(decodeInvitation(text))).rejects.toMatchObject({ code: 'invitation-expired' });
    open();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'exists' }));
    nothingStored();
  });

  it('is locked by three wrong secrets, for the right one too, and opens again after ten minutes', async () => {
    await setUp();
    const invitation = open();
    for (let count = 1; count < wrongSecretsMax; count++) {
      await expect(pair(wrong(invitation))).rejects.toMatchObject({ code: 'invitation-invalid' });
      expect(desk.isOpen).toBe(true);
    }
    await expect(pair(wrong(invitation))).rejects.toMatchObject({ code: 'pairing-locked' });
    await expect(invitation.outcome).rejects.toMatchObject({ code: 'pairing-locked' });
    await expect(pair(decodeInvitation(invitation.text))).rejects.toMatchObject({ code: 'pairing-locked' });
    expect(() => open()).toThrow(expect.objectContaining({ code: 'pairing-locked' }));
    clock.pass(pairingLockMs);
    await pair(decodeInvitation(open().text));
    expect(mirror.asked.length).toBe(1);
  });

  it('counts an older invitation that is shown again as used, not as a guess', async () => {
    await setUp();
    const old = open();
    await pair(decodeInvitation(old.text));
    open();
    for (let count = 0; count < wrongSecretsMax + 1; count++) {
      await expect(pair(decodeInvitation(old.text))).rejects.toMatchObject({ code: 'invitation-used' });
    }
    expect(desk.isOpen).toBe(true);
  });

  it('never shows the secret to another server in the place of the one that invited', async () => {
    await setUp();
    const impostor = await side(2, 'attic');
    const heard: Link[] = [];
    impostor.tls.receiveStrangers((link) => heard.push(link));
    const false_ = await impostor.tls.listen('tls://127.0.0.1:0', () => undefined);
    opened.push(() => false_.close(), () => Promise.all(heard.map((link) => link.close())));
    await expect(pair(decodeInvitation(open([false_.address]).text))).rejects.toMatchObject({ code: 'peer-unknown' });
    for (const link of heard) expect((await receiveAll(link).catch(() => Buffer.alloc(0))).length).toBe(0);
    nothingStored();
    expect(primary.asked).toEqual([]);
  });

  it('tries the next address, and then where the local network has heard of the server', async () => {
    await setUp();
    await pair(decodeInvitation(open(['tls://127.0.0.1:1', listener.address]).text));
    const moved = decodeInvitation(open(['tls://127.0.0.1:1']).text);
    await expect(pair(moved)).rejects.toMatchObject({ code: 'link-refused' });
    await pair(moved, primary, { nearby: ['no address', 'tcp://127.0.0.1:9', listener.address] });
  });

  it('refuses the invitation of the same server', async () => {
    await setUp();
    await expect(pair(decodeInvitation(open().text), mirror)).rejects.toMatchObject({ code: 'invitation-invalid' });
  });

  it('takes a name like ../x for what it is, and strips one that would steer a terminal', async () => {
    await setUp({ primary: '../x', mirror: 'a\u001b[2J\u202eb' });
    await pair(decodeInvitation(open().text));
    expect(mirror.peers.all).toMatchObject([{ name: '../x' }]);
    expect(primary.peers.all).toMatchObject([{ name: 'a?[2J?b' }]);
  });

  it('ends on both sides when the one who pairs goes away, and nothing is stored', async () => {
    await setUp();
    const gone = new AbortController();
    primary.answer = () => new Promise(() => undefined);
    const invitation = open();
    const paired = pair(decodeInvitation(invitation.text), primary, { signal: gone.signal }).catch((error: unknown) => error);
    await expect.poll(() => primary.asked.length).toBe(1);
    gone.abort();
    await expect(invitation.outcome).rejects.toMatchObject({ code: 'link-closed' });
    nothingStored();
    void paired;
  });

  it('ends while the mirror\'s administrator thinks when the ten minutes are over, and the late yes counts for nothing', async () => {
    await setUp();
    const answer = Promise.withResolvers<boolean>();
    mirror.answer = () => answer.promise;
    const invitation = open();
    const paired = pair(decodeInvitation(invitation.text));
    const failed = expect(paired).rejects.toMatchObject({ code: expect.stringMatching(/^(invitation-expired|link-timeout)$/) });
    await expect.poll(() => mirror.asked.length).toBe(1);
    clock.pass(invitationLifeMs);
    await expect(invitation.outcome).rejects.toMatchObject({ code: 'invitation-expired' });
    answer.resolve(true);
    await failed;
    nothingStored();
  });

  describe('costs little with a stranger who', () => {
    async function stranger(): Promise<Link> {
      await setUp();
      const link = await (await side(2, 'stranger')).tls.connectToPair(listener.address, { peer: mirror.tls.identity });
      opened.push(() => link.close());
      return link;
    }

    it('says nothing: the link ends', async () => {
      const link = await stranger();
      const ended = receiveAll(link);
      // The server has begun to wait when time passes.
      for (let round = 0; reports.length === 0 && round < 100; round++) {
        clock.pass(askTimeoutMs);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect((await ended).length).toBe(0);
      expect(reports.join()).toContain('did not answer in time');
    });

    it.each([
      ['a length that no message has', Uint8Array.of(0xff, 0xff, 1)],
      ['a flood', new Uint8Array(4 * 1024 * 1024)],
      ['a message without a type', Uint8Array.of(0, 0)],
      ['a type that does not exist', Uint8Array.of(1, 0, 99)],
      ['a message out of turn', encodePairingMessage({ type: 'confirm' })],
      ['half a secret', Uint8Array.of(12, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)],
    ])('sends %s: the link ends, and the invitation stays', async (_what, bytes) => {
      const link = await stranger();
      open();
      await link.send([bytes]).catch(() => undefined);
      await receiveAll(link).catch(() => undefined);
      await expect.poll(() => reports.length).toBe(1);
      expect(desk.isOpen).toBe(true);
      nothingStored();
    });

    it('speaks a newer version: it is told so, and it is no guess', async () => {
      const link = await stranger();
      open();
      await link.send([encodePairingMessage({ type: 'ask', version: 9, secret: new Uint8Array(20), name: 'x' })]);
      expect((await receiveAll(link)).toString('latin1')).toContain('protocol-too-new');
      expect(desk.isOpen).toBe(true);
    });
  });
});

describe('the messages of pairing', () => {
  const messages: PairingMessage[] = [
    { type: 'ask', version: 1, secret: new Uint8Array(20).fill(7), name: 'büro' },
    { type: 'offer', name: '../x' },
    { type: 'confirm' },
    { type: 'accepted' },
    { type: 'refused', code: 'invitation-used' },
  ];

  it('are the same again, split at every byte', () => {
    const bytes = Buffer.concat(messages.map(encodePairingMessage));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = new PairingReader();
      const read: PairingMessage[] = [];
      for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        reader.push(part);
        for (let message = reader.next(); message !== undefined; message = reader.next()) read.push(message);
      }
      expect(read).toEqual(messages);
    }
  });
});
