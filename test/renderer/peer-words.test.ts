import { expect, it } from 'vitest';
import { endsWith, peerRoleWords } from '../../src-renderer/views/settings/peer-words.ts';
import { relationshipOf } from './relationship-of.ts';

const office = { identity: 'ab'.repeat(32), name: 'office' };

it('what ends with a server is said volume by volume, and nothing of other servers', () => {
  const relationships = [
    relationshipOf(),
    relationshipOf({ volume: 'copy', role: 'mirror' }),
    relationshipOf({ volume: 'other', peerIdentity: 'cd'.repeat(32) }),
  ];
  expect(endsWith(office, relationships).slice(0, 2)).toEqual([
    "'work' is not mirrored to 'office' any more (tls://192.0.2.20:7400).",
    "'copy' does not follow 'office' any more; it stays as it is at its last CP.",
  ]);
  expect(endsWith(office, relationships).join(' ')).not.toContain('other');
  expect(endsWith(office, [])[0]).toBe('No volume is mirrored between the two now.');
});

it('what a server is to this one is said for each role', () => {
  expect(peerRoleWords({ roles: ['primary'] })).toBe('sends volumes to this server');
  expect(peerRoleWords({ roles: ['primary', 'mirror'] })).toBe('sends volumes to this server, and holds mirrors of volumes from here');
});
