import { describe, expect, it } from 'vitest';
import { isPlainName, peersMax, plainName, TrustedPeers } from '../../src-main/pairing/index.ts';
import { MemoryStore } from './memory-store.ts';

function identity(digit: number): string {
  return digit.toString(16).padStart(64, '0').split('').reverse().join('');
}

async function peersWith(...names: readonly string[]): Promise<{ peers: TrustedPeers; store: MemoryStore }> {
  const store = new MemoryStore();
  const peers = await TrustedPeers.open(store);
  for (const [index, name] of names.entries()) await peers.add({ identity: identity(index + 1), name, role: 'primary', wallMs: index });
  return { peers, store };
}

describe('trusted peers', () => {
  it('are none in the beginning: nobody is trusted', async () => {
    const { peers } = await peersWith();
    expect(peers.all).toEqual([]);
    expect(peers.isTrusted(identity(1), 'primary')).toBe(false);
  });

  it('are trusted in the role they were paired for, and in no other', async () => {
    const { peers } = await peersWith('office');
    expect([peers.isTrusted(identity(1), 'primary'), peers.isTrusted(identity(1), 'mirror')]).toEqual([true, false]);
    expect(() => peers.require('office', 'mirror')).toThrow(expect.objectContaining({ code: 'peer-unknown' }));
    await peers.add({ identity: identity(1), name: 'office', role: 'mirror', wallMs: 9 });
    expect(peers.all).toMatchObject([{ name: 'office', roles: ['primary', 'mirror'] }]);
  });

  it('are there again after a restart, revoked ones too', async () => {
    const { peers, store } = await peersWith('one', 'two');
    await peers.revoke('two', 77);
    const again = await TrustedPeers.open(store);
    expect(again.all).toEqual(peers.all);
    expect(again.isTrusted(identity(2), 'primary')).toBe(false);
  });

  it('once revoked are refused by name and identity, until they are paired anew', async () => {
    const { peers } = await peersWith('office');
    await peers.revoke('office', 5);
    await peers.revoke(identity(1), 6);
    expect(peers.all).toMatchObject([{ revokedWallMs: 5 }]);
    expect(peers.isTrusted(identity(1), 'primary')).toBe(false);
    expect(() => peers.require('office', 'primary')).toThrow(expect.objectContaining({ code: 'peer-revoked' }));
    await peers.add({ identity: identity(1), name: 'office', role: 'mirror', wallMs: 9 });
    // What it was trusted for before does not come back by itself.
    expect(peers.all).toMatchObject([{ roles: ['mirror'] }]);
    expect(peers.all[0]).not.toHaveProperty('revokedWallMs');
  });

  it('are named by name, identity, or enough digits of it', async () => {
    const { peers } = await peersWith('office', 'attic');
    expect(peers.find('attic').identity).toBe(identity(2));
    expect(peers.find(identity(2)).name).toBe('attic');
    expect(peers.find(`${identity(2).slice(0, 4)} ${identity(2).slice(4, 8).toUpperCase()}`).name).toBe('attic');
    for (const text of ['cellar', identity(2).slice(0, 7), identity(3), '']) {
      expect(() => peers.find(text), text).toThrow(expect.objectContaining({ code: 'peer-unknown' }));
    }
  });

  it('cannot be mistaken for one another by a name that looks like an identity', async () => {
    const { peers } = await peersWith('office', identity(1), identity(1).slice(0, 8));
    expect(peers.find(identity(1)).name).toBe('office');
    expect(() => peers.find(identity(1).slice(0, 8))).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });

  it('of one name are told apart by a number, so that a newcomer never takes over a name', async () => {
    const { peers } = await peersWith('office', 'office', 'office');
    expect(peers.all.map((peer) => peer.name)).toEqual(['office', 'office (2)', 'office (3)']);
    await expect(peers.rename('office (2)', 'office')).rejects.toMatchObject({ code: 'exists' });
    await peers.rename('office (2)', 'attic');
    expect(peers.find('attic').identity).toBe(identity(2));
  });

  it('may be called anything that can be shown: a name like ../x stays a name', async () => {
    const { peers } = await peersWith('../x', 'a/b\\c', 'con', '$(reboot)');
    expect(peers.all.map((peer) => peer.name)).toEqual(['../x', 'a/b\\c', 'con', '$(reboot)']);
    for (const name of ['', ' x', 'a\nb', 'a\u0000', '\u202eevil', '\u001b[2J', 'x'.repeat(121), '\ud800']) {
      expect(isPlainName(name), JSON.stringify(name)).toBe(false);
      await expect(peers.rename('con', name)).rejects.toMatchObject({ code: 'argument-invalid' });
    }
  });

  it('have names without anything that would steer a terminal', () => {
    expect(plainName('a\u001b[31mred\u202e\u0007')).toBe('a?[31mred??');
    expect(plainName(' \n ')).toBe('?');
    expect(plainName('')).toBe('a server without a name');
    expect(plainName(`${'x'.repeat(119)}\u{1f600}`).isWellFormed()).toBe(true);
  });

  it('are limited in number: the first revoked one is forgotten for a new one, a trusted one never', async () => {
    const { peers } = await peersWith(...Array.from({ length: peersMax }, (_, index) => `peer ${index}`));
    const next = { identity: identity(peersMax + 1), name: 'next', role: 'primary', wallMs: 1 } as const;
    await expect(peers.add(next)).rejects.toMatchObject({ code: 'argument-invalid' });
    await peers.revoke('peer 5', 2);
    await peers.revoke('peer 3', 1);
    await peers.add(next);
    expect(peers.all.length).toBe(peersMax);
    expect(peers.all.some((peer) => peer.name === 'peer 3')).toBe(false);
    expect(peers.all.some((peer) => peer.name === 'peer 5')).toBe(true);
  });

  it('in a store that cannot be read are nobody, and the store is left as it is', async () => {
    const { store } = await peersWith('office');
    const whole = store.text!;
    for (const text of ['{', '{}', whole.replace('"version": 1', '"version": 2'), whole.replace(identity(1), 'short'), whole.replace('"office"', '"a\\nb"'), whole.replace('primary', 'admin')]) {
      const damaged = new MemoryStore(text);
      await expect(TrustedPeers.open(damaged)).rejects.toMatchObject({ code: 'settings-invalid' });
      expect(damaged.text).toBe(text);
    }
  });
});
