import { assert, type SeededRandom } from '../../src-main/base/index.ts';
import {
  assertRange,
  type Device,
  deviceFault,
  MemoryDevice,
  OperationGate,
  sectorBytes,
  SparseBytes,
  totalBytes,
} from '../../src-main/device/index.ts';
import type { Host } from './host.ts';

type DeviceOperation = Parameters<typeof deviceFault>[0]['operation'];

/** How a disk behaves. Chances are for each operation. */
export interface DiskHabits {
  latencyMsMax: number;
  /** An operation now and then takes so much longer. */
  slowChance: number;
  slowMs: number;
  readErrorChance: number;
  writeErrorChance: number;
  flushErrorChance: number;
  /** A write to a place that may be harmed is lost, goes astray or gets a wrong bit, and nobody is told. */
  silentFaultChance: number;
}

/** Fast, and without fault. */
export const calmDisk: DiskHabits = {
  latencyMsMax: 0.5,
  slowChance: 0,
  slowMs: 0,
  readErrorChance: 0,
  writeErrorChance: 0,
  flushErrorChance: 0,
  silentFaultChance: 0,
};

interface Unflushed {
  readonly offsetBytes: number;
  /** What was written; undefined for a discard. */
  readonly bytes: Uint8Array | undefined;
  readonly lengthBytes: number;
  hasEnded: boolean;
}

/** An old state of a disk. */
export interface DiskImage {
  readonly bytes: SparseBytes;
}

const blockBytes = 4096;

/** What a disk has suffered and done. */
export interface DiskCounts {
  reads: number;
  writes: number;
  flushes: number;
  errors: number;
  lostWrites: number;
  tornWrites: number;
  silentWrites: number;
}

/**
 * A disk with a volatile cache. It outlives the processes that use it: what a
 * killed process had not flushed is there, gone, torn or overtaken, as chance
 * has it.
 */
export class SimulatedDisk {
  readonly name: string;
  readonly sizeBytes: number;
  readonly counts: DiskCounts = { reads: 0, writes: 0, flushes: 0, errors: 0, lostWrites: 0, tornWrites: 0, silentWrites: 0 };
  habits: DiskHabits;
  /** Hears where each write begins. */
  onWrite: (offsetBytes: number) => void = () => undefined;
  /** Where silent faults may do harm: from this offset on. */
  harmFromBytes = Infinity;
  /** No write is taken before this time, for want of room. */
  fullUntilMs = 0;
  readonly #random: SeededRandom;
  #durable = new SparseBytes();
  #cached = this.#durable.fork();
  #unflushed: Unflushed[] = [];
  #operationsToKill = Infinity;
  #onCountdown: () => void = () => undefined;

  constructor(options: { name: string; sizeBytes: number; random: SeededRandom; habits: DiskHabits }) {
    this.name = options.name;
    this.sizeBytes = options.sizeBytes;
    this.#random = options.random;
    this.habits = options.habits;
  }

  /** The disk as a process opens it. */
  open(host: Host): Device {
    return new OpenedDisk(this, host);
  }

  /**
   * A copy for looking at: what a crash now would leave, by chance or at worst
   * (`durable`), or everything (`calm`). Good as long as nobody uses the disk.
   */
  copy(how: SeededRandom | 'calm' | 'durable'): MemoryDevice {
    const bytes = how === 'calm' ? this.#cached.fork() : this.#durable.fork();
    if (typeof how === 'object') this.#lose(bytes, how, false);
    return new MemoryDevice({ name: this.name, sizeBytes: this.sizeBytes, bytes });
  }

  /** What is on the disk now, as an image that stays as it is. */
  image(): DiskImage {
    return { bytes: this.#cached.copy() };
  }

  /** The disk is gone, and in its place is another one: with an old image on it, or empty. */
  replace(image?: DiskImage): void {
    this.#durable = image?.bytes.fork() ?? new SparseBytes();
    this.#cached = this.#durable.fork();
    this.#unflushed = [];
  }

  /** Everything that was written is durable. */
  get isFlushed(): boolean {
    return this.#unflushed.length === 0;
  }

  /** A bit turns over by itself. */
  rot(offsetBytes: number, bit: number): void {
    const byte = new Uint8Array(1);
    this.#cached.read(offsetBytes + (bit >> 3), byte);
    byte[0]! ^= 1 << (bit & 7);
    for (const bytes of [this.#durable, this.#cached]) bytes.write(offsetBytes + (bit >> 3), byte);
  }

  /** The process that used it is gone, and the power with it. */
  crash(): void {
    this.#lose(this.#durable, this.#random, true);
    this.#cached = this.#durable.fork();
    this.#unflushed = [];
    this.#operationsToKill = Infinity;
  }

  /** Calls back at the start of the Nth operation from now, which is then not done. */
  countDown(operations: number, act: () => void): void {
    this.#operationsToKill = operations;
    this.#onCountdown = act;
  }

  /** For OpenedDisk: an operation begins. */
  count(): void {
    if (--this.#operationsToKill >= 0) return;
    this.#operationsToKill = Infinity;
    this.#onCountdown();
  }

  /** How long an operation takes. */
  latencyMs(): number {
    const { latencyMsMax, slowChance, slowMs } = this.habits;
    return 0.02 + this.#random.next() * latencyMsMax + (this.#random.chance(slowChance) ? slowMs : 0);
  }

  /** The fault with which an operation will end, if any, and whether it is done all the same. */
  misfortune(operation: DeviceOperation, nowMs: number): { fault: Error; isDone: boolean } | undefined {
    if (operation === 'write' && nowMs < this.fullUntilMs) {
      this.counts.errors++;
      const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return { fault: deviceFault({ name: this.name, operation, offsetBytes: 0, cause }), isDone: false };
    }
    if (!this.#random.chance(this.#errorChance(operation))) return undefined;
    this.counts.errors++;
    const cause = Object.assign(new Error(`EIO: i/o error, ${operation}`), { code: 'EIO' });
    return { fault: deviceFault({ name: this.name, operation, offsetBytes: 0, cause }), isDone: this.#random.chance(0.5) };
  }

  read(offsetBytes: number, target: Uint8Array): void {
    this.#cached.read(offsetBytes, target);
  }

  /** Puts a change into the cache. */
  begin(change: { offsetBytes: number; bytes?: Uint8Array; lengthBytes: number }): Unflushed {
    const entry = { ...change, bytes: change.bytes, hasEnded: false };
    if (entry.bytes !== undefined) this.onWrite(entry.offsetBytes);
    if (entry.bytes !== undefined && this.habits.silentFaultChance > 0 && !this.#spoil(entry, entry.bytes)) return entry;
    apply(this.#cached, entry);
    this.#unflushed.push(entry);
    return entry;
  }

  /** Does silent harm to a write by chance; false when nothing of it is to be done. */
  #spoil(entry: { offsetBytes: number; bytes: Uint8Array | undefined; lengthBytes: number }, bytes: Uint8Array): boolean {
    const { sizeBytes, harmFromBytes } = this;
    if (entry.offsetBytes < harmFromBytes || !this.#random.chance(this.habits.silentFaultChance)) return true;
    this.counts.silentWrites++;
    const how = this.#random.pick(['lost', 'astray', 'bit'] as const);
    if (how === 'astray') {
      const places = Math.floor((sizeBytes - harmFromBytes - entry.lengthBytes) / blockBytes);
      entry.offsetBytes = harmFromBytes + this.#random.below(places) * blockBytes;
    } else if (how === 'bit') {
      entry.bytes = bytes.slice();
      entry.bytes[this.#random.below(bytes.length)]! ^= 1 << this.#random.below(8);
    }
    return how !== 'lost';
  }

  /** What a flush that begins now will make durable. */
  flushable(): ReadonlySet<Unflushed> {
    return new Set(this.#unflushed.filter(({ hasEnded }) => hasEnded));
  }

  flushed(covered: ReadonlySet<Unflushed>): void {
    for (const entry of this.#unflushed) if (covered.has(entry)) apply(this.#durable, entry);
    this.#unflushed = this.#unflushed.filter((entry) => !covered.has(entry));
  }

  #errorChance(operation: DeviceOperation): number {
    if (operation === 'read') return this.habits.readErrorChance;
    return operation === 'flush' ? this.habits.flushErrorChance : this.habits.writeErrorChance;
  }

  /** Carries some of what was not flushed over, in some order, some of it torn. */
  #lose(into: SparseBytes, random: SeededRandom, isCounted: boolean): void {
    const keepChance = random.pick([0, 0.3, 0.7, 1]);
    const tearChance = random.pick([0, 0.2]);
    const kept = this.#unflushed.filter(() => random.chance(keepChance));
    if (isCounted) this.counts.lostWrites += this.#unflushed.length - kept.length;
    if (random.chance(0.5)) shuffle(kept, random);
    for (const entry of kept) {
      if (entry.bytes === undefined || !random.chance(tearChance)) apply(into, entry);
      else {
        if (isCounted) this.counts.tornWrites++;
        for (let at = 0; at < entry.lengthBytes; at += sectorBytes) {
          if (random.chance(0.5)) into.write(entry.offsetBytes + at, entry.bytes.subarray(at, at + sectorBytes));
        }
      }
    }
  }
}

function apply(to: SparseBytes, entry: Unflushed): void {
  if (entry.bytes === undefined) to.zero(entry.offsetBytes, entry.lengthBytes);
  // The bytes are the disk's own, and never change again.
  else to.borrow(entry.offsetBytes, entry.bytes);
}

function shuffle(items: unknown[], random: SeededRandom): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [items[index], items[other]] = [items[other], items[index]];
  }
}

/** A process's handle on a disk. */
class OpenedDisk implements Device {
  readonly #disk: SimulatedDisk;
  readonly #host: Host;
  readonly #gate = new OperationGate();
  /** A flush that failed may have lost anything: every later one fails too. */
  #flushFault: { fault: unknown } | undefined;

  constructor(disk: SimulatedDisk, host: Host) {
    this.#disk = disk;
    this.#host = host;
  }

  get name(): string {
    return this.#disk.name;
  }

  get sizeBytes(): number {
    return this.#disk.sizeBytes;
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run('read', { offsetBytes, lengthBytes: totalBytes(buffers) }, () => () => {
      this.#disk.counts.reads++;
      let at = offsetBytes;
      for (const buffer of buffers) {
        this.#disk.read(at, buffer);
        at += buffer.length;
      }
    });
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const bytes = joined(buffers);
    const change = { offsetBytes, bytes, lengthBytes: bytes.length };
    return this.#run('write', change, () => {
      const entry = this.#disk.begin(change);
      return () => {
        this.#disk.counts.writes++;
        assert(isJoined(bytes, buffers), 'buffers stay as they are until they are written');
        entry.hasEnded = true;
      };
    });
  }

  async flush(): Promise<void> {
    if (this.#flushFault !== undefined) throw this.#flushFault.fault;
    try {
      await this.#run('flush', { offsetBytes: 0, lengthBytes: 0 }, () => {
        const covered = this.#disk.flushable();
        return () => {
          this.#disk.counts.flushes++;
          this.#disk.flushed(covered);
        };
      });
    } catch (fault) {
      this.#flushFault = { fault };
      throw fault;
    }
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#run('discard', { offsetBytes, lengthBytes }, () => {
      const entry = this.#disk.begin({ offsetBytes, lengthBytes });
      return () => {
        entry.hasEnded = true;
      };
    });
  }

  close(): Promise<void> {
    return this.#gate.close(() => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `begin` runs at once and gives what happens at the end. A dead process does nothing and hears nothing. */
  async #run(
    operation: DeviceOperation,
    range: { offsetBytes: number; lengthBytes: number },
    begin: () => () => void,
  ): Promise<void> {
    this.#gate.enter(this.name);
    try {
      assertRange(this, range.offsetBytes, range.lengthBytes);
      if (this.#host.isAlive) this.#disk.count();
      if (!this.#host.isAlive) await forEver();
      const misfortune = this.#disk.misfortune(operation, this.#host.monotonicMs());
      const end = misfortune?.isDone === false ? undefined : begin();
      await this.#host.sleep(this.#disk.latencyMs());
      if (operation !== 'flush' || misfortune === undefined) end?.();
      if (misfortune !== undefined) throw misfortune.fault;
    } finally {
      this.#gate.leave();
    }
  }
}

function joined(buffers: readonly Uint8Array[]): Uint8Array {
  if (buffers.length === 1) return new Uint8Array(buffers[0]!);
  const bytes = new Uint8Array(totalBytes(buffers));
  let at = 0;
  for (const buffer of buffers) {
    bytes.set(buffer, at);
    at += buffer.length;
  }
  return bytes;
}

function isJoined(bytes: Uint8Array, buffers: readonly Uint8Array[]): boolean {
  let at = 0;
  for (const buffer of buffers) {
    if (Buffer.compare(bytes.subarray(at, at + buffer.length), buffer) !== 0) return false;
    at += buffer.length;
  }
  return true;
}

function forEver(): Promise<never> {
  return new Promise(() => undefined);
}
