import { join } from 'node:path';
import { MirrorpointError } from '../../base/index.ts';
import type { Engine } from '../../engine/index.ts';
import { fileTextStore } from '../headless/stored-files.ts';
import { readCertificate } from './certificate.ts';
import { parseConsoleAddress } from './console-address.ts';
import type { ConsoleStatus, NewFarPlace } from './console-contract.ts';
import { ConsolePassword } from './console-password.ts';
import { placesMax } from './limits.ts';
import { passwordMissing, sessionsOf, type WebConsole } from './web-console.ts';

/** The password of a configuration folder's console. */
export function passwordOf({ ports }: Engine): ConsolePassword {
  return new ConsolePassword(fileTextStore(join(ports.configFolder, 'console-password.json')), ports.random);
}

/** What commands ask about the console: of a server that serves it, of one that does not, and of a folder without a server. */
export class ConsoleDesk {
  readonly #engine: Engine;
  readonly #password: ConsolePassword;
  readonly #web: WebConsole | undefined;

  constructor(engine: Engine, web?: WebConsole) {
    this.#engine = engine;
    this.#password = passwordOf(engine);
    this.#web = web;
  }

  async status(): Promise<ConsoleStatus> {
    const web = this.#web;
    return {
      addresses: web?.addresses ?? [],
      places: this.#places.map(({ address, names }) => {
        const reachedAt = web?.reachedAt(address);
        return { address, names, ...(reachedAt !== undefined && { reachedAt }) };
      }),
      isPasswordSet: await this.#password.isSet(),
      sessionCount: web?.sessionCount ?? 0,
      isBuilt: web?.isBuilt ?? false,
    };
  }

  /** Throws `console-off`. */
  launch(): { address: string; expiresWallMs: number } {
    return this.#serving().launch();
  }

  /** Ends the sessions of all browsers, or of those that came in by the password; resolves to how many there were. */
  async logOut(enteredBy?: 'password'): Promise<number> {
    return this.#web === undefined ? (await sessionsOf(this.#engine)).endAll(enteredBy) : this.#web.logOut(enteredBy);
  }

  /** Throws `argument-invalid`. Who came in by the old one is out. */
  async setPassword(password: string): Promise<void> {
    await this.#password.set(password);
    await this.logOut('password');
  }

  /** Throws `argument-invalid` while other machines are to reach the console. */
  async removePassword(): Promise<void> {
    const places = this.#places.map(({ address }) => address);
    if (places.length > 0) {
      throw new MirrorpointError(
        'argument-invalid',
        `The console is served at ${places.join(', ')}, and not without a password. End that by \`mirrorpoint console unlisten\` first.`,
      );
    }
    await this.#password.remove();
    await this.logOut('password');
  }

  /** Throws `password-missing`, `exists`, `address-invalid`, `address-in-use` and `argument-invalid`. */
  async listen({ address, names, certificate, key }: NewFarPlace): Promise<{ reachedAt?: string; identity?: string }> {
    const { scheme, port } = parseConsoleAddress(address);
    if (scheme === 'http') {
      throw new MirrorpointError('argument-invalid', `${address} is this machine, to which the console is served anyway: \`mirrorpoint serve --console ${address}\`.`);
    }
    if (port === undefined) throw new MirrorpointError('address-invalid', `'${address}' has no port. Write one, such as ${address}:7443.`);
    if ((certificate === undefined) !== (key === undefined)) {
      throw new MirrorpointError('argument-invalid', 'A certificate and its key go together. Name both files, or neither for the certificate of the server itself.');
    }
    if (!(await this.#password.isSet())) throw passwordMissing(address);
    if (this.#places.some((known) => known.address === address)) {
      throw new MirrorpointError('exists', `The console is to be served at ${address} already. To change how, end that by \`mirrorpoint console unlisten\` first.`);
    }
    if (this.#places.length >= placesMax) {
      throw new MirrorpointError('argument-invalid', `The console is served at ${placesMax} addresses at most. Give one up by \`mirrorpoint console unlisten\`.`);
    }
    const files = certificate === undefined || key === undefined ? undefined : { certificate, key };
    if (files !== undefined) await readCertificate(files);
    await this.#web?.listen({ address, names, files });
    try {
      await this.#change((places) => [...places, { address, names, ...files }]);
    } catch (fault) {
      await this.#web?.unlisten(address);
      throw fault;
    }
    const reachedAt = this.#web?.reachedAt(address);
    return { ...(reachedAt !== undefined && { reachedAt }), ...(files === undefined && { identity: this.#engine.trust.identity }) };
  }

  /** Throws `not-found`. */
  async unlisten(address: string): Promise<void> {
    if (!this.#places.some((known) => known.address === address)) {
      const known = this.#places.map((place) => place.address).join(', ') || 'no other machines';
      throw new MirrorpointError('not-found', `The console is not served at ${address}, but at: ${known}.`);
    }
    await this.#change((places) => places.filter((place) => place.address !== address));
    await this.#web?.unlisten(address);
  }

  get #places(): Places {
    return this.#engine.book.current.console?.listen ?? [];
  }

  #change(edit: (places: Places) => Places): Promise<void> {
    return this.#engine.book.change((now) => ({ ...now, console: { listen: edit(now.console?.listen ?? []) } }));
  }

  #serving(): WebConsole {
    if (this.#web !== undefined) return this.#web;
    const { configFolder } = this.#engine.ports;
    throw new MirrorpointError('console-off', `The server of ${configFolder} serves no console to browsers. Open the desktop's window if that runs it; else start it by \`mirrorpoint serve\`, without \`--console off\`.`);
  }
}

type Places = NonNullable<Engine['book']['current']['console']>['listen'];
