import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import { MirrorpointError, SeededRandom } from '../../src-main/base/index.ts';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { clientOf, type DeviceOpener, Engine, type EnginePorts } from '../../src-main/engine/index.ts';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryStore } from '../pairing/memory-store.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';

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

  async open(path: string): Promise<MemoryDevice> {
    const known = this.#devices.get(path);
    if (known === undefined) throw new MirrorpointError('device-not-found', `There is no ${path}.`);
    const device = known.reopen();
    this.#devices.set(path, device);
    return device;
  }

  async create(path: string, options: { sizeBytes?: number }): Promise<MemoryDevice> {
    const device = new MemoryDevice({ name: path, sizeBytes: options.sizeBytes ?? 64 << 20 });
    this.#devices.set(path, device);
    return device;
  }

  enlarge(): Promise<void> {
    return Promise.reject(new MirrorpointError('unsupported', 'Memory does not grow.'));
  }

  undoCreate(): Promise<void> {
    return Promise.resolve();
  }
}

/** Files of this machine: only tests that name some touch any. */
const { localTree } = machinePorts({ configFolder: '/memory', requestStop: () => undefined, report: () => undefined });

/** A whole server in memory on virtual time, which can be stopped and started again. */
export class MemoryServer {
  readonly clock: SettableClock;
  readonly logs = new Map<string, MemoryLog>();
  readonly settings = new MemoryStore();
  engine!: Engine;
  client!: MirrorpointClient;
  readonly #ports: EnginePorts;

  constructor(options: { clock?: SettableClock; transport?: MemoryTransport; seed?: number } = {}) {
    this.clock = options.clock ?? new SettableClock();
    this.#ports = {
      clock: this.clock,
      utcOffsetMinutes: () => 0,
      random: new SeededRandom(options.seed ?? 1),
      settings: this.settings,
      log: (name) => this.log(name),
      devices: new MemoryDevices(),
      openScratch: (name, { sizeBytes }) => Promise.resolve(new MemoryDevice({ name, sizeBytes })),
      localTree,
      transport: options.transport ?? new MemoryTransport(),
      trust: { identity: new MemoryStore(), peers: new MemoryStore(), hosts: () => [] },
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
    this.engine = await Engine.open(this.#ports, options);
    this.client = clientOf(this.engine, this.engine.newSession());
    await this.settle();
  }

  stop(): Promise<void> {
    return this.engine.close();
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
