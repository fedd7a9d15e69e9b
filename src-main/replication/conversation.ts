import { type CancelTimer, type Clock, MirrorpointError } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import {
  type BlocksMessage,
  type FetchedMessage,
  type HeartbeatMessage,
  type HelloMessage,
  type Message,
  type PackedBlocksMessage,
  type Packing,
  type SoughtBlock,
  unpackBlocks,
  type WireSession,
  zstdPacking,
} from '../wire/index.ts';
import { HealExchange, type OwnBlocks } from './heal-exchange.ts';
import { PeerClock } from './peer-clock.ts';

export interface ConversationOptions {
  readonly link: Link;
  readonly session: WireSession;
  readonly clock: Clock;
  readonly heartbeatIntervalMs: number;
  /** A link on which nothing came for so long, although we listened, is dead. */
  readonly silenceMaxMs: number;
  /** What the other side may fetch, to heal its own. */
  readonly own: OwnBlocks;
  /** Undoes what the peer packs; zstd unless given. */
  readonly packing?: Packing | undefined;
  readonly heartbeat: () => Omit<HeartbeatMessage, 'type' | 'receivedBytes'>;
}

/**
 * One session over one link: pumps bytes into messages and back, keeps the
 * heartbeat, and ends exactly once, for one reason. Messages are heard one at a
 * time; while a hearer waits, nothing is read, and the peer is held back.
 */
export class Conversation {
  readonly #heal: HealExchange;
  readonly #link: Link;
  readonly #session: WireSession;
  readonly #options: ConversationOptions;
  readonly #peerClock = new PeerClock();
  #isOver = false;
  #fault: unknown;
  #listeningSinceMs: number | undefined;
  #heartbeatOnItsWay = false;
  #cancelTick: CancelTimer = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#link = options.link;
    this.#session = options.session;
    this.#heal = new HealExchange({ speaking: this, clock: options.clock, own: options.own });
  }

  /** Nothing more is said or heard. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get peer(): HelloMessage | undefined {
    return this.#session.peer;
  }

  /** What the peer has said of itself, whether or not a session came about. */
  get greeting(): HelloMessage | undefined {
    return this.#session.peer ?? this.#session.rival;
  }

  /** How far the peer's clock is ahead, once it has told its time. */
  get peerClock(): { clockAheadMs?: number } {
    const { aheadMs } = this.#peerClock;
    return aheadMs === undefined ? {} : { clockAheadMs: aheadMs };
  }

  get bytesSent(): number {
    return this.#session.sent.bytes;
  }

  get bytesReceived(): number {
    return this.#session.received.bytes;
  }

  /**
   * Greets, then hears messages until the end. Resolves to the operating fault
   * that ended it, or undefined when either side said bye; throws what is not an
   * operating fault. A fault of the hearer ends it, and is told to the peer.
   */
  async run(hear: (message: Message) => Promise<void> | void): Promise<MirrorpointError | undefined> {
    this.#arm();
    this.#transmit(this.#session.start());
    try {
      while (!this.#isOver) await this.#hearChunk(hear);
    } catch (fault) {
      this.fail(fault);
    } finally {
      this.#cancelTick();
      await this.#close();
    }
    if (this.#fault === undefined || this.#fault instanceof MirrorpointError) return this.#fault;
    throw this.#fault;
  }

  /** Says something; nothing happens when the conversation is over. */
  tell(message: Message): void {
    void this.send(message);
  }

  /** Resolves when the link has taken the message, or the conversation is over. What the message holds must not change until then. */
  async send(message: Message): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#link.send(this.#session.send(message));
    } catch (fault) {
      this.fail(fault);
    }
  }

  /** A block as the other side's devices have it; see HealExchange. */
  fetch(block: SoughtBlock): Promise<Uint8Array | undefined> {
    return this.#heal.fetch(block);
  }

  /** Says that the blocks of a message that was heard are not read any more, so that their memory is used again. */
  giveBack(message: BlocksMessage | FetchedMessage): void {
    this.#session.giveBack(message);
  }

  /** Ends the conversation because something is wrong here, and says so to the peer. */
  fail(fault: unknown): void {
    if (this.#isOver) return;
    this.#fault = fault;
    if (fault instanceof MirrorpointError && fault.code !== 'link-closed' && !this.#session.ended) {
      this.#transmit(this.#session.send({ type: 'fault', code: fault.code, message: fault.message, final: true }));
    }
    this.#end();
  }

  /** Ends the conversation in order. */
  bye(): void {
    if (this.#isOver) return;
    if (!this.#session.ended) this.#transmit(this.#session.send({ type: 'bye' }));
    this.#end();
  }

  async #hearChunk(hear: (message: Message) => Promise<void> | void): Promise<void> {
    this.#listeningSinceMs = this.#options.clock.monotonicMs();
    let chunk: Uint8Array | undefined;
    try {
      chunk = await this.#link.receive();
    } catch (fault) {
      if (this.#isOver) return;
      throw fault;
    } finally {
      this.#listeningSinceMs = undefined;
    }
    if (this.#isOver) return;
    if (chunk === undefined) {
      throw new MirrorpointError('link-closed', `The server at ${this.#link.remote} ended the link without a word; it may have stopped.`);
    }
    for (const message of this.#session.receive(chunk)) {
      if (this.#hasEnded) return;
      if (message.type === 'heartbeat') {
        const { clock } = this.#options;
        this.#peerClock.note(message.sentWallMs, { wallMs: clock.wallMs(), nowMs: clock.monotonicMs() });
      }
      if (message.type === 'bye') this.#end();
      else if (message.type === 'fetch' || message.type === 'fetched') this.#heal.hear(message);
      else if (message.type === 'fault' && message.final) {
        this.#fault = new MirrorpointError(message.code, message.message);
        this.#end();
      } else await hear(message.type === 'packed-blocks' ? await this.#unpack(message) : message);
    }
  }

  async #unpack(message: PackedBlocksMessage): Promise<BlocksMessage> {
    const { packing = zstdPacking } = this.#options;
    const blocks = await unpackBlocks(message, { packing, blockSizeBytes: this.#session.blockSizeBytes });
    this.#session.giveBack(message);
    return blocks;
  }

  /** As `isOver`, for use between waits, across which it changes. */
  get #hasEnded(): boolean {
    return this.#isOver;
  }

  #arm(): void {
    this.#cancelTick = this.#options.clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      if (this.#isOver) return;
      this.#arm();
      this.#tick();
    });
  }

  #tick(): void {
    const { clock, silenceMaxMs, heartbeat } = this.#options;
    if (this.#listeningSinceMs !== undefined && clock.monotonicMs() - this.#listeningSinceMs > silenceMaxMs) {
      const text = `Nothing came from ${this.#link.remote} for ${silenceMaxMs / 1000} s. Its server may have stopped, or the line is cut.`;
      this.fail(new MirrorpointError('link-timeout', text));
      return;
    }
    if (this.#session.peer === undefined || this.#heartbeatOnItsWay) return;
    this.#heartbeatOnItsWay = true;
    void this.send({ type: 'heartbeat', ...heartbeat(), receivedBytes: this.bytesReceived }).then(() => {
      this.#heartbeatOnItsWay = false;
    });
  }

  #transmit(buffers: Uint8Array[]): void {
    this.#link.send(buffers).catch((fault: unknown) => {
      this.fail(fault);
    });
  }

  #end(): void {
    this.#isOver = true;
    void this.#close();
  }

  #close(): Promise<void> {
    this.#isOver = true;
    this.#heal.end();
    this.#closing ??= this.#link.close();
    return this.#closing;
  }
}
