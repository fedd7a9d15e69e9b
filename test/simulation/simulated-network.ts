import { MirrorpointError, type SeededRandom } from '../../src-main/base/index.ts';
import type { Link } from '../../src-main/transport/index.ts';
import type { Host } from './host.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** To the server that listens, or from it. */
export type Way = 'there' | 'back';

/** Bytes that a link holds before it takes no more. */
const windowBytes = 256 << 10;
const connectTimeoutMs = 5000;

export interface NetworkHabits {
  latencyMsMax: number;
  bytesPerMs: number;
  /** A chunk arrives in several pieces. */
  splitChance: number;
}

/** Fast, and without fault. */
export const calmNetwork: NetworkHabits = { latencyMsMax: 1, bytesPerMs: 100_000, splitChance: 0.1 };

/** Servers that listen, each under a name, those that come to them, and what is on its way between them. */
export class SimulatedNetwork {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  habits: NetworkHabits;
  readonly #links = new Set<SimulatedLink>();
  readonly #listeners = new Map<string, { host: Host; onLink: (link: Link) => void }>();
  /** Nothing moves before this time, and connections come to nothing. */
  stalledUntilMs = 0;
  /** Nothing moves one way before this time, as if it were on its way for so long; the other way is open. */
  split: { way: Way; untilMs: number } = { way: 'there', untilMs: 0 };
  chunks = 0;

  constructor(options: { clock: VirtualClock; random: SeededRandom; habits: NetworkHabits }) {
    this.clock = options.clock;
    this.random = options.random;
    this.habits = options.habits;
  }

  listen(address: string, host: Host, onLink: (link: Link) => void): void {
    this.#listeners.set(address, { host, onLink });
  }

  /** Until when nothing moves one way. */
  blockedUntilMs(way: Way): number {
    return Math.max(this.stalledUntilMs, this.split.way === way ? this.split.untilMs : 0);
  }

  async connect(from: Host, address: string): Promise<Link> {
    const nowMs = this.clock.monotonicMs();
    const isStalled = this.blockedUntilMs('there') > nowMs || this.blockedUntilMs('back') > nowMs;
    await from.sleep(isStalled ? connectTimeoutMs : 0.1 + this.random.next() * this.habits.latencyMsMax);
    if (isStalled) throw new MirrorpointError('link-timeout', 'The mirror did not answer in time. Check the line.');
    const listener = this.#listeners.get(address);
    if (listener?.host.isAlive !== true) throw new MirrorpointError('link-refused', 'Nobody listens at the mirror. Start it.');
    const [near, far] = this.#pair(from, listener.host);
    listener.onLink(far);
    return near;
  }

  /** Cuts every link at once; both ends hear of it. */
  cut(): void {
    for (const link of [...this.#links]) link.cut();
  }

  /** Called by a link that has ended. */
  forget(link: SimulatedLink): void {
    this.#links.delete(link);
  }

  #pair(from: Host, to: Host): [SimulatedLink, SimulatedLink] {
    const near = new SimulatedLink(this, { host: from, remote: to.name, way: 'there' });
    const far = new SimulatedLink(this, { host: to, remote: from.name, way: 'back' });
    near.peer = far;
    far.peer = near;
    for (const link of [near, far]) {
      this.#links.add(link);
      link.host.onKill(() => {
        link.hostDied();
      });
    }
    return [near, far];
  }
}

interface WaitingSend {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
}

interface WaitingReader {
  readonly resolve: (chunk: Uint8Array | undefined) => void;
  readonly reject: (fault: Error) => void;
}

/** One end of a simulated connection. */
class SimulatedLink implements Link {
  readonly host: Host;
  readonly remote: string;
  peer!: SimulatedLink;
  readonly #network: SimulatedNetwork;
  /** The way that what is sent here goes. */
  readonly #way: Way;
  readonly #sends: WaitingSend[] = [];
  readonly #arrived: (Uint8Array | 'end')[] = [];
  #arrivedBytes = 0;
  #underwayBytes = 0;
  #lastArrivalMs = 0;
  #reader: WaitingReader | undefined;
  #isPumping = false;
  #state: 'open' | 'closed' | 'cut' = 'open';

  constructor(network: SimulatedNetwork, end: { host: Host; remote: string; way: Way }) {
    this.#network = network;
    this.host = end.host;
    this.remote = `simulated://${end.remote}`;
    this.#way = end.way;
  }

  send(buffers: readonly Uint8Array[]): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#fault());
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    return new Promise((resolve, reject) => {
      this.#sends.push({ buffers, bytes, resolve, reject });
      this.#pump();
    });
  }

  receive(): Promise<Uint8Array | undefined> {
    const next = this.#arrived[0];
    if (next === 'end') return Promise.resolve(undefined);
    if (this.#state !== 'open') return Promise.reject(this.#fault());
    if (next !== undefined) {
      this.#arrived.shift();
      this.#arrivedBytes -= next.length;
      this.peer.#pump();
      return Promise.resolve(next);
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed';
      // What waits is sent before the end, as far as there is room for it.
      for (const send of this.#sends.splice(0)) this.#take(send);
      this.#deliver('end', 0);
      this.#drop();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  cut(): void {
    this.#cutHere();
    this.peer.#cutHere();
  }

  /** The process at this end is dead; the other end may hear of it, or be left waiting. */
  hostDied(): void {
    this.#cutHere();
    if (this.#network.random.chance(0.7)) this.peer.#cutHere();
  }

  #cutHere(): void {
    if (this.#state === 'cut') return;
    this.#state = 'cut';
    this.#arrived.length = 0;
    this.#drop();
  }

  #drop(): void {
    this.#network.forget(this);
    if (!this.host.isAlive) return;
    for (const send of this.#sends.splice(0)) send.reject(this.#fault());
    this.#reader?.reject(this.#fault());
    this.#reader = undefined;
  }

  /** Takes the next send when there is room, after the time that its bytes need. */
  #pump(): void {
    const send = this.#sends[0];
    if (send === undefined || this.#isPumping || this.#state !== 'open') return;
    if (this.#underwayBytes + this.peer.#arrivedBytes > windowBytes) return;
    this.#isPumping = true;
    const { clock, habits } = this.#network;
    const stallMs = Math.max(0, this.#network.blockedUntilMs(this.#way) - clock.monotonicMs());
    this.host.setTimer(stallMs + send.bytes / habits.bytesPerMs, () => {
      this.#isPumping = false;
      if (this.#state !== 'open') return;
      this.#sends.shift();
      this.#take(send);
      this.#pump();
    });
  }

  /** The bytes are copied only now: until here the sender must have left them alone. */
  #take(send: WaitingSend): void {
    const bytes = new Uint8Array(Buffer.concat(send.buffers));
    send.resolve();
    for (let start = 0; start < bytes.length; ) {
      const { random, habits } = this.#network;
      const length = random.chance(habits.splitChance) ? 1 + random.below(bytes.length - start) : bytes.length - start;
      this.#deliver(bytes.slice(start, start + length), length);
      start += length;
    }
  }

  #deliver(chunk: Uint8Array | 'end', bytes: number): void {
    const { clock, random, habits } = this.#network;
    const nowMs = clock.monotonicMs();
    const earliestMs = Math.max(nowMs, this.#network.blockedUntilMs(this.#way)) + 0.05 + random.next() * habits.latencyMsMax;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, earliestMs);
    this.#underwayBytes += bytes;
    this.#network.chunks++;
    const { peer } = this;
    clock.setTimer(this.#lastArrivalMs - nowMs, () => {
      this.#underwayBytes -= bytes;
      peer.#arrive(chunk);
      if (this.host.isAlive) this.#pump();
    });
  }

  #arrive(chunk: Uint8Array | 'end'): void {
    if (this.#state !== 'open' || !this.host.isAlive) return;
    const reader = this.#reader;
    this.#reader = undefined;
    if (chunk === 'end') {
      this.#arrived.push('end');
      reader?.resolve(undefined);
    } else if (reader === undefined) {
      this.#arrived.push(chunk);
      this.#arrivedBytes += chunk.length;
    } else {
      reader.resolve(chunk);
    }
  }

  #fault(): MirrorpointError {
    return new MirrorpointError('link-closed', `The link to ${this.remote} carries nothing any more. Open it again.`);
  }
}
