import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import { assert, type Clock, SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { changeBlocks, type FileReader, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { MirrorService, PrimaryRelationship, type PrimaryRelationshipOptions } from '../../src-main/replication/index.ts';
import { createMemoryPair, type Link, MemoryLink, MemoryTransport } from '../../src-main/transport/index.ts';
import type { Packing } from '../../src-main/wire/index.ts';
import { MirrorVolume, type RootView, Volume } from '../../src-main/volume/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

const address = 'memory://mirror';

/** Turns of the event loop that a delayed message waits: enough for the other side to say a lot, and for heartbeats. */
const delayTurns = 100;

/** A link that a test can cut, stall, delay or garble. */
export class LabLink implements Link {
  readonly inner: MemoryLink;
  readonly side: 'connecting' | 'listening';
  readonly #lab: MirrorLab;
  /** What is sent meanwhile waits as well, since a link keeps its order. */
  #delay: Promise<void> | undefined;

  constructor(inner: MemoryLink, side: 'connecting' | 'listening', lab: MirrorLab) {
    this.inner = inner;
    this.side = side;
    this.#lab = lab;
  }

  get remote(): string {
    return this.inner.remote;
  }

  async send(buffers: readonly Uint8Array[]): Promise<void> {
    const lab = this.#lab;
    lab.messages++;
    if (lab.messages === lab.cutAtMessage) this.inner.cut();
    const bytes = buffers.map((buffer) => buffer.slice());
    if (lab.messages === lab.delayedMessage) this.#delay = turnsOf(delayTurns);
    if (lab.messages === lab.repeatedMessage) await this.inner.send(buffers.map((buffer) => buffer.slice()));
    if (this.side === 'connecting') {
      lab.garble?.(bytes);
      lab.bytesFromPrimary += bytes.reduce((sum, buffer) => sum + buffer.length, 0);
      if (lab.bytesFromPrimary >= lab.cutAtBytes) {
        lab.cutAtBytes = Infinity;
        lab.wasCutAtBytes = true;
        this.inner.cut();
      }
      // Only when it must wait: a link delivers what was sent before its close.
      if (lab.primaryMaySend !== undefined) await lab.primaryMaySend;
    }
    if (this.#delay !== undefined) await this.#delay;
    return this.inner.send(bytes);
  }

  async receive(): Promise<Uint8Array | undefined> {
    return this.inner.receive();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function turnsOf(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

export interface LabOptions {
  seed?: number;
  primaryBytes?: number;
  mirrorBytes?: number;
  blockSizeBytes?: number;
  /** Of the primary's cache. */
  cacheBytes?: number;
  /** Packs what goes over the link; nothing is packed unless given. */
  packing?: Packing;
  /** How far the wall clock of the mirror's server is ahead. */
  mirrorAheadMs?: number;
  /** Puts something around the mirror's device, for instance faults. */
  wrapMirror?: (device: MemoryDevice) => Device;
  /** In the place of the primary's device; it outlives its closing. */
  primaryDisk?: Device;
}

/** A primary and a mirror in one process, on memory devices, a memory transport and virtual time. */
export class MirrorLab {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly options: LabOptions;
  primaryDevice: MemoryDevice;
  mirrorDevice: MemoryDevice;
  primary!: Volume;
  mirror!: MirrorVolume;
  service!: MirrorService;
  relationship!: PrimaryRelationship;
  /** Messages sent by both sides over all links so far. */
  messages = 0;
  /** The link is cut in the place of this message. */
  cutAtMessage = 0;
  /** This message arrives late, and what follows it behind it. */
  delayedMessage = 0;
  /** This message arrives twice. */
  repeatedMessage = 0;
  bytesFromPrimary = 0;
  /** The link is cut, once, when the primary has sent so many bytes. */
  cutAtBytes = Infinity;
  wasCutAtBytes = false;
  /** Links to the mirror end at once. */
  isMirrorAway = false;
  /** While it waits, nothing that the primary sends arrives. */
  primaryMaySend: Promise<unknown> | undefined;
  /** What the primary may send, in bytes per second. */
  rate: number | undefined;
  /** Changes what the primary sends. */
  garble: ((buffers: Uint8Array[]) => void) | undefined;
  links: LabLink[] = [];
  /** What ended the mirror's sessions abnormally: nothing ever should. */
  readonly crashes: unknown[] = [];
  readonly #transport: MemoryTransport;

  constructor(options: LabOptions = {}) {
    this.options = options;
    this.random = new SeededRandom(options.seed ?? 1);
    this.primaryDevice = new MemoryDevice({ name: 'primary', sizeBytes: options.primaryBytes ?? 64 << 20 });
    this.mirrorDevice = new MemoryDevice({ name: 'mirror', sizeBytes: options.mirrorBytes ?? options.primaryBytes ?? 64 << 20 });
    this.#transport = new MemoryTransport({
      wrap: (link, { side }) => {
        assert(link instanceof MemoryLink, 'a memory transport makes memory links');
        const wrapped = new LabLink(link, side, this);
        this.links.push(wrapped);
        return wrapped;
      },
    });
  }

  /** A new volume, an empty mirror, and the relationship between them. */
  async start(): Promise<void> {
    this.primary = await Volume.create(await this.newSet([this.options.primaryDisk ?? this.primaryDevice]), this.volumeOptions);
    await this.startMirror();
    await this.#transport.listen(address, (link) => {
      if (this.isMirrorAway) void link.close();
      else this.service.accept(link).catch((crash: unknown) => this.crashes.push(crash));
    });
    this.connect();
  }

  /** An empty mirror on the mirror's device, and its service. */
  async startMirror(): Promise<void> {
    this.mirror = await MirrorVolume.create(await this.newSet([this.wrappedMirrorDevice]), { name: 'mirror', cacheBytes: 4 << 20 });
    this.#serve();
  }

  get volumeOptions(): Parameters<typeof Volume.create>[1] {
    return { name: 'primary', clock: this.clock, random: this.random, cpIntervalMs: 0, cacheBytes: this.options.cacheBytes ?? 4 << 20, poolBytes: 32 << 20 };
  }

  /** The primary's device, for opening it again. */
  reopenedPrimaryDevice(): Device {
    return this.options.primaryDisk ?? this.primaryDevice.reopen();
  }

  /** What a relationship knows from before a restart. */
  get beginning(): Partial<PrimaryRelationshipOptions> {
    return {};
  }

  get wrappedMirrorDevice(): Device {
    return this.options.wrapMirror?.(this.mirrorDevice) ?? this.mirrorDevice;
  }

  newSet(devices: Device[], volumeId = this.random.bytes(16)): Promise<DeviceSet> {
    return DeviceSet.create(devices, {
      volumeId,
      setId: this.random.bytes(16),
      blockSizeBytes: this.options.blockSizeBytes ?? 4096,
      journalBytes: 1 << 20,
      random: this.random,
    });
  }

  connect(ancestor?: { cp: number; checksum: bigint }): void {
    this.relationship = new PrimaryRelationship({
      volume: this.primary,
      connect: () => this.#transport.connect(address),
      clock: this.clock,
      relationshipId: 'lab',
      serverId: new Uint8Array(16).fill(1),
      serverName: 'office',
      rate: () => this.rate,
      ...(ancestor !== undefined && { ancestors: [ancestor] }),
      ...this.beginning,
      packing: this.options.packing,
    });
    this.relationship.start();
  }

  /** Another mirror of the volume, with a relationship of its own. */
  async addMirror(rate?: () => number | undefined): Promise<{ mirror: MirrorVolume; relationship: PrimaryRelationship } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const device = new MemoryDevice({ name: 'other', sizeBytes: this.options.primaryBytes ?? 64 << 20 });
    const mirror = stack.use(await MirrorVolume.create(await this.newSet([device]), { name: 'other' }));
    const service = stack.use(new MirrorService({ volume: mirror, clock: this.clock, serverId: new Uint8Array(16).fill(3), serverName: 'barn' }));
    const relationship = stack.use(
      new PrimaryRelationship({
        volume: this.primary,
        connect: () => {
          const [near, far] = createMemoryPair();
          service.accept(far).catch((crash: unknown) => this.crashes.push(crash));
          return Promise.resolve(near);
        },
        clock: this.clock,
        relationshipId: 'other',
        serverId: new Uint8Array(16).fill(1),
        serverName: 'office',
        ...(rate !== undefined && { rate }),
      }),
    );
    relationship.start();
    const whole = stack.move();
    return { mirror, relationship, [Symbol.asyncDispose]: () => whole.disposeAsync() };
  }

  /** Stops the mirror as if it had been killed, and opens it again from its device. */
  async restartMirror(): Promise<void> {
    const dead = this.service;
    this.cut();
    await dead.close();
    await this.mirror.close();
    this.mirrorDevice = this.mirrorDevice.reopen();
    this.mirror = await MirrorVolume.open(await DeviceSet.open([this.wrappedMirrorDevice]), { name: 'mirror', cacheBytes: 4 << 20 });
    this.#serve();
  }

  /** Puts another mirror in the place of the lab's. */
  async replaceMirror(mirror: MirrorVolume): Promise<void> {
    await this.service.close();
    this.mirror = mirror;
    this.#serve();
  }

  /** Stops the primary without a CP, as if it had been killed, and opens it again. */
  async restartPrimary(): Promise<void> {
    this.cut();
    await this.relationship.close();
    this.primaryDevice = this.primaryDevice.reopen();
    this.primary = await Volume.open(await DeviceSet.open([this.primaryDevice]), this.volumeOptions);
    this.connect();
  }

  cut(): void {
    for (const link of this.links.splice(0)) link.inner.cut();
  }

  /** Holds back what the primary sends; the result lets it go. */
  stallPrimary(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.primaryMaySend = promise;
    return () => {
      this.primaryMaySend = undefined;
      resolve(undefined);
    };
  }

  /** Lets promises run, and time pass, until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < 20_000; turn++) {
      if (condition()) return;
      await setImmediate();
      if (turn % 50 === 49) this.clock.pass(500);
    }
    expect.fail(`${what} did not come about: primary ${text(this.relationship.status())}, mirror ${text(this.service.status())}`);
  }

  /** Lets everything that needs no time run. */
  async settle(turns = 100): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await setImmediate();
  }

  /** Lets time pass in small steps, and what it sets off run. */
  async pass(durationMs: number, stepMs = 500): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      this.clock.pass(stepMs);
      await this.settle(20);
    }
  }

  /** Resolves when the mirror has the primary's last CP and both sides know it. */
  async untilIdentical(): Promise<void> {
    await this.until(() => this.relationship.status().identical, 'an identical mirror');
    expect(this.mirror.committedBytes).toEqual(this.primary.rootBytes);
    expect(this.crashes).toEqual([]);
  }

  async put(name: string, content: Uint8Array): Promise<void> {
    const ino = await this.primary.change(changeBlocks.create, (files) =>
      files.createFile(top, name, { mode: 0o644, uid: 0, gid: 0 }),
    );
    await this.write(ino, content);
  }

  async overwrite(name: string, content: Uint8Array): Promise<void> {
    await this.write(await this.primary.query((files) => files.lookup(top, name).ino), content);
  }

  async write(ino: number, content: Uint8Array): Promise<void> {
    for (let offset = 0; offset < content.length; offset += 1 << 20) {
      const part = content.subarray(offset, offset + (1 << 20));
      await this.primary.change(changeBlocks.write(part.length, this.options.blockSizeBytes ?? 4096), (files) => {
        files.write(ino, offset, part);
      });
    }
  }

  async remove(name: string): Promise<void> {
    await this.primary.change(changeBlocks.remove, (files) => {
      files.unlink(top, name);
    });
  }

  async close(): Promise<void> {
    await this.relationship.close();
    await this.service.close();
    await this.primary.close();
    await this.mirror.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #mirrorClock(): Clock {
    const { clock, options } = this;
    return {
      wallMs: () => clock.wallMs() + (options.mirrorAheadMs ?? 0),
      monotonicMs: () => clock.monotonicMs(),
      turn: () => Promise.resolve(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    };
  }

  #serve(): void {
    this.service = new MirrorService({
      volume: this.mirror,
      clock: this.#mirrorClock,
      serverId: new Uint8Array(16).fill(2),
      serverName: 'cellar',
      packing: this.options.packing,
    });
  }
}

/** A file's content, from a volume or a view. */
export async function contentOf(source: Volume | RootView, name: string): Promise<Uint8Array> {
  const { ino, size } = await source.query((files: FileReader) => {
    const found = files.lookup(top, name).ino;
    return { ino: found, size: files.stat(found).sizeBytes };
  });
  const bytes = new Uint8Array(size);
  await source.readInto(ino, 0, bytes);
  return bytes;
}

/** Names in the top directory. */
export function namesOf(source: Volume | RootView): Promise<string[]> {
  return source.query((files: FileReader) => files.readDirectory(top, undefined, 1000).map((entry) => entry.name));
}

/** As `toEqual` for megabytes, without comparing element by element. */
export function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  expect(found.length).toBe(expected.length);
  expect(Buffer.compare(found, expected)).toBe(0);
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
