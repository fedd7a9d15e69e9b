import { assert } from '../../src-main/base/index.ts';
import type { SeededRandom } from '../../src-main/base/index.ts';
import { MemoryDevice, sectorBytes } from '../../src-main/device/index.ts';
import type { SummedBytes } from './summed-bytes.ts';
import { SummedDevice } from './summed-device.ts';
import { TraceDevice } from './trace-device.ts';
import type { Trace, TracedDevice, TraceEvent } from './trace-device.ts';

/**
 * What the power took with it:
 * - `in-order`: everything begun before the crash is there, nothing after it.
 * - `torn`: as above, but the last write, or any since its device's last
 *   flush, holds only some of its sectors.
 * - `dropped`: any of the writes since the last flush are missing.
 * - `reordered`: the writes since the last flush went down in another order,
 *   and only some of them.
 */
export type CrashMode = 'in-order' | 'torn' | 'dropped' | 'reordered';

export const crashModes: readonly CrashMode[] = ['in-order', 'torn', 'dropped', 'reordered'];

export interface CrashOptions {
  mode: CrashMode;
  random: SeededRandom;
  /** States for each event, where the mode leaves a choice; 2 unless given. May depend on what was not flushed yet. */
  samplesPerEvent?: number | ((unflushed: Unflushed) => number);
  /** Events before this one bring no state; 0 unless given. */
  fromEvent?: number;
  /** One event in so many brings a state; every one unless given. */
  everyNth?: number;
  /** Marks bring no state of their own: the same bytes come with the event after them. */
  skipMarks?: boolean;
}

/** What a crash may take. */
export interface Unflushed {
  readonly changes: number;
  readonly sectors: number;
}

type Change = Extract<TraceEvent, { kind: 'write' | 'discard' }>;

/** What survives of one device. */
interface Survivor {
  readonly device: TracedDevice;
  readonly bytes: SummedBytes;
}

/**
 * The devices as a crash left them. A state is good until the next one is
 * asked for: it shares its bytes with its neighbours and costs only the pages
 * touched since the last flush.
 */
export class CrashState {
  readonly mode: CrashMode;
  /** The last event before the crash. */
  readonly eventIndex: number;
  /** Which state of that event, from 0. */
  readonly sample: number;
  /** What the test had marked before the crash, in order. */
  readonly marks: readonly unknown[];
  readonly #survivors: readonly Survivor[];
  readonly #isCurrent: () => boolean;

  constructor(
    where: { mode: CrashMode; eventIndex: number; sample: number; marks: readonly unknown[] },
    survivors: readonly Survivor[],
    isCurrent: () => boolean,
  ) {
    this.mode = where.mode;
    this.eventIndex = where.eventIndex;
    this.sample = where.sample;
    this.marks = where.marks;
    this.#survivors = survivors;
    this.#isCurrent = isCurrent;
  }

  /** For the message of a failed check. */
  get description(): string {
    return `${this.mode} crash after event ${this.eventIndex}, sample ${this.sample}`;
  }

  /** Stands for the bytes of all devices and for how much was marked: two states with one print are one. */
  get print(): string {
    return [this.marks.length, ...this.#survivors.flatMap(({ bytes }) => bytes.print())].join(' ');
  }

  /** Fresh devices with the surviving bytes; each call gives its own. */
  devices(): MemoryDevice[] {
    assert(this.#isCurrent(), 'a crash state is used before the next one is asked for');
    return this.#survivors.map(({ device, bytes }) => {
      return new MemoryDevice({ name: device.name, sizeBytes: device.sizeBytes, bytes: bytes.bytes.fork() });
    });
  }

  /** The same as devices that know what was read of them. */
  summedDevices(): SummedDevice[] {
    assert(this.#isCurrent(), 'a crash state is used before the next one is asked for');
    return this.#survivors.map(({ device, bytes }) => {
      return new SummedDevice({ name: device.name, sizeBytes: device.sizeBytes, bytes: bytes.fork() });
    });
  }

  /** The same as traced devices, so that the recovery can be crashed in its turn. */
  traceDevices(trace: Trace): TraceDevice[] {
    assert(this.#isCurrent(), 'a crash state is used before the next one is asked for');
    return this.#survivors.map(({ device, bytes }) => {
      return new TraceDevice(trace, { name: device.name, sizeBytes: device.sizeBytes, bytes: bytes.fork() });
    });
  }
}

/** All states that a crash after each event can leave, or a seeded sample of them where they are too many. */
export function* crashStates(trace: Trace, options: CrashOptions): Generator<CrashState, void, undefined> {
  const { mode, random } = options;
  const replay = new Replay(trace);
  let current = 0;
  for (let eventIndex = 0; eventIndex < trace.events.length; eventIndex++) {
    replay.apply(eventIndex);
    if (eventIndex < (options.fromEvent ?? 0) || eventIndex % (options.everyNth ?? 1) !== 0) continue;
    if (options.skipMarks === true && trace.events[eventIndex]!.kind === 'mark') continue;
    const hasChoice = mode !== 'in-order' && replay.hasUnflushed;
    const wanted = options.samplesPerEvent ?? 2;
    const samples = !hasChoice ? 1 : typeof wanted === 'number' ? wanted : wanted(replay.unflushed);
    for (let sample = 0; sample < samples; sample++) {
      const mine = ++current;
      const survivors = replay.survivors(mode, random, sample);
      const where = { mode, eventIndex, sample, marks: [...replay.marks] };
      yield new CrashState(where, survivors, () => mine === current);
    }
  }
}

/** Walks a trace, keeping for each device what is durable, what was written, and what lies between. */
class Replay {
  readonly marks: unknown[] = [];
  readonly #trace: Trace;
  readonly #written: SummedBytes[];
  readonly #durable: SummedBytes[];
  /** The changes since the last flush of any device, by event index, in order. */
  readonly #unflushed = new Map<number, Change>();

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#written = trace.devices.map((device) => device.initial.fork());
    this.#durable = trace.devices.map((device) => device.initial.fork());
  }

  get hasUnflushed(): boolean {
    return this.#unflushed.size > 0;
  }

  get unflushed(): Unflushed {
    let sectors = 0;
    for (const change of this.#unflushed.values()) sectors += sectorsOf(change);
    return { changes: this.#unflushed.size, sectors };
  }

  apply(eventIndex: number): void {
    const event = this.#trace.events[eventIndex]!;
    if (event.kind === 'mark') {
      this.marks.push(event.value);
    } else if (event.kind === 'flush') {
      for (const index of event.covers) {
        const change = this.#unflushed.get(index);
        // Of two flushes at once, both cover it.
        if (change === undefined) continue;
        applyChange(this.#durable[event.device]!, change);
        this.#unflushed.delete(index);
      }
    } else {
      applyChange(this.#written[event.device]!, event);
      this.#unflushed.set(eventIndex, event);
    }
  }

  survivors(mode: CrashMode, random: SeededRandom, sample: number): Survivor[] {
    const { devices } = this.#trace;
    if (mode === 'in-order') return devices.map((device, index) => ({ device, bytes: this.#written[index]!.fork() }));
    const bytes = devices.map((_, index) => this.#durable[index]!.fork());
    const changes = [...this.#unflushed.values()];
    if (mode === 'torn') tear(bytes, changes, random, sample);
    else for (const change of choose(changes, mode, random, sample)) applyChange(bytes[change.device]!, change);
    return devices.map((device, index) => ({ device, bytes: bytes[index]! }));
  }
}

function sectorsOf(change: Change): number {
  return (change.kind === 'write' ? change.bytes.length : change.lengthBytes) / sectorBytes;
}

function applyChange(bytes: SummedBytes, change: Change): void {
  if (change.kind === 'write') bytes.borrow(change.offsetBytes, change.bytes);
  else bytes.zero(change.offsetBytes, change.lengthBytes);
}

/** Sample 0 loses all, sample 1 all but the last; the others are as chance has it. */
function choose(changes: readonly Change[], mode: CrashMode, random: SeededRandom, sample: number): Change[] {
  if (mode === 'dropped' && sample === 0) return [];
  if (mode === 'dropped' && sample === 1) return changes.slice(-1);
  const keepChance = random.next();
  const kept = changes.filter(() => random.chance(keepChance));
  if (mode !== 'reordered') return kept;
  for (let index = kept.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [kept[index], kept[other]] = [kept[other]!, kept[index]!];
  }
  return kept;
}

/** Even samples cut the last write at a sector; odd ones lose sectors of any write since the flush. */
function tear(bytes: readonly SummedBytes[], changes: readonly Change[], random: SeededRandom, sample: number): void {
  changes.forEach((change, index) => {
    const target = bytes[change.device]!;
    const sectors = sectorsOf(change);
    if (sample % 2 === 1) {
      const keepChance = random.next();
      applySectors(target, change, sectors, () => random.chance(keepChance));
    } else if (index === changes.length - 1) {
      const cut = random.below(sectors + 1);
      applySectors(target, change, sectors, (sector) => sector < cut);
    } else {
      applyChange(target, change);
    }
  });
}

/** Applies the chosen sectors, neighbouring ones in one piece. */
function applySectors(
  bytes: SummedBytes,
  change: Change,
  sectors: number,
  isKept: (sector: number) => boolean,
): void {
  let from = 0;
  for (let sector = 0; sector <= sectors; sector++) {
    if (sector < sectors && isKept(sector)) continue;
    const lengthBytes = (sector - from) * sectorBytes;
    const offsetBytes = change.offsetBytes + from * sectorBytes;
    if (change.kind === 'discard') bytes.zero(offsetBytes, lengthBytes);
    else bytes.borrow(offsetBytes, change.bytes.subarray(from * sectorBytes, sector * sectorBytes));
    from = sector + 1;
  }
}
