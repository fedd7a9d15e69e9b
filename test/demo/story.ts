import { mkdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type {
  CompareResult,
  CopyResult,
  MirrorpointClient,
  RelationshipStatus,
  VolumeStatus,
} from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { LagWatch } from './lag-watch.ts';
import { MirrorReader } from './mirror-reader.ts';
import { type WorkingCopy } from './working-copy.ts';

const address = 'ipc://demo-mirror';

/** What is being written when a server is killed. */
const loadBytes = 48 << 20;
const loadFileBytes = 1 << 20;

const killAttemptsMax = 8;
const identicalWaitMs = 60_000;

/** What is still wrong at the end; empty when all is well. */
export type Faults = string[];

function assertDone(result: { exitCode: number | null; stderr: string }, what: string): void {
  if (result.exitCode !== 0) throw new Error(`${what} failed: ${result.stderr}`);
}

async function lastEvent<T extends { type: string }>(stream: Promise<AsyncIterable<T>>): Promise<T & { type: 'done' }> {
  let last: T | undefined;
  for await (const event of await stream) last = event;
  if (last?.type !== 'done') throw new Error('a job ended without a result');
  return last as T & { type: 'done' };
}

/** Two servers, what is done to them, and what is measured. */
export class Story {
  readonly faults: Faults = [];
  readonly #folder: string;
  readonly #a: Place;
  readonly #b: Place;
  readonly #say: (text: string) => void;
  #primary: ServerProcess | undefined;
  #mirror: ServerProcess | undefined;
  readonly lag = new LagWatch(() => this.#clientOf(this.#primary));
  reader: MirrorReader | undefined;
  readonly #extras: string[] = [];

  constructor(folder: string, say: (text: string) => void) {
    const env = { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') };
    this.#folder = folder;
    this.#a = { configFolder: join(folder, 'a'), env };
    this.#b = { configFolder: join(folder, 'b'), env };
    this.#say = say;
  }

  /** Makes both volumes and starts both servers. */
  async begin(imageBytes: number): Promise<void> {
    const image = (name: string): string => `${join(this.#folder, name)}=${imageBytes}`;
    assertDone(
      await runCommand(this.#b, 'volume', 'create', 'copy', image('copy.img'), '--role', 'mirror', '--listen', address),
      'making the mirror',
    );
    assertDone(
      await runCommand(this.#a, 'volume', 'create', 'work', image('work.img'), '--interval', '1s'),
      'making the volume',
    );
    assertDone(await runCommand(this.#a, 'link', 'work', address), 'linking');
    this.#mirror = await ServerProcess.start(this.#b);
    this.#primary = await ServerProcess.start(this.#a);
    this.#say(`primary is process ${this.#primary.processId}, mirror is process ${this.#mirror.processId}; a CP every second`);
    this.lag.start();
  }

  /** Lets a reader read the mirror from here to the end. */
  watchMirror(copy: WorkingCopy): MirrorReader {
    this.reader = new MirrorReader(copy, () => this.#clientOf(this.#mirror));
    this.reader.start();
    return this.reader;
  }

  /** Brings the working copy into the primary; acknowledged when it resolves. */
  async put(copy: WorkingCopy): Promise<CopyResult> {
    const result = await lastEvent(this.#work.files.put({ volume: 'work', path: '/data', local: copy.folder }));
    if (result.problemCount > 0) this.faults.push(`${result.problemCount} entries could not be brought in`);
    return result;
  }

  async move(from: string, to: string): Promise<void> {
    await this.#work.files.move({ volume: 'work', from: `/data/${from}`, to: `/data/${to}` });
  }

  async remove(path: string): Promise<void> {
    await lastEvent(this.#work.files.remove({ volume: 'work', path: `/data/${path}` }));
  }

  /** Compares a folder with one of a volume; differences become faults. */
  async compare(side: 'primary' | 'mirror', local: string, path: string): Promise<CompareResult> {
    const client = side === 'primary' ? this.#work : this.#copy;
    const volume = side === 'primary' ? 'work' : 'copy';
    let result: CompareResult | undefined;
    for await (const event of await client.files.compare({ volume, path, local })) {
      if (event.type === 'difference') this.faults.push(`${side} ${event.path}: ${event.what} ${event.local ?? ''} ${event.volume ?? ''}`);
      else if (event.type === 'problem') this.faults.push(`${side} ${event.path}: ${event.message}`);
      else if (event.type === 'done') result = event;
    }
    if (result === undefined) throw new Error('a comparison ended without a result');
    return result;
  }

  /** Kills the primary while it takes a CP, and lets it recover. Resolves to the CP that was cut off. */
  async killPrimary(): Promise<{ cp: number; status: VolumeStatus }> {
    for (let attempt = 1; attempt <= killAttemptsMax; attempt++) {
      const before = await this.#underLoad();
      const cut = before.askForCp();
      await new Promise((resolve) => setTimeout(resolve, 5 + 5 * attempt));
      await this.#primary?.kill();
      this.#primary = undefined;
      const completed = await cut;
      await before.load;
      this.#primary = await ServerProcess.start(this.#a);
      const status = await this.#work.volumes.inspect({ volume: 'work' });
      // A CP that came through was not in its middle: try again.
      if (completed === undefined && before.isBusy()) return { cp: (status.recovery?.cp ?? 0) + 1, status };
    }
    throw new Error('the primary was never in the middle of a CP');
  }

  /** Kills the mirror while a CP streams to it. The primary goes on; the mirror is started again. */
  async killMirror(): Promise<{ committedCp: number; cutCp: number }> {
    for (let attempt = 1; attempt <= killAttemptsMax; attempt++) {
      const before = await this.#underLoad();
      const cut = before.askForCp();
      await new Promise((resolve) => setTimeout(resolve, 5 + 5 * attempt));
      await this.#mirror?.kill();
      this.#mirror = undefined;
      const cutCp = await cut;
      await before.load;
      // The primary serves as before while the mirror is away.
      const { cp } = await this.#work.cp.now({ volume: 'work' });
      this.#mirror = await ServerProcess.start(this.#b);
      const committedCp = this.#mirror.ready.volumes[0]?.cp ?? 0;
      if (cutCp !== undefined && committedCp > 0 && committedCp < cutCp) return { committedCp, cutCp };
      this.#say(`the mirror had CP ${committedCp} already (the primary: ${cp}); once more`);
      await this.waitUntilIdentical();
    }
    throw new Error('the mirror was never in the middle of a CP');
  }

  /** Waits until the mirror stands where the primary stands. */
  async waitUntilIdentical(): Promise<RelationshipStatus> {
    await this.#work.cp.now({ volume: 'work' });
    const deadlineMs = Date.now() + identicalWaitMs;
    for (;;) {
      const { relationships } = await this.#work.relationships.list({});
      const status = relationships[0];
      if (status !== undefined) this.lag.take(status);
      if (status?.identical === true) return status;
      if (Date.now() > deadlineMs) throw new Error(`the mirror did not catch up: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Folders that were being written when a server was killed, brought in again. */
  async putExtras(): Promise<void> {
    for (const name of this.#extras) {
      await lastEvent(this.#work.files.put({ volume: 'work', path: `/${name}`, local: join(this.#folder, name) }));
    }
  }

  async compareExtras(): Promise<void> {
    for (const name of this.#extras) await this.compare('mirror', join(this.#folder, name), `/${name}`);
  }

  /** Full checks of both volumes; what they find becomes faults. */
  async check(): Promise<void> {
    for (const [client, volume] of [
      [this.#work, 'work'],
      [this.#copy, 'copy'],
    ] as const) {
      const result = await lastEvent(client.volumes.check({ volume }));
      if ('problems' in result) for (const problem of result.problems) this.faults.push(`check of ${volume}: ${problem.message}`);
    }
  }

  async cpCount(): Promise<number> {
    const { records } = await this.#work.cp.history({ volume: 'work', limit: 1 });
    return records[0]?.cp ?? 0;
  }

  /** Ends what was started, in order if it still runs. */
  async end(): Promise<void> {
    await this.reader?.stop();
    await this.lag.stop();
    for (const [server, name] of [
      [this.#primary, 'primary'],
      [this.#mirror, 'mirror'],
    ] as const) {
      const exitCode = await server?.stop();
      if (server !== undefined && exitCode !== 0) this.faults.push(`the ${name} ended with status ${exitCode}: ${server.stderr}`);
    }
    this.#primary = undefined;
    this.#mirror = undefined;
  }

  /** For an end that must not fail. */
  async abandon(): Promise<void> {
    await this.reader?.stop().catch(() => undefined);
    await this.lag.stop();
    await this.#primary?.kill();
    await this.#mirror?.kill();
  }

  /** Fills memory with changes, so that a CP has something to write; nothing of it is acknowledged. */
  async #underLoad(): Promise<{ askForCp: () => Promise<number | undefined>; load: Promise<void>; isBusy: () => boolean }> {
    const name = `extra-${this.#extras.length + 1}`;
    const local = join(this.#folder, name);
    await mkdir(local);
    for (let index = 0; index * loadFileBytes < loadBytes; index++) {
      await writeFile(join(local, `${index}.bin`), randomBytes(loadFileBytes));
    }
    this.#extras.push(name);
    const client = this.#work;
    const halfway = Promise.withResolvers<undefined>();
    let isEnded = false;
    const load = (async () => {
      try {
        for await (const event of await client.files.put({ volume: 'work', path: `/${name}`, local })) {
          if (event.type === 'progress' && event.bytes > loadBytes / 4) halfway.resolve(undefined);
          if (event.type === 'done') isEnded = true;
        }
      } catch {
        // The primary was killed: this was never acknowledged.
      } finally {
        halfway.resolve(undefined);
      }
    })();
    await halfway.promise;
    const askForCp = (): Promise<number | undefined> =>
      client.cp.now({ volume: 'work' }).then(
        (record) => record.cp,
        () => undefined,
      );
    return { askForCp, load, isBusy: () => !isEnded };
  }

  get #work(): MirrorpointClient {
    const client = this.#clientOf(this.#primary);
    if (client === undefined) throw new Error('the primary does not run');
    return client;
  }

  get #copy(): MirrorpointClient {
    const client = this.#clientOf(this.#mirror);
    if (client === undefined) throw new Error('the mirror does not run');
    return client;
  }

  #clientOf(server: ServerProcess | undefined): MirrorpointClient | undefined {
    return server?.isRunning === true ? server.client : undefined;
  }
}
