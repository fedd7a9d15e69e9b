import { assert } from '../../src-main/base/index.ts';
import type { SeededRandom } from '../../src-main/base/index.ts';
import { deviceFault, sectorBytes, sliceBuffers, totalBytes } from '../../src-main/device/index.ts';
import type { Device } from '../../src-main/device/index.ts';

export type FaultableOperation = 'read' | 'write' | 'flush';

/** The Nth operation of a kind fails, loudly. */
export interface PlannedFault {
  operation: FaultableOperation;
  /** 1 is the first operation after the fault was planned. */
  nth: number;
  error: 'EIO' | 'ENOSPC';
  repeat: 'once' | 'for-ever';
  /** For a write: how many of its bytes reach the device before it fails, rounded down to sectors; none unless given. */
  shortBytes?: number;
}

/** What goes wrong silently, or by chance. Each is a probability from 0 to 1 for each operation. */
export interface FaultChances {
  readError?: number;
  writeError?: number;
  /** A write goes to another place of the device. */
  misdirectedWrite?: number;
  /** A write is acknowledged and never done. */
  lostWrite?: number;
  /** A write is acknowledged and done only some writes later: reads in between give what was there before. */
  staleWrite?: number;
  /** One bit of a write is stored wrongly. */
  bitRotWrite?: number;
}

export interface FaultyDeviceOptions {
  /** Needed for faults by chance. */
  random?: SeededRandom;
  chances?: FaultChances;
  /** Which ranges may suffer from chance; all unless given. A misdirected write stays inside them too. */
  mayHarm?: (offsetBytes: number, lengthBytes: number) => boolean;
}

/** What was done to the device, for a test to compare with what was detected. */
export interface InjectedFault {
  readonly kind: 'error' | 'misdirected' | 'lost' | 'stale' | 'bit-rot';
  readonly operation: FaultableOperation;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

interface LateWrite {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
  writesToWait: number;
}

const misdirectAttemptsMax = 100;
const staleWritesMax = 8;

/** Wraps a device and lets its operations fail as planned or by seeded chance. */
export class FaultyDevice implements Device {
  readonly injected: InjectedFault[] = [];
  /** May be changed at any time. */
  chances: FaultChances;
  readonly counts: Record<FaultableOperation, number> = { read: 0, write: 0, flush: 0 };
  readonly #device: Device;
  readonly #random: SeededRandom | undefined;
  readonly #mayHarm: (offsetBytes: number, lengthBytes: number) => boolean;
  #planned: { fault: PlannedFault; at: number }[] = [];
  #late: LateWrite[] = [];

  constructor(device: Device, options: FaultyDeviceOptions = {}) {
    this.#device = device;
    this.#random = options.random;
    this.#mayHarm = options.mayHarm ?? (() => true);
    this.chances = options.chances ?? {};
  }

  get name(): string {
    return this.#device.name;
  }

  get sizeBytes(): number {
    return this.#device.sizeBytes;
  }

  /** Lets the Nth operation from now on fail. */
  plan(fault: PlannedFault): void {
    this.#planned.push({ fault, at: this.counts[fault.operation] + fault.nth });
  }

  /** Ends every fault: planned ones are forgotten, chances are nought, late writes are done. */
  async heal(): Promise<void> {
    this.#planned = [];
    this.chances = {};
    await this.#doLate(() => true);
  }

  async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = totalBytes(buffers);
    const planned = this.#count('read');
    if (planned) throw this.#error({ operation: 'read', offsetBytes, lengthBytes }, planned.error);
    if (this.#happens('readError', offsetBytes, lengthBytes)) {
      throw this.#error({ operation: 'read', offsetBytes, lengthBytes }, 'EIO');
    }
    await this.#device.read(offsetBytes, buffers);
  }

  async write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = totalBytes(buffers);
    const where = { operation: 'write', offsetBytes, lengthBytes } as const;
    const planned = this.#count('write');
    if (planned) {
      const short = Math.min(lengthBytes, Math.floor((planned.shortBytes ?? 0) / sectorBytes) * sectorBytes);
      if (short > 0) await this.#device.write(offsetBytes, sliceBuffers(buffers, 0, short));
      throw this.#error(where, planned.error);
    }
    if (this.#happens('writeError', offsetBytes, lengthBytes)) throw this.#error(where, 'EIO');
    // A newer write to the same place must not be undone by a late one.
    this.#late = this.#late.filter((late) => !overlaps(late, offsetBytes, lengthBytes));
    await this.#writeByChance(offsetBytes, lengthBytes, buffers);
    for (const late of this.#late) late.writesToWait--;
    await this.#doLate((late) => late.writesToWait <= 0);
  }

  async flush(): Promise<void> {
    const planned = this.#count('flush');
    if (planned) throw this.#error({ operation: 'flush', offsetBytes: 0, lengthBytes: 0 }, planned.error);
    await this.#device.flush();
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#device.discard(offsetBytes, lengthBytes);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #writeByChance(offsetBytes: number, lengthBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const where = { operation: 'write', offsetBytes, lengthBytes } as const;
    if (this.#happens('lostWrite', offsetBytes, lengthBytes)) {
      this.injected.push({ kind: 'lost', ...where });
    } else if (this.#happens('misdirectedWrite', offsetBytes, lengthBytes)) {
      const elsewhere = this.#elsewhere(offsetBytes, lengthBytes);
      if (elsewhere !== offsetBytes) this.injected.push({ kind: 'misdirected', ...where });
      await this.#device.write(elsewhere, buffers);
    } else if (this.#happens('staleWrite', offsetBytes, lengthBytes)) {
      this.injected.push({ kind: 'stale', ...where });
      const writesToWait = 1 + this.#random!.below(staleWritesMax);
      this.#late.push({ offsetBytes, bytes: new Uint8Array(Buffer.concat(buffers)), writesToWait });
    } else if (this.#happens('bitRotWrite', offsetBytes, lengthBytes)) {
      this.injected.push({ kind: 'bit-rot', ...where });
      const bytes = new Uint8Array(Buffer.concat(buffers));
      bytes[this.#random!.below(lengthBytes)]! ^= 1 << this.#random!.below(8);
      await this.#device.write(offsetBytes, [bytes]);
    } else {
      await this.#device.write(offsetBytes, buffers);
    }
  }

  /** Another place for a write that loses its way, aligned like the one it was meant for. */
  #elsewhere(offsetBytes: number, lengthBytes: number): number {
    const alignBytes = offsetBytes % 4096 === 0 ? 4096 : sectorBytes;
    const places = Math.floor((this.sizeBytes - lengthBytes) / alignBytes) + 1;
    for (let attempt = 0; attempt < misdirectAttemptsMax; attempt++) {
      const elsewhere = this.#random!.below(places) * alignBytes;
      if (elsewhere !== offsetBytes && this.#mayHarm(elsewhere, lengthBytes)) return elsewhere;
    }
    return offsetBytes;
  }

  #happens(kind: keyof FaultChances, offsetBytes: number, lengthBytes: number): boolean {
    const chance = this.chances[kind] ?? 0;
    if (chance === 0 || lengthBytes === 0 || !this.#mayHarm(offsetBytes, lengthBytes)) return false;
    assert(this.#random, 'faults by chance need a seeded random source');
    return this.#random.chance(chance);
  }

  #count(operation: FaultableOperation): PlannedFault | undefined {
    const count = ++this.counts[operation];
    const hit = this.#planned.find(({ fault, at }) => {
      return fault.operation === operation && (fault.repeat === 'once' ? count === at : count >= at);
    });
    return hit?.fault;
  }

  #error(where: Omit<InjectedFault, 'kind'>, code: 'EIO' | 'ENOSPC'): Error {
    this.injected.push({ kind: 'error', ...where });
    const text = code === 'EIO' ? 'i/o error' : 'no space left on device';
    const cause = Object.assign(new Error(`${code}: ${text}, ${where.operation}`), { code });
    return deviceFault({ name: this.name, operation: where.operation, offsetBytes: where.offsetBytes, cause });
  }

  async #doLate(isDue: (late: LateWrite) => boolean): Promise<void> {
    const due = this.#late.filter(isDue);
    this.#late = this.#late.filter((late) => !isDue(late));
    for (const late of due) await this.#device.write(late.offsetBytes, [late.bytes]);
  }
}

function overlaps(late: LateWrite, offsetBytes: number, lengthBytes: number): boolean {
  return late.offsetBytes < offsetBytes + lengthBytes && offsetBytes < late.offsetBytes + late.bytes.length;
}
