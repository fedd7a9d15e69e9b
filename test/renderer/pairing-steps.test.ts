import { describe, expect, it } from 'vitest';
import type { Peer, RelationshipStatus, ServerStatus } from '../../src-main/contract/index.ts';
import { encodeInvitation } from '../../src-main/pairing/index.ts';
import { cleanInvitation, faultOfInvitation } from '../../src-renderer/views/pairing/invitation-text.ts';
import { copyProgress, stageOf } from '../../src-renderer/views/pairing/first-copy.ts';
import { choosable, currentStep, isUnfilled, type PairingDraft, partners, readDraft } from '../../src-renderer/views/pairing/pairing-steps.ts';

type Volume = ServerStatus['volumes'][number];

const volume = (name: string, more: Partial<Volume> = {}): Volume => ({
  name,
  role: 'primary',
  state: 'open',
  devices: [],
  listen: [],
  cpIntervalMs: 1000,
  durability: 'sync',
  ...more,
});
const peer = (identity: string, roles: Peer['roles'], more: Partial<Peer> = {}): Peer => ({ identity, name: identity, roles, pairedWallMs: 1, ...more });
const link = (more: Partial<RelationshipStatus>): RelationshipStatus =>
  ({ volume: 'work', role: 'primary', address: 'tls://a:1', state: 'connecting', mirrorCp: 0, lagBytes: 0, ...more }) as RelationshipStatus;

describe('a pairing on the server with the files', () => {
  const facts = { volumes: [volume('work')], peers: [peer('m', ['mirror'])], relationships: [] };
  const draft: PairingDraft = { side: 'primary', serverId: 's', volume: 'work', peer: 'm', address: 'tls://a:1' };

  it('stands where the server says that it stands, whatever became of the window', () => {
    expect(currentStep({ side: 'primary', serverId: 's' }, facts)).toBe('place');
    expect(currentStep({ ...draft, volume: 'gone' }, facts)).toBe('place');
    expect(currentStep({ side: 'primary', serverId: 's', volume: 'work' }, facts)).toBe('pair');
    expect(currentStep(draft, { ...facts, peers: [] })).toBe('pair');
    expect(currentStep(draft, { ...facts, peers: [peer('m', ['mirror'], { revokedWallMs: 2 })] })).toBe('pair');
    expect(currentStep(draft, { ...facts, peers: [peer('m', ['primary'])] })).toBe('pair');
    expect(currentStep(draft, facts)).toBe('link');
    expect(currentStep(draft, { ...facts, relationships: [link({ peerIdentity: 'm', address: 'tls://elsewhere:1' })] })).toBe('copy');
  });

  it('does not take the link to another mirror for its own', () => {
    const other = link({ peerIdentity: 'x', address: 'tls://b:1' });
    expect(currentStep({ side: 'primary', serverId: 's', volume: 'work' }, { ...facts, relationships: [other] })).toBe('pair');
    expect(currentStep(draft, { ...facts, relationships: [other] })).toBe('link');
  });
});

describe('a pairing on the server that holds the copy', () => {
  const copy = volume('copy', { role: 'mirror', listen: ['tls://0.0.0.0:7400'] });
  const waits = link({ volume: 'copy', role: 'mirror', address: 'tls://0.0.0.0:7400' });
  const draft: PairingDraft = { side: 'mirror', serverId: 's', volume: 'copy' };

  it('waits for a volume, an invitation that was taken up, and the first copy', () => {
    const facts = { volumes: [copy], peers: [], relationships: [waits] };
    expect(currentStep({ side: 'mirror', serverId: 's' }, facts)).toBe('place');
    expect(currentStep(draft, facts)).toBe('pair');
    expect(currentStep({ ...draft, peer: 'p' }, { ...facts, peers: [peer('p', ['primary'])] })).toBe('copy');
    // The other server came before anything was noted here.
    expect(currentStep(draft, { ...facts, relationships: [{ ...waits, peerIdentity: 'p' }] })).toBe('copy');
  });

  it('offers volumes that have nothing yet, and never a clone', () => {
    const all = [copy, volume('work'), volume('trial', { role: 'mirror', cloneOf: 'copy' }), volume('broken', { role: 'mirror', state: 'failed' })];
    expect(choosable(all, 'mirror').map(({ name }) => name)).toEqual(['copy']);
    expect([isUnfilled(copy, [waits]), isUnfilled(copy, [{ ...waits, mirrorCp: 3 }])]).toEqual([true, false]);
  });

  it('knows which servers may be on the other side', () => {
    const all = [peer('p', ['primary']), peer('m', ['mirror']), peer('both', ['mirror', 'primary']), peer('old', ['primary'], { revokedWallMs: 1 })];
    expect(partners(all, 'mirror').map(({ identity }) => identity)).toEqual(['p', 'both']);
    expect(partners(all, 'primary').map(({ identity }) => identity)).toEqual(['m', 'both']);
  });
});

describe('what was chosen before the window was closed', () => {
  it('is taken up on the same server alone, and only when it is whole', () => {
    const draft: PairingDraft = { side: 'mirror', serverId: 's', volume: 'copy' };
    expect(readDraft(JSON.stringify(draft), 's')).toEqual(draft);
    expect(readDraft(JSON.stringify(draft), 'another')).toBeUndefined();
    for (const text of [null, '', '{', '7', '{"side":"left","serverId":"s"}', '{"side":"mirror","serverId":"s","volume":3}']) {
      expect([text, readDraft(text, 's')]).toEqual([text, undefined]);
    }
  });
});

describe('an invitation as it is pasted', () => {
  const text = encodeInvitation({ identity: 'ab'.repeat(32), secret: new Uint8Array(20).fill(7), addresses: ['tls://10.0.0.1:7400'] });

  it('may have the command before it, and line breaks in it', () => {
    for (const pasted of [text, `mirrorpoint pair ${text}`, `npx mirrorpoint pair ${text}\n`, `${text.slice(0, 40)}\n  ${text.slice(40)}`]) {
      expect([cleanInvitation(pasted), faultOfInvitation(pasted)]).toEqual([text, undefined]);
    }
    expect(faultOfInvitation('  ')).toBeUndefined();
  });

  it('is refused as it is typed when it cannot be one, in the words of the server', () => {
    expect(faultOfInvitation('hello')).toBe("This invitation cannot be used: it does not begin with 'mirrorpoint-invitation:'. Copy it again as a whole, or make a new one.");
    expect(faultOfInvitation(`${text.slice(0, -1)}!`)).toContain('letters that no invitation has');
    expect(faultOfInvitation(text.slice(0, 61))).toContain('it was cut short');
    expect(faultOfInvitation(`say ${text}`)).toContain('does not begin');
  });
});

describe('the first copy', () => {
  it('is as far as what there was to go at most, less what there is to go', () => {
    const copying = link({ state: 'baseline', lagBytes: 30 });
    expect(copyProgress(copying, 100)).toEqual({ files: 0, bytes: 70, bytesTotal: 100 });
    expect(copyProgress(copying, 0)).toBeUndefined();
    expect(copyProgress(link({ mirrorCp: 4 }), 100)).toBeUndefined();
  });

  it('waits, copies, is stuck or done', () => {
    expect([undefined, link({}), link({ state: 'baseline' }), link({ state: 'error' }), link({ state: 'paused' }), link({ mirrorCp: 4, state: 'live' })].map(stageOf)).toEqual([
      'waiting',
      'waiting',
      'copying',
      'stuck',
      'stuck',
      'done',
    ]);
  });
});
