import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import type { RootChoice } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';

const address = 'ipc://killed-mirror';
const waitMs = 60_000;
const readBytes = 1 << 20;
const namesMax = 8;
const fileBytesMax = 60_000;

/** One state in so many rounds is checked block by block, on both sides. */
const checkedOneIn = 10;

/** What the volume holds: the digest of each file. */
type State = ReadonlyMap<string, string>;

/** Devices of the two volumes as commands name them: a path, and where it is to be made a size behind it. */
export interface KilledDevices {
  readonly primary: string;
  readonly mirror: string;
}

export interface KillCounts {
  rounds: number;
  /** Servers that were killed. */
  kills: number;
  acknowledged: number;
  /** Changes that were on their way at a kill, and were found to have taken place. */
  inDoubtDone: number;
  /** Rounds in which a mirror came back at a CP before the primary's last. */
  behind: number;
}

function textOf(state: State): string {
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, digest]) => `${name}=${digest}`).join('\n');
}

async function succeed(place: Place, ...words: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(place, ...words);
  if (exitCode !== 0) throw new Error(`mirrorpoint ${words.join(' ')} ended with ${exitCode}: ${stderr}`);
}

/**
 * A primary, every change of which is durable when it is acknowledged, and its
 * mirror, each a process. They are killed in the middle of work, started again,
 * and must show what they have promised.
 */
export class KilledServers implements AsyncDisposable {
  readonly counts: KillCounts = { rounds: 0, kills: 0, acknowledged: 0, inDoubtDone: 0, behind: 0 };
  readonly #random: SeededRandom;
  readonly #a: Place;
  readonly #b: Place;
  #primary: ServerProcess | undefined;
  #mirror: ServerProcess | undefined;
  /** Every state that the volume went through; the last may be one that is not acknowledged. */
  readonly #states: State[] = [new Map()];
  #acknowledged = 0;
  /** The state that the mirror was seen to have. */
  #mirrored = 0;
  #version = 0;

  private constructor(folder: string, seed: number) {
    const env = { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') };
    this.#a = { configFolder: join(folder, 'a'), env };
    this.#b = { configFolder: join(folder, 'b'), env };
    this.#random = new SeededRandom(seed);
  }

  static async open(folder: string, options: { seed: number; devices: KilledDevices }): Promise<KilledServers> {
    const servers = new KilledServers(folder, options.seed);
    await succeed(servers.#b, 'volume', 'create', 'copy', options.devices.mirror, '--role', 'mirror', '--listen', address);
    await succeed(servers.#a, 'volume', 'create', 'work', options.devices.primary, '--interval', '1s', '--durability', 'request');
    await succeed(servers.#a, 'link', 'work', address);
    await servers.#start();
    await servers.#untilIdentical();
    return servers;
  }

  /** Works for a moment, kills one server or both in the middle of it, starts them again, and proves what they hold. */
  async round(): Promise<void> {
    const random = this.#random;
    const first = Promise.withResolvers<undefined>();
    const working = this.#work(() => {
      first.resolve(undefined);
    });
    // CPs come more often than by the timer, so that many kills hit one.
    const taking = this.#takeCps();
    await Promise.race([first.promise, working]);
    await setTimeout(random.below(120));
    const who = random.pick(['primary', 'primary', 'mirror', 'both'] as const);
    const [primary, mirror] = [this.#primary!, this.#mirror!];
    if (who !== 'mirror') this.#primary = undefined;
    if (who !== 'primary') this.#mirror = undefined;
    await Promise.all([who === 'mirror' ? this.#pause(working) : primary.kill(), who === 'primary' ? undefined : mirror.kill()]);
    await Promise.all([working, taking]);
    this.counts.kills += who === 'both' ? 2 : 1;
    this.counts.rounds++;
    await this.#prove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#primary?.kill(), this.#mirror?.kill()]);
  }

  async #start(): Promise<void> {
    const [primary, mirror] = [this.#primary, this.#mirror];
    [this.#primary, this.#mirror] = await Promise.all([primary ?? ServerProcess.start(this.#a), mirror ?? ServerProcess.start(this.#b)]);
  }

  /** Whose server stays ends its work by itself. */
  async #pause(working: Promise<void>): Promise<void> {
    this.#stopped = true;
    await working;
  }

  #stopped = false;

  async #work(onAcknowledged: () => void): Promise<void> {
    this.#stopped = false;
    const { client } = this.#primary!;
    while (!this.#stopped) {
      const { next, change } = this.#nextChange();
      this.#states.push(next);
      try {
        await change(client);
      } catch (fault) {
        // The connection broke with the server; whether the change took place is seen later.
        if (isFault(fault) && fault.code !== 'link-closed') throw fault;
        return;
      }
      this.#acknowledged = this.#states.length - 1;
      this.counts.acknowledged++;
      onAcknowledged();
    }
  }

  async #takeCps(): Promise<void> {
    const { client } = this.#primary!;
    try {
      for (let count = 0; count < 4 && !this.#stopped; count++) {
        const before = this.#acknowledged;
        const { cp } = await client.cp.now({ volume: 'work' });
        const [status] = (await client.relationships.list({})).relationships;
        if (status !== undefined && status.mirrorCp >= cp) this.#mirrored = Math.max(this.#mirrored, before);
        await setTimeout(this.#random.below(30));
      }
    } catch (fault) {
      if (this.#primary !== undefined) throw fault;
    }
  }

  #nextChange(): { next: State; change: (client: ServerProcess['client']) => Promise<unknown> } {
    const random = this.#random;
    const last = this.#states.at(-1)!;
    const names = [...last.keys()];
    const next = new Map(last);
    const name = `f${random.below(namesMax)}`;
    if (names.length > 3 && random.chance(0.25)) {
      const from = random.pick(names);
      if (from !== name) {
        next.set(name, last.get(from)!);
        next.delete(from);
        return { next, change: (client) => client.files.move({ volume: 'work', from: `/${from}`, to: `/${name}`, replace: true }) };
      }
    }
    const bytes = Buffer.concat([Buffer.from(`${++this.#version} `), random.bytes(random.below(fileBytesMax))]);
    next.set(name, createHash('sha256').update(bytes).digest('hex'));
    return {
      next,
      change: async ({ files }) => {
        const { writeId } = await files.beginWrite({ volume: 'work', path: `/${name}`, sizeBytes: bytes.length, collision: 'replace' });
        await files.write({ writeId, offsetBytes: 0, content: new Blob([bytes]) });
        await files.endWrite({ writeId });
      },
    };
  }

  /** The mirror first, as it was left, then the primary, and then that the one comes to equal the other. */
  async #prove(): Promise<void> {
    const isPrimaryThere = this.#primary !== undefined;
    this.#mirror ??= await ServerProcess.start(this.#b);
    const mirrorCount = await this.#countOf(this.#mirror, { volume: 'copy', at: 'last' }, { least: this.#mirrored });
    await this.#start();
    const count = await this.#countOf(this.#primary!, { volume: 'work', at: 'live' }, { least: this.#acknowledged });
    if (mirrorCount > count) throw new Error(`the mirror has change ${mirrorCount}, and the primary came back at ${count}`);
    if (mirrorCount < count) this.counts.behind++;
    if (!isPrimaryThere && count > this.#acknowledged) this.counts.inDoubtDone++;
    this.#states.length = count + 1;
    this.#acknowledged = count;
    await this.#untilIdentical();
    this.#mirrored = count;
    // Equal checksums of roots say that all is equal; that they do is looked at now and then.
    if (this.counts.rounds % checkedOneIn > 0) return;
    await this.#countOf(this.#mirror, { volume: 'copy', at: 'last' }, { least: count });
    await succeed(this.#a, 'volume', 'check', 'work');
    await succeed(this.#b, 'volume', 'check', 'copy');
  }

  /** Which of the states that were gone through a volume shows, the newest if several; throws where it is none from the least on. */
  async #countOf(server: ServerProcess, state: { volume: string; at: RootChoice }, { least }: { least: number }): Promise<number> {
    const text = textOf(await readAtRest(server, state));
    for (let count = this.#states.length - 1; count >= least; count--) if (textOf(this.#states[count]!) === text) return count;
    const any = this.#states.findIndex((known) => textOf(known) === text);
    throw new Error(`round ${this.counts.rounds}: ${state.volume} shows ${any < 0 ? 'a state that never was' : `change ${any}`}, and change ${least} was acknowledged`);
  }

  async #untilIdentical(): Promise<void> {
    const { client } = this.#primary!;
    const { cp } = await client.cp.now({ volume: 'work' });
    const deadlineMs = Date.now() + waitMs;
    for (;;) {
      const [status] = (await client.relationships.list({})).relationships;
      if (status?.identical === true && status.mirrorCp >= cp) return;
      if (Date.now() > deadlineMs) throw new Error(`the mirror did not catch up: ${JSON.stringify(status)}`);
      await setTimeout(20);
    }
  }
}

/** Reads a state that may be on its way from one CP to the next, until it stood still meanwhile. */
async function readAtRest(server: ServerProcess, state: { volume: string; at: RootChoice }): Promise<State> {
  const cpNow = async (): Promise<number> => (await server.client.volumes.inspect({ volume: state.volume })).cp;
  for (;;) {
    const before = await cpNow();
    const found = await readState(server, state).catch((fault: unknown) => fault);
    if (before !== (await cpNow())) continue;
    if (!(found instanceof Map)) throw found;
    return found as State;
  }
}

async function readState({ client }: ServerProcess, state: { volume: string; at: RootChoice }): Promise<State> {
  const found = new Map<string, string>();
  const { entries } = await client.files.list({ ...state, path: '/' });
  for (const { name } of entries) {
    if (name.startsWith('.')) continue;
    const { readId, sizeBytes } = await client.files.openRead({ ...state, path: `/${name}` });
    const content = sizeBytes === 0 ? new Blob() : await client.files.read({ readId, offsetBytes: 0, lengthBytes: readBytes });
    await client.files.closeRead({ readId });
    found.set(name, createHash('sha256').update(Buffer.from(await content.arrayBuffer())).digest('hex'));
  }
  return found;
}
