import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { MirrorpointError, type RandomSource } from '../../base/index.ts';
import { openIdentity, type TrustStore } from '../../pairing/index.ts';
import { localFault } from '../headless/local-faults.ts';
import type { Certificate } from './web-server.ts';

/** Files with a certificate of the administrator's own. Absolute paths. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw localFault(path, 'read', cause);
  }
}

/** Reads a key and a certificate with its chain. Throws `argument-invalid`, and the faults of reading. */
export async function readCertificate({ certificate, key }: CertificateFiles): Promise<Certificate> {
  const read: Certificate = { cert: await textOf(certificate), key: await textOf(key) };
  let why = 'they do not belong together';
  try {
    createSecureContext(read);
    if (new X509Certificate(read.cert).checkPrivateKey(createPrivateKey(read.key))) return read;
  } catch {
    // What the library says about a key stays out of messages.
    why = 'one of them is not PEM, or the key has a passphrase';
  }
  throw new MirrorpointError(
    'argument-invalid',
    `The certificate in ${certificate} and the key in ${key} cannot be used: ${why}. Name a certificate with its chain and its key, both PEM.`,
  );
}

/** The server's own: browsers do not know it, and show its identity to be compared. */
export async function ownCertificate(store: TrustStore, random: RandomSource): Promise<Certificate> {
  const { keyPem, certificatePem } = await openIdentity(store, random);
  return { key: keyPem, cert: certificatePem };
}
