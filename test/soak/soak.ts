/**
 * Two servers under load for a long time: a program in a mounted folder, a
 * network drive and commands write at once, a CP is taken every second and goes
 * to a mirror, and either server is killed at random. Whatever was acknowledged
 * must be there at the end: live, in each snapshot, and on the mirror.
 *
 *   npm run soak [-- --minutes 20] [--seed N]
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src-main/base/index.ts';
import { OwnFiles } from './own-files.ts';
import { CommandsClient, DriveClient, MountClient, type SoakClient } from './soak-clients.ts';
import { SoakServers } from './soak-servers.ts';
import { checkOf, type Expected, faultsOf } from './verify-files.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() >>> 0) } } });
const seed = Number(values.seed);
const endMs = Date.now() + Number(values.minutes) * 60_000;

const sizeBytes = 1 << 30;
const snapshotsKeptMax = 10;
const brokenWaitMs = 200;

interface Counts {
  steps: number;
  doubted: number;
  kills: number;
  snapshots: number;
}

/** Lets the clients work, or waits until all of them rest. */
class Gate {
  #open = Promise.withResolvers<undefined>();
  #isOpen = false;
  #working = 0;
  #rested = Promise.withResolvers<undefined>();

  open(): void {
    this.#isOpen = true;
    this.#open.resolve(undefined);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#open = Promise.withResolvers();
    if (this.#working === 0) return;
    this.#rested = Promise.withResolvers();
    await this.#rested.promise;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (!this.#isOpen) await this.#open.promise;
    this.#working++;
    try {
      return await work();
    } finally {
      this.#working--;
      if (this.#working === 0) this.#rested.resolve(undefined);
    }
  }
}

interface Worker {
  readonly client: SoakClient;
  readonly files: OwnFiles;
  readonly random: SeededRandom;
}

class Soak {
  readonly counts: Counts = { steps: 0, doubted: 0, kills: 0, snapshots: 0 };
  readonly faults: string[] = [];
  readonly #servers: SoakServers;
  readonly #clients: readonly Worker[];
  readonly #gate = new Gate();
  readonly #random = new SeededRandom(seed);
  readonly #snapshots: { name: string; expected: readonly Expected[] }[] = [];
  #isOver = false;
  #isKilling = false;

  constructor(servers: SoakServers, clients: readonly SoakClient[]) {
    this.#servers = servers;
    this.#clients = clients.map((client, index) => ({ client, files: new OwnFiles(client.folder), random: new SeededRandom(seed + 1 + index) }));
  }

  async run(): Promise<void> {
    for (const { client } of this.#clients) await client.makeFolder();
    this.#gate.open();
    const working = Promise.all(this.#clients.map((one) => this.#work(one)));
    while (Date.now() < endMs && this.faults.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 2000 + this.#random.below(6000)));
      await (this.#random.chance(0.5) ? this.#kill() : this.#takeSnapshot());
      console.log(JSON.stringify({ leftSeconds: Math.max(0, Math.round((endMs - Date.now()) / 1000)), ...this.counts, faults: this.faults.length }));
    }
    await this.#gate.close();
    this.#isOver = true;
    this.#gate.open();
    await working;
    await this.#verify();
  }

  async #work({ client, files, random }: Worker): Promise<void> {
    while (!this.#isOver) {
      await this.#gate.pass(async () => {
        if (this.#isOver) return;
        const step = files.next(random);
        const { starts } = this.#servers;
        try {
          await client.take(step);
          step.done();
          this.counts.steps++;
        } catch (fault) {
          step.doubt();
          this.counts.doubted++;
          if (!this.#isKilling && starts === this.#servers.starts) this.faults.push(`${client.folder}, ${step.kind} ${step.name}: ${String(fault)}`);
          await new Promise((resolve) => setTimeout(resolve, brokenWaitMs));
        }
      });
    }
  }

  async #kill(): Promise<void> {
    const victim = this.#random.pick(['primary', 'mirror', 'both'] as const);
    this.counts.kills++;
    if (victim !== 'primary') await this.#servers.killMirror();
    if (victim !== 'mirror') {
      this.#isKilling = true;
      await this.#servers.killPrimary();
      await this.#servers.startPrimary();
      // A client that met the end of the old one may hear of it only now.
      await this.#gate.close();
      this.#isKilling = false;
      this.#gate.open();
    }
    if (victim !== 'primary') await this.#servers.startMirror();
  }

  async #takeSnapshot(): Promise<void> {
    await this.#gate.close();
    const name = `soak-${++this.counts.snapshots}`;
    const expected = this.#expected();
    await this.#servers.client.snapshots.create({ volume: 'work', snapshot: name });
    this.#gate.open();
    this.#snapshots.push({ name, expected });
    if (this.#snapshots.length <= snapshotsKeptMax) return;
    const [oldest] = this.#snapshots.splice(0, 1);
    await this.#servers.client.snapshots.delete({ volume: 'work', snapshot: oldest!.name });
  }

  #expected(): Expected[] {
    return this.#clients.map(({ files }) => ({ folder: files.folder, contents: files.snapshot() }));
  }

  async #verify(): Promise<void> {
    const { client, mirrorClient } = this.#servers;
    await this.#servers.untilIdentical();
    const now = this.#expected();
    this.faults.push(...(await faultsOf(client, { volume: 'work', at: 'live' }, now)));
    this.faults.push(...(await faultsOf(mirrorClient, { volume: 'copy', at: 'last' }, now)));
    for (const { name: snapshot, expected } of this.#snapshots) {
      this.faults.push(...(await faultsOf(client, { volume: 'work', at: { snapshot } }, expected)));
      this.faults.push(...(await faultsOf(mirrorClient, { volume: 'copy', at: { snapshot } }, expected)));
    }
    this.faults.push(...(await checkOf(client, 'work')), ...(await checkOf(mirrorClient, 'copy')));
  }
}

/** Why no folder can be mounted here; undefined where one can. */
function whyNoMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root mounts folders';
  return existsSync('/dev/fuse') ? undefined : 'the system has no /dev/fuse';
}

const noMounts = whyNoMounts();
if (noMounts !== undefined) console.log(`SKIPPED: no program writes in a mounted folder: ${noMounts}.`);
const folder = await mkdtemp(join(tmpdir(), 'mp-soak-'));
try {
  await using servers = await SoakServers.open(folder, { mounts: noMounts === undefined, sizeBytes });
  const soak = new Soak(servers, [
    ...(servers.mountFolder === undefined ? [] : [new MountClient(servers.mountFolder)]),
    new DriveClient({ address: () => servers.shareAddress, ...servers.credentials }),
    new CommandsClient({ client: () => servers.client, localFolder: folder }),
  ]);
  await soak.run();
  for (const fault of soak.faults.slice(0, 20)) console.log(`FAULT: ${fault}`);
  console.log(JSON.stringify({ seed, minutes: Number(values.minutes), ...soak.counts, faults: soak.faults.length }));
  process.exitCode = soak.faults.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
