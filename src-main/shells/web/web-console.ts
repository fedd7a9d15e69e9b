/**
 * The web server of the console. What is served here:
 *
 * - Nobody gets more than a page that says how to come in, unless a launch
 *   address, good once, or the password has made him a session. Its secret is a
 *   cookie of one address; only digests are kept, in memory and in a file that
 *   only the server's user reads.
 * - Every request is judged by the Host that it asks and the page that it comes
 *   from, before anything else.
 * - Addresses that other machines reach are encrypted and have a password.
 * - Who may come in is said by commands, over their own socket, and never by a
 *   console.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isFault, MirrorpointError } from '../../base/index.ts';
import type { Engine } from '../../engine/index.ts';
import { handleDownload } from '../headless/download-handler.ts';
import { fileTextStore } from '../headless/stored-files.ts';
import { type CertificateFiles, ownCertificate, readCertificate } from './certificate.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { type ConsoleAddress, parseConsoleAddress, usualAddress } from './console-address.ts';
import { ConsoleListener } from './console-listener.ts';
import type { ConsolePassword } from './console-password.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { ConsoleSite } from './console-site.ts';
import { Launches } from './launches.ts';
import { heartbeatMs } from './limits.ts';
import { PasswordGuard } from './password-guard.ts';

export interface WebConsoleOptions {
  readonly engine: Engine;
  readonly password: ConsolePassword;
  /** Where the console's files are; they may be missing. */
  readonly consoleFolder: string;
  /** On this machine: where, instead of the usual place. */
  readonly address?: string | undefined;
  readonly heartbeatMs?: number;
}

/** An address at which other machines reach the console. */
export interface FarPlace {
  readonly address: string;
  readonly names: readonly string[];
  readonly files: CertificateFiles | undefined;
}

/** The address on this machine alone. Throws `argument-invalid` for others. */
function nearAddress(text: string | undefined): ConsoleAddress {
  const address = text === undefined ? usualAddress : parseConsoleAddress(text);
  if (address.scheme === 'http') return address;
  throw new MirrorpointError(
    'argument-invalid',
    `'${text ?? ''}' is not this machine alone. Have the console served there by \`mirrorpoint console listen\`, which wants a password.`,
  );
}

/** The console for browsers: where it is served, and who has come in. */
export class WebConsole implements AsyncDisposable {
  readonly #options: WebConsoleOptions;
  readonly #sessions: ConsoleSessions;
  readonly #launches: Launches;
  readonly #site: ConsoleSite;
  readonly #far = new Map<string, ConsoleListener>();
  readonly #certificates: CertificateWatch;
  #near: ConsoleListener | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: WebConsoleOptions, sessions: ConsoleSessions) {
    const { engine, password, consoleFolder } = options;
    this.#options = options;
    this.#sessions = sessions;
    this.#launches = new Launches(engine.ports);
    this.#certificates = new CertificateWatch({
      clock: engine.ports.clock,
      tell: (text) => {
        engine.events.add('console', text, { level: 'warning' });
      },
    });
    this.#site = new ConsoleSite({
      engine,
      consoleFolder,
      sessions: this.#sessions,
      launches: this.#launches,
      password,
      guard: new PasswordGuard(engine.ports.clock),
      download: handleDownload,
      heartbeatMs: options.heartbeatMs ?? heartbeatMs,
    });
  }

  /**
   * Serves the console to this machine, and where the settings say. One of those
   * that fails is reported, and the server goes on without it. Throws
   * `address-in-use`, `address-invalid` and `argument-invalid` for the first.
   */
  static async open(options: WebConsoleOptions): Promise<WebConsole> {
    const address = nearAddress(options.address);
    const web = new WebConsole(options, await sessionsOf(options.engine));
    try {
      web.#near = await ConsoleListener.open({ address, names: [], certificate: undefined, takesPassword: false }, web.#site);
      await web.#openStored();
      return web;
    } catch (fault) {
      await web.close();
      throw fault;
    }
  }

  /** As browsers are given them: the one on this machine first. */
  get addresses(): string[] {
    return [...(this.#near === undefined ? [] : [this.#near.address]), ...[...this.#far.values()].map(({ address }) => address)];
  }

  get sessionCount(): number {
    return this.#sessions.count;
  }

  get isBuilt(): boolean {
    return existsSync(join(this.#options.consoleFolder, 'index.html'));
  }

  /** Where a place of the settings is reached, if it could be opened. */
  reachedAt(place: string): string | undefined {
    return this.#far.get(place)?.address;
  }

  /** An address that lets one browser in, once and for a short while. */
  launch(): { address: string; expiresWallMs: number } {
    const { token, expiresWallMs } = this.#launches.make();
    return { address: `${this.#near?.address ?? ''}/?launch=${token}`, expiresWallMs };
  }

  /** Ends sessions, all or those that began by a password; resolves to how many. */
  logOut(enteredBy?: 'password'): Promise<number> {
    if (enteredBy === undefined) this.#launches.clear();
    return this.#sessions.endAll(enteredBy);
  }

  /** Serves the console to other machines too. */
  async listen({ address, names, files }: FarPlace): Promise<void> {
    const { engine } = this.#options;
    const { trust, random } = engine.ports;
    const certificate = files === undefined ? await ownCertificate(trust.identity, random) : await readCertificate(files);
    const options = { address: parseConsoleAddress(address), names, certificate, takesPassword: true };
    const listener = await ConsoleListener.open(options, this.#site);
    this.#far.set(address, listener);
    if (files !== undefined) {
      this.#certificates.watch(address, files, (renewed) => {
        listener.renew(renewed);
      });
    }
  }

  async unlisten(address: string): Promise<void> {
    const listener = this.#far.get(address);
    this.#far.delete(address);
    this.#certificates.forget(address);
    await listener?.close();
  }

  /** Ends every connection; who has come in stays so. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#certificates.close();
    await this.#site.close();
    this.#launches.clear();
    await this.#sessions.save();
    await this.#near?.close();
    for (const listener of this.#far.values()) await listener.close();
  }

  async #openStored(): Promise<void> {
    const { engine, password } = this.#options;
    for (const { address, names, certificate, key } of engine.book.current.console?.listen ?? []) {
      try {
        if (!(await password.isSet())) throw passwordMissing(address);
        await this.listen({ address, names, files: certificate === undefined || key === undefined ? undefined : { certificate, key } });
      } catch (fault) {
        if (!isFault(fault)) throw fault;
        engine.events.add('console', fault.message, { level: 'problem' });
      }
    }
  }
}

/** Who has come into a configuration folder's console. */
export function sessionsOf({ ports, events }: Engine): Promise<ConsoleSessions> {
  const store = fileTextStore(join(ports.configFolder, 'console-sessions.json'));
  const report = (text: string): void => {
    events.add('console', text, { level: 'warning' });
  };
  return ConsoleSessions.open({ ...ports, store, report });
}

export function passwordMissing(address: string): MirrorpointError {
  return new MirrorpointError(
    'password-missing',
    `At ${address} other machines would reach the console, and it has no password. Set one by \`mirrorpoint console password\` first.`,
  );
}
