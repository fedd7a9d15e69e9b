import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { decodeInvitation, encodeInvitation, type Invitation, isInvitationAddress, secretBytes } from '../../src-main/pairing/index.ts';

const seed = 20_261_123;
const random = new SeededRandom(seed);

const sample: Invitation = {
  identity: Buffer.from(random.bytes(32)).toString('hex'),
  secret: random.bytes(secretBytes),
  addresses: ['tls://192.168.1.20:7400', 'tls://[fd00::1]:7400', 'tls://mirror.example.org:443'],
};

function codeOf(text: string): string {
  try {
    decodeInvitation(text);
    return 'none';
  } catch (fault) {
    if (isFault(fault)) return fault.code;
    throw fault;
  }
}

describe('an invitation', () => {
  it('carries identity, secret and addresses in one line, and its secret has 128 bits at least', () => {
    const text = encodeInvitation(sample);
    expect(text).toMatch(/^[\x21-\x7e]+$/);
    expect(text.startsWith('-')).toBe(false);
    expect(decodeInvitation(text)).toEqual(sample);
    expect(secretBytes * 8).toBeGreaterThanOrEqual(128);
  });

  it('is the same again, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: secretBytes, maxLength: secretBytes }),
        fc.array(fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })), { minLength: 1, maxLength: 8 }),
        (identity, secret, places) => {
          const addresses = places.map(([host, port]) => `tls://${host}:${port}`).filter(isInvitationAddress);
          fc.pre(addresses.length > 0);
          const invitation = { identity: Buffer.from(identity).toString('hex'), secret, addresses };
          expect(decodeInvitation(encodeInvitation(invitation))).toEqual(invitation);
        },
      ),
      { seed },
    );
  });

  it('survives line breaks and spaces on the way', () => {
    const text = encodeInvitation(sample);
    expect(decodeInvitation(`  ${text.replace(/(.{30})/g, '$1\r\n ')}\n`)).toEqual(sample);
  });

  it('with any one letter changed, left out or cut off is refused', () => {
    const text = encodeInvitation(sample);
    for (let index = 0; index < text.length; index++) {
      const other = text[index] === 'A' ? 'B' : 'A';
      expect(codeOf(text.slice(0, index) + other + text.slice(index + 1)), `letter ${index}`).toBe('invitation-invalid');
      expect(codeOf(text.slice(0, index) + text.slice(index + 1)), `without letter ${index}`).toBe('invitation-invalid');
      expect(codeOf(text.slice(0, index)), `cut at ${index}`).toBe('invitation-invalid');
    }
    expect(codeOf(`${text}A`)).toBe('invitation-invalid');
  });

  it('with a right checksum and addresses that nobody can reach is refused', () => {
    for (const addresses of [[], ['tcp://127.0.0.1:1'], ['tls://host:0'], ['tls://a b:1'], ['tls://host'], ['x'.repeat(200)], Array<string>(9).fill('tls://h:1')]) {
      expect(codeOf(encodeInvitation({ ...sample, addresses })), addresses.join()).toBe('invitation-invalid');
    }
    expect(codeOf('x'.repeat(1_000_000))).toBe('invitation-invalid');
  });
});
