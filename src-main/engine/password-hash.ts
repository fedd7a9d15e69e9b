import { scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { MirrorpointError, type RandomSource } from '../base/index.ts';

export const passwordCharactersMin = 12;
export const passwordCharactersMax = 256;

/** Costs 32 MiB and about a tenth of a second; one of the choices of OWASP's password storage cheat sheet. */
const newCost = { cost: 32_768, blockSize: 8, parallelization: 3 } as const;
const memoryBytesMax = 256 * 1024 * 1024;
const saltBytes = 16;
const hashBytes = 32;

const base64 = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`));

/** What is kept of a password. */
export const passwordHashSchema = z.strictObject({
  cost: z.int().min(16_384).max(1_048_576),
  blockSize: z.int().min(8).max(32),
  parallelization: z.int().min(1).max(16),
  salt: base64(saltBytes),
  hash: base64(hashBytes),
});
export type PasswordHash = z.infer<typeof passwordHashSchema>;

type Cost = Pick<PasswordHash, 'cost' | 'blockSize' | 'parallelization'>;

function hashOf(password: string, salt: Uint8Array, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same signs, however a keyboard put them together.
    scrypt(password.normalize('NFC'), salt, hashBytes, { ...cost, maxmem: memoryBytesMax }, (fault, hash) => {
      if (fault) reject(fault);
      else resolve(hash);
    });
  });
}

/** `whose` is what messages call the password. Throws `argument-invalid`. */
export function checkNewPassword(password: string, whose: string): void {
  const signs = Array.from(password).length;
  if (signs >= passwordCharactersMin && signs <= passwordCharactersMax && password.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(password)) return;
  throw new MirrorpointError(
    'argument-invalid',
    `${whose} has ${passwordCharactersMin} to ${passwordCharactersMax} signs and no control characters, and this one has ${signs}. Choose another, such as four words.`,
  );
}

export async function hashPassword(password: string, random: RandomSource): Promise<PasswordHash> {
  const salt = random.bytes(saltBytes);
  const hash = await hashOf(password, salt, newCost);
  return { ...newCost, salt: Buffer.from(salt).toString('base64url'), hash: hash.toString('base64url') };
}

/** Takes as long for a wrong password as for the right one, and for nobody's. */
export async function isPassword(password: string, stored: PasswordHash | undefined): Promise<boolean> {
  if (Array.from(password).length > passwordCharactersMax) return false;
  const { salt, hash, ...cost } = stored ?? { ...newCost, salt: '', hash: '' };
  const given = await hashOf(password, Buffer.from(salt, 'base64url'), cost);
  return stored !== undefined && timingSafeEqual(given, Buffer.from(hash, 'base64url'));
}
