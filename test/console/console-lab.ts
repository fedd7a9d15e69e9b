import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { MirrorpointClient, PairingEvent, RelationshipStatus } from '../../src-main/contract/index.ts';
import { builtConsole } from '../browser/built-console.ts';
import { openPage, type PageFaults, sharedChromium } from '../browser/launching.ts';
import { type Place, ServerProcess } from '../shells/server-process.ts';
import { CutLine } from './cut-line.ts';

/** A real server of the lab. It can be stopped and started again on its folder. */
export class LabServer implements AsyncDisposable {
  readonly name: string;
  readonly place: Place;
  readonly #words: readonly string[];
  #process: ServerProcess;

  private constructor(parts: { name: string; place: Place; words: readonly string[]; process: ServerProcess }) {
    this.name = parts.name;
    this.place = parts.place;
    this.#words = parts.words;
    this.#process = parts.process;
  }

  static async start(name: string, place: Place): Promise<LabServer> {
    // The same place after a restart, so that a console which is open finds it again.
    const words = ['--console', `127.0.0.1:${await freePort()}`];
    const process = await ServerProcess.start(place, ...words);
    await process.client.server.configure({ serverName: name });
    return new LabServer({ name, place, words, process });
  }

  get client(): ServerProcess['client'] {
    return this.#process.client;
  }

  get process(): ServerProcess {
    return this.#process;
  }

  /** Starts it again after `stop` or `kill`. */
  async startAgain(): Promise<void> {
    this.#process = await ServerProcess.start(this.place, ...this.#words);
  }

  stop(): Promise<number | null> {
    return this.#process.stop();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A console in a browser page, and all that went wrong in it. */
export interface OpenConsole {
  readonly page: Page;
  readonly faults: PageFaults;
  /** Goes to a screen, such as `/activity`, and waits for its heading. */
  go(path: string): Promise<void>;
}

/** A volume on one server and its mirror on another. */
export interface MirroredVolume {
  readonly primary: LabServer;
  readonly mirror: LabServer;
  readonly volume: string;
  readonly copy: string;
  readonly address: string;
}

interface MirroredOptions {
  readonly primary: LabServer;
  readonly mirror: LabServer;
  /** The volume's name on either side. */
  readonly volume?: string;
  readonly copy?: string;
  readonly sizeBytes?: number;
  readonly cpIntervalMs?: number;
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Agrees to every question of a pairing, until its end. */
async function agree(client: MirrorpointClient, events: AsyncIterable<PairingEvent>, onInvitation?: (text: string) => void): Promise<void> {
  for await (const event of events) {
    if (event.type === 'invitation') onInvitation?.(event.text);
    if (event.type === 'question') await client.pairing.answer({ questionId: event.questionId, isAccepted: true });
  }
}

/** Pairs two servers; volumes of the first may be sent to the second, which has to listen somewhere. */
export async function pair(primary: LabServer, mirror: LabServer): Promise<void> {
  const invitation = Promise.withResolvers<string>();
  const inviting = agree(mirror.client, await mirror.client.pairing.invite({}), invitation.resolve);
  inviting.catch(invitation.reject);
  await agree(primary.client, await primary.client.pairing.accept({ invitation: await invitation.promise }));
  await inviting;
}

/** Tries until it holds; fails with the last answer. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`it never came to hold: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Takes a CP and waits until the mirror is proven identical. */
export async function mirrored({ primary, volume, address }: MirroredVolume): Promise<RelationshipStatus> {
  await primary.client.cp.now({ volume });
  return until(
    async () => (await primary.client.relationships.list({})).relationships.find((one) => one.volume === volume && one.address === address)!,
    (status) => status.identical && status.state === 'live',
  );
}

/** Real servers, and a real browser with consoles open on them. All of it ends with the lab. */
export class ConsoleLab implements AsyncDisposable {
  /** For images and local files; removed at the end. */
  readonly folder: string;
  readonly #parts = new AsyncDisposableStack();

  private constructor(folder: string) {
    this.folder = folder;
    this.#parts.defer(() => {
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static open(): ConsoleLab {
    return new ConsoleLab(mkdtempSync(join(tmpdir(), 'mp-')));
  }

  /** A server with nothing on it. */
  async server(name: string): Promise<LabServer> {
    const env = { MIRRORPOINT_IPC_FOLDER: join(this.folder, 'ipc'), MIRRORPOINT_CONSOLE_FOLDER: await builtConsole() };
    const place = { configFolder: join(this.folder, name), env };
    return this.#parts.use(await LabServer.start(name, place));
  }

  /** Makes a volume on one server and its mirror on another, pairs the two, and waits until the mirror follows. */
  async mirroredVolume(options: MirroredOptions): Promise<MirroredVolume> {
    const { primary, mirror, volume = 'work', copy = 'copy', sizeBytes = 64 << 20, cpIntervalMs = 1000 } = options;
    const address = `tls://127.0.0.1:${await freePort()}`;
    const image = (server: LabServer, name: string): { path: string; sizeBytes: number } => ({ path: join(this.folder, `${server.name}-${name}.img`), sizeBytes });
    await mirror.client.volumes.create({ name: copy, role: 'mirror', devices: [image(mirror, copy)], listen: [address] });
    await primary.client.volumes.create({ name: volume, devices: [image(primary, volume)], cpIntervalMs });
    const { identity } = await mirror.client.peers.list({});
    const known = (await primary.client.peers.list({})).peers;
    if (!known.some((peer) => peer.identity === identity && peer.revokedWallMs === undefined)) await pair(primary, mirror);
    await primary.client.relationships.link({ volume, address, peer: identity });
    const made: MirroredVolume = { primary, mirror, volume, copy, address };
    await mirrored(made);
    return made;
  }

  /** Two servers, 'attic' and 'office', the one mirrored to the other. */
  async pairedServers(options: Omit<MirroredOptions, 'primary' | 'mirror'> = {}): Promise<MirroredVolume> {
    const [primary, mirror] = await Promise.all([this.server('attic'), this.server('office')]);
    return this.mirroredVolume({ primary, mirror, ...options });
  }

  /** Local files with these contents, below a new folder; resolves to the folder. */
  localFiles(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
    const folder = join(this.folder, name);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return folder;
  }

  /** Brings files into a volume, below its root. */
  async put(server: LabServer, volume: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    const folder = this.localFiles(`source-${randomBytes(4).toString('hex')}`, files);
    for await (const event of await server.client.files.put({ volume, path: '/', local: folder })) {
      if (event.type === 'problem') throw new Error(`${event.path}: ${event.message}`);
    }
  }

  /** A line that can be cut, for `proxy` of a console. */
  async cutLine(): Promise<CutLine> {
    return this.#parts.use(await CutLine.open());
  }

  /** Opens the console of a server, in a browser context of its own, at a screen. */
  async openConsole(server: LabServer, options: BrowserContextOptions & { path?: string } = {}): Promise<OpenConsole> {
    const { path = '/', ...looks } = options;
    const { address } = await server.client.console.launch({});
    const { page, faults } = await openPage(await sharedChromium(), looks);
    this.#parts.use(page.context());
    const go = async (to: string): Promise<void> => {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, to);
      await page.locator('main h1').waitFor();
    };
    await page.goto(address);
    await go(path);
    return { page, faults, go };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
