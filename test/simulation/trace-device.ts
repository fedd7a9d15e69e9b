import { assertRange, OperationGate, type SparseBytes, totalBytes } from '../../src-main/device/index.ts';
import type { Device } from '../../src-main/device/index.ts';
import { SummedBytes } from './summed-bytes.ts';

/** What happened to the devices of a trace, in order. */
export type TraceEvent =
  | { readonly kind: 'write'; readonly device: number; readonly offsetBytes: number; readonly bytes: Uint8Array }
  | { readonly kind: 'discard'; readonly device: number; readonly offsetBytes: number; readonly lengthBytes: number }
  /** `covers` holds the indices of the events that this flush made durable. */
  | { readonly kind: 'flush'; readonly device: number; readonly covers: readonly number[] }
  /** Put there by the test: something was acknowledged, say. */
  | { readonly kind: 'mark'; readonly value: unknown };

/** A device as the trace found it. */
export interface TracedDevice {
  readonly name: string;
  readonly sizeBytes: number;
  /** The bytes before the first event. They never change. */
  readonly initial: SummedBytes;
}

/** One record of what happened on several devices, in the order in which it began. */
export class Trace {
  readonly events: TraceEvent[] = [];
  readonly devices: TracedDevice[] = [];
  readonly #unflushed: Set<number>[] = [];
  readonly #listeners: ((event: TraceEvent, index: number) => void)[] = [];

  /** Records something that the test wants to find again in the crash states that come after it. */
  mark(value: unknown): void {
    this.#push({ kind: 'mark', value });
  }

  /** Calls back after each event, for a test that stops a program at the Nth one. */
  onEvent(listener: (event: TraceEvent, index: number) => void): void {
    this.#listeners.push(listener);
  }

  /** For TraceDevice alone. */
  register(device: TracedDevice): number {
    this.#unflushed.push(new Set());
    return this.devices.push(device) - 1;
  }

  /** For TraceDevice alone: gives the event's index. */
  began(event: Extract<TraceEvent, { kind: 'write' | 'discard' }>): number {
    return this.#push(event);
  }

  /** For TraceDevice alone: from now on a flush that begins covers the event. */
  ended(device: number, eventIndex: number): void {
    this.#unflushed[device]!.add(eventIndex);
  }

  /** For TraceDevice alone: what a flush that begins now will make durable. */
  flushable(device: number): readonly number[] {
    return [...this.#unflushed[device]!];
  }

  /** For TraceDevice alone. */
  flushed(device: number, covers: readonly number[]): void {
    for (const index of covers) this.#unflushed[device]!.delete(index);
    this.#push({ kind: 'flush', device, covers });
  }

  #push(event: TraceEvent): number {
    const index = this.events.push(event) - 1;
    for (const listener of this.#listeners) listener(event, index);
    return index;
  }
}

export interface TraceDeviceOptions {
  name?: string;
  sizeBytes: number;
  /** What the device holds at first, which must not change any more; empty unless given. */
  bytes?: SparseBytes | SummedBytes;
}

/** A device in memory that records every write, discard and flush in a trace. */
export class TraceDevice implements Device {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #trace: Trace;
  readonly #index: number;
  readonly #bytes: SparseBytes;
  readonly #gate = new OperationGate();

  constructor(trace: Trace, options: TraceDeviceOptions) {
    const initial = options.bytes instanceof SummedBytes ? options.bytes : new SummedBytes(options.bytes);
    this.#trace = trace;
    this.name = options.name ?? `traced ${trace.devices.length}`;
    this.sizeBytes = options.sizeBytes;
    this.#bytes = initial.bytes.fork();
    this.#index = trace.register({ name: this.name, sizeBytes: this.sizeBytes, initial });
  }

  read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(offsetBytes, totalBytes(buffers), async () => {
      await Promise.resolve();
      let at = offsetBytes;
      for (const buffer of buffers) {
        this.#bytes.read(at, buffer);
        at += buffer.length;
      }
    });
  }

  write(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    const lengthBytes = totalBytes(buffers);
    return this.#run(offsetBytes, lengthBytes, async () => {
      if (lengthBytes === 0) return;
      const bytes = new Uint8Array(lengthBytes);
      let at = 0;
      for (const buffer of buffers) {
        bytes.set(buffer, at);
        at += buffer.length;
      }
      this.#bytes.borrow(offsetBytes, bytes);
      const event = this.#trace.began({ kind: 'write', device: this.#index, offsetBytes, bytes });
      await Promise.resolve();
      this.#trace.ended(this.#index, event);
    });
  }

  flush(): Promise<void> {
    return this.#run(0, 0, async () => {
      const covers = this.#trace.flushable(this.#index);
      await Promise.resolve();
      this.#trace.flushed(this.#index, covers);
    });
  }

  discard(offsetBytes: number, lengthBytes: number): Promise<void> {
    return this.#run(offsetBytes, lengthBytes, async () => {
      if (lengthBytes === 0) return;
      this.#bytes.zero(offsetBytes, lengthBytes);
      const event = this.#trace.began({ kind: 'discard', device: this.#index, offsetBytes, lengthBytes });
      await Promise.resolve();
      this.#trace.ended(this.#index, event);
    });
  }

  close(): Promise<void> {
    return this.#gate.close(() => Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(offsetBytes: number, lengthBytes: number, task: () => Promise<void>): Promise<void> {
    this.#gate.enter(this.name);
    try {
      assertRange(this, offsetBytes, lengthBytes);
      await task();
    } finally {
      this.#gate.leave();
    }
  }
}
