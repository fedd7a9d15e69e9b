import { z } from 'zod';
import { MirrorpointError, Mutex, type RandomSource } from '../../base/index.ts';
import { checkNewPassword, hashPassword, isPassword, passwordHashSchema, type TextStore } from '../../engine/index.ts';
import { jsonOf } from '../headless/stored-files.ts';
import { waitingPasswordsMax } from './limits.ts';

const storedSchema = z.strictObject({
  version: z.literal(1),
  /** Left out: none is set. */
  scrypt: passwordHashSchema.optional(),
});
type Stored = z.infer<typeof storedSchema>;

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
    checkNewPassword(password, "The console's password");
    await this.#write({ version: 1, scrypt: await hashPassword(password, this.#random) });
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
    return stored !== undefined && isPassword(password, stored);
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
