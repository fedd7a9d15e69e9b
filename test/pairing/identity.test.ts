import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src-main/base/index.ts';
import { formatIdentity, makeIdentity, openIdentity } from '../../src-main/pairing/index.ts';
import { MemoryStore } from './memory-store.ts';

describe('the identity of a server', () => {
  it('is made on the first start, and is the SHA-256 of its certificate from then on', async () => {
    const store = new MemoryStore();
    const first = await openIdentity(store, systemRandom);
    const certificate = new X509Certificate(first.certificatePem);
    expect(first.identity).toBe(createHash('sha256').update(certificate.raw).digest('hex'));
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(await openIdentity(store, systemRandom)).toEqual(first);
  });

  it('is another one for every server', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => makeIdentity(systemRandom)));
    expect(new Set(made.map((one) => one.identity)).size).toBe(4);
  });

  it('does not end with the dates of its certificate', async () => {
    const { certificatePem } = await makeIdentity(systemRandom);
    const { validFrom, validTo } = new X509Certificate(certificatePem);
    expect([new Date(validFrom).getTime(), new Date(validTo).getUTCFullYear()]).toEqual([0, 9999]);
  });

  it('that is damaged, or put together from two, is reported, never replaced, and never shown', async () => {
    const store = new MemoryStore();
    const one = await openIdentity(store, systemRandom);
    const whole = store.text!;
    const other = await makeIdentity(systemRandom);
    const keyLine = one.keyPem.split('\n')[1]!;
    for (const text of ['', 'no PEM', one.keyPem, one.certificatePem, `${other.keyPem}${one.certificatePem}`, whole.replace(keyLine, keyLine.slice(4)), whole.slice(0, -40)]) {
      const damaged = new MemoryStore(text);
      const fault: unknown = await openIdentity(damaged, systemRandom).catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'identity-invalid' });
      expect((fault as Error).message).not.toContain(keyLine.slice(4));
      expect((fault as Error).cause).toBeUndefined();
      expect(damaged.text).toBe(text);
    }
  });

  it('is shown in groups that people can compare', () => {
    expect(formatIdentity('0123456789abcdef')).toBe('0123 4567 89ab cdef');
  });
});
