import { setImmediate, setTimeout as sleepReally } from 'node:timers/promises';
import { expect } from 'vitest';
import { assert, MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { clientOf, type DeviceOpener, Engine, type EnginePorts, type ShareHall, type TextStore } from '../../src-main/engine/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import { type Link, type Listener, MemoryLink, MemoryTransport, type Transport } from '../../src-main/transport/index.ts';
import { MemoryStore } from '../pairing/memory-store.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryMachine } from './memory-machine.ts';
import { MemoryNetwork } from './memory-network.ts';

/** Virtual time whose wall clock can be set, as by a person, and jumps while the machine sleeps. */
export class SettableClock extends VirtualClock {
  #offsetMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.#offsetMs;
  }

  /** Moves the wall clock alone: timers wait as long as before. */
  setWall(byMs: number): void {
    this.#offsetMs += byMs;
  }
}

/** Image files in memory, by path. */
class MemoryDevices implements DeviceOpener {
  readonly #devices = new Map<string, MemoryDevice>();
  readonly #machine: MemoryMachine;

  constructor(machine: MemoryMachine) {
    this.#machine = machine;
  }

  async open(path: string): Promise<MemoryDevice> {
    const known = this.#devices.get(path);
    if (known === undefined) throw new MirrorpointError('device-not-found', `There is no ${path}.`);
    const device = known.reopen();
    this.#devices.set(path, device);
    return device;
  }

  async create(path: string, options: { sizeBytes?: number; token?: string }): Promise<MemoryDevice> {
    const { token } = options;
    if (token !== undefined && token !== this.#machine.tokenOf(path)) throw new MirrorpointError('device-changed', `${path} is not what was chosen.`);
    const device = new MemoryDevice({ name: path, sizeBytes: options.sizeBytes ?? 64 << 20 });
    this.#devices.set(path, device);
    return device;
  }

  /** What a process that was killed holds open works no more. */
  async letGo(): Promise<void> {
    for (const device of this.#devices.values()) await device.close();
  }

  erase(): Promise<void> {
    return Promise.resolve();
  }

  enlarge(): Promise<void> {
    return Promise.reject(new MirrorpointError('unsupported', 'Memory does not grow.'));
  }

  undoCreate(): Promise<void> {
    return Promise.resolve();
  }
}

/** What one start of a server holds of the world, until it ends or is killed. */
class Life {
  readonly transport: Transport;
  readonly settings: TextStore;
  readonly #links = new Set<MemoryLink>();
  readonly #listeners: Listener[] = [];
  #isOver = false;

  /** `onStore` is called around each write of the settings; what is killed there goes no further. */
  constructor(world: { transport: Transport; settings: TextStore; onStore: (when: 'before' | 'after') => void }) {
    const { transport, settings, onStore } = world;
    this.transport = {
      connect: async (address) => {
        await this.#untilKilled;
        return this.#take(await transport.connect(address));
      },
      listen: async (address, onLink) => {
        const listener = await transport.listen(address, (link) => {
          onLink(this.#take(link));
        });
        this.#listeners.push(listener);
        return listener;
      },
    };
    const write = async (text: string): Promise<void> => {
      onStore('before');
      await this.#untilKilled;
      await settings.write(text);
      onStore('after');
      await this.#untilKilled;
    };
    this.settings = { name: settings.name, read: () => settings.read(), write };
  }

  kill(): void {
    this.#isOver = true;
    for (const listener of this.#listeners) void listener.close();
    for (const link of this.#links) link.cut();
  }

  /** Nothing while it lives; after that it never goes on. */
  get #untilKilled(): Promise<void> | undefined {
    return this.#isOver ? new Promise(() => undefined) : undefined;
  }

  #take(link: Link): Link {
    assert(link instanceof MemoryLink, 'a memory transport makes memory links');
    this.#links.add(link);
    return link;
  }
}

/** Files of this machine: only tests that name some touch any. */
const { localTree, mounts, watchFolder } = machinePorts({ configFolder: '/memory', requestStop: () => undefined, report: () => undefined });

/** A whole server in memory on virtual time, which can be stopped and started again. */
export class MemoryServer {
  readonly clock: SettableClock;
  readonly logs = new Map<string, MemoryLog>();
  readonly settings = new MemoryStore();
  readonly machine = new MemoryMachine();
  /** What is behind each door of the shares that is open, by its address. */
  readonly halls = new Map<string, ShareHall>();
  engine!: Engine;
  client!: MirrorpointClient;
  /** Called around each write of the settings. */
  onStore: (when: 'before' | 'after') => void = () => undefined;
  readonly #ports: EnginePorts;
  readonly #devices = new MemoryDevices(this.machine);
  #life: Life | undefined;

  constructor(options: { clock?: SettableClock; transport?: MemoryTransport; network?: MemoryNetwork; seed?: number } & Partial<Pick<EnginePorts, 'localTree' | 'watchFolder'>> = {}) {
    this.clock = options.clock ?? new SettableClock();
    this.#ports = {
      clock: this.clock,
      utcOffsetMinutes: () => 0,
      random: new SeededRandom(options.seed ?? 1),
      settings: this.settings,
      log: (name) => this.log(name),
      devices: this.#devices,
      openScratch: (name, { sizeBytes }) => Promise.resolve(new MemoryDevice({ name, sizeBytes })),
      localTree: options.localTree ?? localTree,
      mounts,
      watchFolder: options.watchFolder ?? watchFolder,
      transport: options.transport ?? new MemoryTransport(),
      trust: { identity: new MemoryStore(), peers: new MemoryStore(), hosts: () => [] },
      discovery: (options.network ?? new MemoryNetwork()).join(),
      machine: this.machine,
      shareDoors: {
        check: () => Promise.resolve(),
        open: async (place, hall) => {
          const address = place?.address ?? 'here';
          this.halls.set(address, hall);
          return { address, [Symbol.asyncDispose]: async () => void this.halls.delete(address) };
        },
      },
      defaultServerName: 'office',
      processId: 1,
      configFolder: '/memory',
      version: '0',
      requestStop: () => undefined,
      report: () => undefined,
    };
  }

  log(name: string): MemoryLog {
    const known = this.logs.get(name) ?? new MemoryLog();
    this.logs.set(name, known);
    return known;
  }

  async start(options: { serve: boolean } = { serve: true }): Promise<void> {
    const { transport, settings } = this.#ports;
    this.#life = new Life({ transport, settings, onStore: (when) => this.onStore(when) });
    this.engine = await Engine.open({ ...this.#ports, transport: this.#life.transport, settings: this.#life.settings }, options);
    this.client = clientOf(this.engine, this.engine.newSession());
    await this.settle();
  }

  stop(): Promise<void> {
    return this.engine.close();
  }

  /** Ends it where it stands, as a power cut would; `start` opens it again. */
  async kill(): Promise<void> {
    this.#life?.kill();
    await this.#devices.letGo();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Lets everything that needs no time run. */
  async settle(turns = 60): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await setImmediate();
  }

  /** Lets time pass in steps, and what it sets off run. */
  async pass(durationMs: number, stepMs = 10_000): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      this.clock.pass(Math.min(stepMs, durationMs - passedMs));
      await this.settle(15);
    }
    await this.settle();
  }

  /** The machine sleeps: the clock on the wall goes on, timers do not. Then it is awake for a minute. */
  async sleep(durationMs: number): Promise<void> {
    this.clock.setWall(durationMs);
    await this.pass(60_000);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < 500; turn++) {
      if (condition()) return;
      await this.pass(1000, 1000);
      // Blocks are packed on threads, which take real time.
      await sleepReally(1);
    }
    expect.fail(`${what} did not come about: ${JSON.stringify(this.engine.status())}`);
  }

  async createVolume(name: string, options: { role?: 'primary' | 'mirror'; listen?: string[] } = {}): Promise<void> {
    await this.client.volumes.create({ name, devices: [{ path: `/${name}.img`, sizeBytes: 64 << 20 }], cpIntervalMs: 0, ...options });
  }

  /** Changes something in a volume. */
  async touch(volume: string, name: string): Promise<void> {
    const open = await this.engine.shelf.primary(volume);
    await open.volume.change(changeBlocks.create, (files) => files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }));
  }

  async snapshots(volume: string): Promise<{ name: string; cp: number; wallMs: number }[]> {
    return (await this.client.snapshots.list({ volume })).snapshots;
  }
}
