import { MirrorpointError, Mutex } from '../base/index.ts';
import { shareUsersMax } from '../contract/index.ts';
import { checkNewPassword, hashPassword, isPassword } from './password-hash.ts';
import type { EnginePorts } from './ports.ts';
import type { Settings, SettingsBook } from './settings.ts';

type StoredUser = NonNullable<Settings['users']>[number];

/** Who can be let into shares. Of passwords only hashes are kept. */
export class ShareUsers {
  readonly #ports: Pick<EnginePorts, 'random'>;
  readonly #book: SettingsBook;
  /** Each check takes much memory on purpose. */
  readonly #checks = new Mutex();
  #version = 1;

  constructor(parts: { ports: Pick<EnginePorts, 'random'>; book: SettingsBook }) {
    this.#ports = parts.ports;
    this.#book = parts.book;
  }

  /** Changes with each change of the users. */
  get version(): number {
    return this.#version;
  }

  get all(): readonly StoredUser[] {
    return this.#book.current.users ?? [];
  }

  /** Throws `not-found`. */
  require(name: string): void {
    if (this.#find(name) === undefined) throw noSuchUser(name, this.all);
  }

  /** Throws `exists` and `argument-invalid`. */
  async add(name: string, password: string): Promise<void> {
    if (this.#find(name) !== undefined) throw new MirrorpointError('exists', `There is a user '${name}' already. Change the password by \`mirrorpoint user password ${name}\`, or choose another name.`);
    if (this.all.length >= shareUsersMax) throw new MirrorpointError('argument-invalid', `There are ${shareUsersMax} users, which is the most. Remove one by \`mirrorpoint user remove\`.`);
    checkNewPassword(password, `The password of '${name}'`);
    const user = { name, password: await hashPassword(password, this.#ports.random) };
    await this.#change((now) => ({ ...now, users: [...(now.users ?? []), user] }));
  }

  /** Throws `not-found` and `argument-invalid`. */
  async setPassword(name: string, password: string): Promise<void> {
    this.require(name);
    checkNewPassword(password, `The password of '${name}'`);
    const hash = await hashPassword(password, this.#ports.random);
    await this.#change((now) => ({ ...now, users: (now.users ?? []).map((user) => (user.name === name ? { name, password: hash } : user)) }));
  }

  /** Removes a user from all shares as well. Throws `not-found`. */
  async remove(name: string): Promise<void> {
    this.require(name);
    const others = <T extends { name: string }>(users: readonly T[]): T[] => users.filter((user) => user.name !== name);
    await this.#change((now) => ({
      ...now,
      users: others(now.users ?? []),
      volumes: now.volumes.map((volume) => (volume.share === undefined ? volume : { ...volume, share: { users: others(volume.share.users) } })),
    }));
  }

  isUser(name: string, password: string): Promise<boolean> {
    return this.#checks.run(() => isPassword(password, this.#find(name)?.password));
  }

  #find(name: string): StoredUser | undefined {
    return this.all.find((user) => user.name === name);
  }

  async #change(edit: (settings: Settings) => Settings): Promise<void> {
    await this.#book.change(edit);
    this.#version++;
  }
}

function noSuchUser(name: string, all: readonly StoredUser[]): MirrorpointError {
  const known = all.map((user) => user.name).join(', ');
  return new MirrorpointError('not-found', `There is no user '${name}'; ${known === '' ? 'there are none' : `there are: ${known}`}. Add one by \`mirrorpoint user add\`.`);
}
