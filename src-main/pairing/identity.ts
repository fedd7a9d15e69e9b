import { createPrivateKey, X509Certificate } from 'node:crypto';
import { MirrorpointError, type RandomSource, toHex } from '../base/index.ts';
import { identityOfCertificate } from '../transport/index.ts';

/** What makes a server the one it is. The key never leaves the configuration folder. */
export interface ServerIdentity {
  /** The SHA-256 of the certificate's DER bytes, 64 hex digits. */
  readonly identity: string;
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** A text of the configuration folder that only its user can read, replaced as a whole or not at all. */
export interface TrustStore {
  /** What messages call it. */
  readonly name: string;
  /** undefined when it was never written. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves. */
  write(text: string): Promise<void>;
}

const serialBytes = 16;

/**
 * Certificates are known by their digest alone, so their dates say nothing: a
 * clock that is wrong must not part two servers (RFC 5280, 4.1.2.5, on the end).
 */
const validFrom = new Date(0);
const validUntil = new Date(Date.UTC(9999, 11, 31, 23, 59, 59));

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * A new key on P-256, and a certificate that it signs itself. The key comes from
 * the cryptographic library and its own random source, never from one that can be
 * replayed.
 */
export async function makeIdentity(random: RandomSource): Promise<ServerIdentity> {
  // Most starts find an identity, and do without the library, which takes a while to load.
  const { X509CertificateGenerator } = await import('./certificate-maker.ts');
  const keys = await crypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  // A leading one keeps the number positive and its length fixed.
  const serialNumber = `01${toHex(random.bytes(serialBytes - 1))}`;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: 'CN=Mirrorpoint server',
    notBefore: validFrom,
    notAfter: validUntil,
    signingAlgorithm: signing,
    keys,
  });
  const keyDer = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    identity: identityOfCertificate(new Uint8Array(certificate.rawData)),
    keyPem: createPrivateKey({ key: Buffer.from(keyDer), format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificatePem: `${certificate.toString('pem')}\n`,
  };
}

/**
 * The identity in the store; on the first start a new one, which is stored
 * before it is used. A damaged one is never replaced by itself, since every peer
 * would take the server for a stranger. Fails with 'identity-invalid'.
 */
export async function openIdentity(store: TrustStore, random: RandomSource): Promise<ServerIdentity> {
  const text = await store.read();
  if (text !== undefined) return readIdentity(text, store.name);
  const identity = await makeIdentity(random);
  await store.write(`${identity.keyPem}${identity.certificatePem}`);
  return identity;
}

/** Takes the two PEM parts apart, and proves that they belong together. */
function readIdentity(text: string, storeName: string): ServerIdentity {
  const keyPem = partOf(text, 'PRIVATE KEY');
  const certificatePem = partOf(text, 'CERTIFICATE');
  if (keyPem === undefined || certificatePem === undefined) throw damaged(storeName);
  try {
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) throw damaged(storeName);
    return { identity: identityOfCertificate(certificate.raw), keyPem, certificatePem };
  } catch {
    // What the library says about a key stays out of messages.
    throw damaged(storeName);
  }
}

function partOf(text: string, label: string): string | undefined {
  const match = new RegExp(`-----BEGIN ${label}-----\n[A-Za-z0-9+/=\n]+-----END ${label}-----\n`).exec(text);
  return match?.[0];
}

function damaged(storeName: string): MirrorpointError {
  return new MirrorpointError(
    'identity-invalid',
    `The identity of this server in ${storeName} cannot be read, or its key and certificate do not belong together. ` +
      'Put the file back from a copy. Without one move it away: the server gets a new identity, and every peer must be paired again.',
  );
}

/** An identity as people compare it: in groups of four digits. */
export function formatIdentity(identity: string): string {
  return identity.replace(/(.{4})(?=.)/g, '$1 ');
}
