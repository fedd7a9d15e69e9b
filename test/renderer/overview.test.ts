import { describe, expect, it } from 'vitest';
import { aloneOf, cardsOf, countsOf } from '../../src-renderer/views/overview/overview-cards.ts';
import { directionOf, figuresOf, isLagKnown } from '../../src-renderer/views/overview/relationship-words.ts';
import { relationshipOf, volumeOf } from './relationship-of.ts';

describe('the direction of a relationship', () => {
  it('names both machines on the primary, with the address of the mirror', () => {
    expect(directionOf(relationshipOf(), 'attic')).toEqual({
      sentence: "'work' on 'attic', this server, is mirrored to 'office' at tls://192.0.2.20:7400.",
      primary: { name: 'attic', isHere: true, volume: 'work' },
      mirror: { name: 'office', isHere: false, address: 'tls://192.0.2.20:7400' },
    });
  });

  it('names both machines on the mirror, with where it waits', () => {
    const mirror = relationshipOf({ role: 'mirror', volume: 'copy', peerName: 'attic' });
    expect(directionOf(mirror, 'office')).toMatchObject({
      sentence: "'copy' on 'office', this server, follows 'attic'.",
      primary: { name: 'attic', isHere: false },
      mirror: { name: 'office', isHere: true, volume: 'copy', address: 'tls://192.0.2.20:7400' },
    });
  });

  it('says so where the other side has not said its name, and never shows an identity as an address', () => {
    const { peerName: _, ...unnamed } = relationshipOf({ address: 'ab'.repeat(32) });
    expect(directionOf(unnamed, 'attic').sentence).toBe("'work' on 'attic', this server, is mirrored to a server that has not said its name yet.");
    expect(directionOf({ ...unnamed, role: 'mirror' }, 'office')).toMatchObject({ sentence: expect.stringContaining('its primary, which has not come yet'), mirror: { isHere: true } });
  });
});

describe('the figures of a relationship', () => {
  const of = (parts: Parameters<typeof relationshipOf>[0]): Record<string, string> =>
    Object.fromEntries(figuresOf(relationshipOf(parts)).map(({ label, value, detail }) => [label, detail === undefined ? value : `${value} | ${detail}`]));

  it('say how far behind, what can be lost, the last mirrored CP and the rate', () => {
    expect(of({ primaryCp: 10, lagCps: 2, lagMs: 3200, lagBytes: 3 << 20, identical: false, limitBytesPerSecond: 5 << 20 })).toEqual({
      'Behind by': '3.2 s | 3.0 MiB in 2 CPs',
      'You can lose up to': '30 s | a CP every 30 s',
      'Last mirrored CP': 'CP 8',
      Sending: '2.0 KiB/s | at most 5.0 MiB/s',
    });
  });

  it('are not invented where the server does not say them', () => {
    const { loseUpToMs: _, ...apart } = relationshipOf({ role: 'mirror', state: 'connecting', apartMs: 55_000, identical: false, mirrorCp: 0 });
    expect(figuresOf(apart).map(({ value }) => value)).toEqual(['Not known', '55 s ago', 'None yet', '100 B/s']);
    const { loseUpToMs: __, ...paused } = relationshipOf({ state: 'paused', intervalMs: 0 });
    expect(figuresOf(paused)[1]).toEqual({ label: 'You can lose up to', value: 'Not known', detail: 'no CPs by time' });
  });

  it('show what is kept for a mirror while that is something', () => {
    const hold = { heldBytes: 1 << 30, heldSinceCp: 5, heldCapBytes: 10 * 2 ** 30 };
    expect(of({ hold })['Kept for the mirror']).toBe('1.0 GiB | since CP 5, at most 10.0 GiB');
    expect(of({ hold: { ...hold, heldBytes: 0 } })['Kept for the mirror']).toBeUndefined();
  });

  it('know the lag on a primary always, and on a mirror while the two speak', () => {
    expect(isLagKnown(relationshipOf({ state: 'error' }))).toBe(true);
    expect(isLagKnown(relationshipOf({ state: 'connecting', primaryCp: 0, mirrorCp: 0 }))).toBe(false);
    expect(isLagKnown(relationshipOf({ role: 'mirror' }))).toBe(true);
    expect(isLagKnown(relationshipOf({ role: 'mirror', state: 'connecting' }))).toBe(false);
  });
});

describe('the cards of the overview', () => {
  it('are one for each relationship, and one for a volume without any, in the order of the volumes', () => {
    const cards = cardsOf({
      volumes: [volumeOf({ name: 'photos' }), volumeOf()],
      relationships: [relationshipOf(), relationshipOf({ address: 'tls://192.0.2.21:7400' }), relationshipOf({ volume: 'gone' })],
    });
    expect(cards.map(({ kind, key }) => `${kind}: ${key}`)).toEqual([
      'alone: volume photos',
      'relationship: primary work tls://192.0.2.20:7400',
      'relationship: primary work tls://192.0.2.21:7400',
      'relationship: primary gone tls://192.0.2.20:7400',
    ]);
    expect(countsOf(cards, 'attic')).toBe("3 volumes on 'attic', 1 without a second copy.");
    expect(countsOf(cards.slice(1, 3), 'attic')).toBe("1 volume on 'attic', with a second copy.");
  });

  it('say of a volume without a second copy what that means, by its state and role', () => {
    expect(aloneOf(volumeOf(), 'attic')).toMatchObject({ level: 'attention', label: 'Not mirrored', ways: [{ path: '/pairing' }, { path: '/failover' }] });
    expect(aloneOf(volumeOf({ role: 'mirror' }), 'attic')).toMatchObject({ label: 'Follows nobody', ways: [{ path: '/pairing' }] });
    expect(aloneOf(volumeOf({ transition: 'promoting' }), 'attic')).toMatchObject({ level: 'working', ways: [{ path: '/failover' }] });
    const fault = { code: 'device-missing', message: 'The device is gone.' } as const;
    expect(aloneOf(volumeOf({ state: 'failed', fault }), 'attic')).toMatchObject({ level: 'problem', sentence: 'The device is gone.', ways: [{ path: '/volumes' }] });
  });
});
