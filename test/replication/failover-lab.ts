import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import { assert, MirrorpointError, present, SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { firstHello, MirrorService, PrimaryRelationship } from '../../src-main/replication/index.ts';
import { type Link, MemoryLink, MemoryTransport } from '../../src-main/transport/index.ts';
import { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import type { HelloMessage } from '../../src-main/wire/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

const address = 'memory://listening';
const turnsMax = 20_000;

/** One server: its device, and what it is at the moment. */
export class LabServer {
  readonly lab: FailoverLab;
  readonly name: 'dialing' | 'listening';
  device: MemoryDevice;
  volume: Volume | undefined;
  mirror: MirrorVolume | undefined;
  relationship: PrimaryRelationship | undefined;
  service: MirrorService | undefined;
  /** Hellos of primaries with a higher epoch. */
  readonly superseding: HelloMessage[] = [];
  /** Epochs in which it decided to lead. */
  readonly leads: number[] = [];
  /** What deciding to lead does first: nothing, or it fails. */
  onLead: () => Promise<void> = () => Promise.resolve();

  constructor(lab: FailoverLab, name: LabServer['name']) {
    this.lab = lab;
    this.name = name;
    this.device = new MemoryDevice({ name, sizeBytes: 64 << 20 });
  }

  get options(): Parameters<typeof Volume.create>[1] {
    const { clock, random } = this.lab;
    return { name: this.name, clock, random, cpIntervalMs: 0, cacheBytes: 4 << 20, poolBytes: 32 << 20 };
  }

  newSet(volumeId: Uint8Array): Promise<DeviceSet> {
    const { random } = this.lab;
    return DeviceSet.create([this.device], { volumeId, setId: random.bytes(16), blockSizeBytes: 4096, journalBytes: 1 << 20, random });
  }

  /** Closes what is open, and opens the device anew. */
  async #reopened(): Promise<DeviceSet> {
    await this.close();
    this.device = this.device.reopen();
    return DeviceSet.open([this.device], { random: this.lab.random });
  }

  async promote(epoch: number): Promise<void> {
    this.lead(await Volume.promote(await this.#reopened(), this.options, { epoch }));
  }

  /** The primary becomes a mirror, and keeps under the name what only it has. */
  async stepDown(setAsideName: string): Promise<void> {
    this.superseding.length = 0;
    this.follow(await MirrorVolume.stepDown(await this.#reopened(), { name: this.name, cacheBytes: 4 << 20, setAsideName }));
  }

  /** Opens it again as the mirror that it was. */
  async restartMirror(): Promise<void> {
    this.follow(await MirrorVolume.open(await this.#reopened(), { name: this.name, cacheBytes: 4 << 20 }));
  }

  /** Kills it where it stands, and opens it again as the primary it was. */
  async restartPrimary(): Promise<void> {
    this.lead(await Volume.open(await this.#reopened(), this.options));
  }

  lead(volume: Volume): void {
    this.volume = volume;
    this.relationship = new PrimaryRelationship({
      volume,
      clock: this.lab.clock,
      relationshipId: 'lab',
      serverId: new Uint8Array(16).fill(this.name.length),
      serverName: this.name,
      onSuperseded: (peer) => this.superseding.push(peer),
      ...(this.name === 'dialing' && { connect: () => this.lab.connect() }),
    });
    this.relationship.start();
  }

  follow(mirror: MirrorVolume): void {
    this.mirror = mirror;
    this.service = new MirrorService({
      volume: mirror,
      clock: this.lab.clock,
      serverId: new Uint8Array(16).fill(this.name.length),
      serverName: this.name,
      takeLead: async (epoch) => {
        await this.onLead();
        this.leads.push(epoch);
      },
    });
    if (this.name === 'dialing') this.service.dial(() => this.lab.connect()).start();
  }

  /** Hands an accepted link to whatever it is now. */
  async accept(link: Link): Promise<void> {
    const first = await firstHello(link, this.lab.clock);
    if (first === undefined) return;
    if (this.relationship !== undefined) this.relationship.accept(first.link);
    else if (this.service !== undefined) await this.service.accept(first.link);
    else await link.close();
  }

  status(): ReturnType<PrimaryRelationship['status']> {
    return (this.relationship ?? present(this.service, 'a role')).status();
  }

  async put(name: string, content: Uint8Array): Promise<void> {
    await present(this.volume, 'a volume').change(changeBlocks.create + changeBlocks.write(content.length, 4096), (files) => {
      files.write(files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }), 0, content);
    });
  }

  async close(): Promise<void> {
    await this.relationship?.close();
    await this.service?.close();
    await this.volume?.close();
    await this.mirror?.close();
    this.relationship = this.service = this.volume = this.mirror = undefined;
  }
}

/** Two servers that change roles, of which always the same one opens the links; in memory, on virtual time. */
export class FailoverLab implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly transport: MemoryTransport;
  readonly dialing: LabServer;
  readonly listening: LabServer;
  readonly crashes: unknown[] = [];
  #links: MemoryLink[] = [];

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
    this.dialing = new LabServer(this, 'dialing');
    this.listening = new LabServer(this, 'listening');
    this.transport = new MemoryTransport({
      wrap: (link) => {
        assert(link instanceof MemoryLink, 'a memory transport makes memory links');
        this.#links.push(link);
        return link;
      },
    });
  }

  /** A new volume on one server, an empty mirror on the other, identical when it resolves. */
  async start(primary: LabServer): Promise<void> {
    const mirror = this.other(primary);
    await this.transport.listen(address, (link) => {
      this.listening.accept(link).catch((crash: unknown) => this.crashes.push(crash));
    });
    primary.lead(await Volume.create(await primary.newSet(this.random.bytes(16)), primary.options));
    mirror.follow(await MirrorVolume.create(await mirror.newSet(new Uint8Array(16)), { name: mirror.name, cacheBytes: 4 << 20 }));
    await this.untilIdentical(primary);
  }

  other(server: LabServer): LabServer {
    return server === this.dialing ? this.listening : this.dialing;
  }

  /** The network does not carry while the two are apart. */
  isApart = false;

  connect(): Promise<Link> {
    if (!this.isApart) return this.transport.connect(address);
    return Promise.reject(new MirrorpointError('link-timeout', 'The other server does not answer.'));
  }

  /** Cuts every link. */
  cut(): void {
    for (const link of this.#links.splice(0)) link.cut();
  }

  /** Lets promises run, and time pass, until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) {
      if (this.crashes.length > 0) throw this.crashes[0] as Error;
      if (condition()) return;
      await setImmediate();
      if (turn % 50 === 49) this.clock.pass(500);
    }
    const said = [this.dialing, this.listening].map((server) => JSON.stringify(server.relationship?.status() ?? server.service?.status()));
    expect.fail(`${what} did not come about: ${said.join('; ')}`);
  }

  async untilIdentical(primary: LabServer): Promise<void> {
    await this.until(() => primary.relationship?.status().identical === true, `a mirror identical to ${primary.name}`);
    expect(this.other(primary).mirror?.committedBytes).toEqual(primary.volume?.rootBytes);
  }

  async close(): Promise<void> {
    await this.dialing.close();
    await this.listening.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
