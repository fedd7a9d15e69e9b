import { scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { MirrorpointError, Mutex, type RandomSource } from '../../base/index.ts';
import type { TextStore } from '../../engine/index.ts';
import { jsonOf } from '../headless/stored-files.ts';
import { passwordCharactersMax, passwordCharactersMin, waitingPasswordsMax } from './limits.ts';

/** Costs 32 MiB and about a tenth of a second; one of the choices of OWASP's password storage cheat sheet. */
const newCost = { cost: 32_768, blockSize: 8, parallelization: 3 } as const;
const memoryBytesMax = 256 * 1024 * 1024;
const saltBytes = 16;
const hashBytes = 32;

const base64 = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`));

const storedSchema = z.strictObject({
  version: z.literal(1),
  /** Left out: none is set. */
  scrypt: z
    .strictObject({
      cost: z.int().min(16_384).max(1_048_576),
      blockSize: z.int().min(8).max(32),
      parallelization: z.int().min(1).max(16),
      salt: base64(saltBytes),
      hash: base64(hashBytes),
    })
    .optional(),
});
type Stored = z.infer<typeof storedSchema>;
type Cost = Pick<NonNullable<Stored['scrypt']>, 'cost' | 'blockSize' | 'parallelization'>;

function hashOf(password: string, salt: Uint8Array, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same signs, however a keyboard put them together.
    scrypt(password.normalize('NFC'), salt, hashBytes, { ...cost, maxmem: memoryBytesMax }, (fault, hash) => {
      if (fault) reject(fault);
      else resolve(hash);
    });
  });
}

/** Throws `argument-invalid`. */
export function checkNewPassword(password: string): void {
  const signs = Array.from(password).length;
  if (signs >= passwordCharactersMin && signs <= passwordCharactersMax && password.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(password)) return;
  throw new MirrorpointError(
    'argument-invalid',
    `The console's password has ${passwordCharactersMin} to ${passwordCharactersMax} signs and no control characters, and this one has ${signs}. Choose another, such as four words.`,
  );
}

/** The password of the console at addresses that other machines reach. Its hash is in a file that only the server's user reads. */
export class ConsolePassword {
  readonly #store: TextStore;
  readonly #random: RandomSource;
  readonly #checks = new Mutex();
  #waiting = 0;

  constructor(store: TextStore, random: RandomSource) {
    this.#store = store;
    this.#random = random;
  }

  async isSet(): Promise<boolean> {
    return (await this.#read())?.scrypt !== undefined;
  }

  /** Throws `argument-invalid`. */
  async set(password: string): Promise<void> {
    checkNewPassword(password);
    const salt = this.#random.bytes(saltBytes);
    const hash = await hashOf(password, salt, newCost);
    await this.#write({ version: 1, scrypt: { ...newCost, salt: Buffer.from(salt).toString('base64url'), hash: hash.toString('base64url') } });
  }

  async remove(): Promise<void> {
    await this.#write({ version: 1 });
  }

  /** As many are being checked as may wait. */
  get isBusy(): boolean {
    return this.#waiting >= waitingPasswordsMax;
  }

  /** Whether it is this one; not to be asked while this is busy. Takes as long for a wrong one as for the right one. */
  async matches(password: string): Promise<boolean> {
    this.#waiting++;
    try {
      return await this.#checks.run(() => this.#check(password));
    } finally {
      this.#waiting--;
    }
  }

  async #check(password: string): Promise<boolean> {
    const stored = (await this.#read())?.scrypt;
    if (stored === undefined || Array.from(password).length > passwordCharactersMax) return false;
    const { salt, hash, ...cost } = stored;
    return timingSafeEqual(await hashOf(password, Buffer.from(salt, 'base64url'), cost), Buffer.from(hash, 'base64url'));
  }

  async #read(): Promise<Stored | undefined> {
    const text = await this.#store.read();
    if (text === undefined) return undefined;
    const parsed = storedSchema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new MirrorpointError('settings-invalid', `The console's password in ${this.#store.name} cannot be read. Set it anew by \`mirrorpoint console password\`.`);
  }

  #write(stored: Stored): Promise<void> {
    return this.#store.write(`${JSON.stringify(stored, null, 2)}\n`);
  }
}
