import { assert, MirrorpointError } from '../base/index.ts';
import { FetchLedger } from './fetch-ledger.ts';
import { FrameReader } from './frame.ts';
import type { Frame } from './frame.ts';
import { blockDataBytesMax, frameBytesMax, handshakeFrameBytesMax, protocolVersionMax, protocolVersionMin } from './limits.ts';
import { decodeMessage, encodeMessage, helloVersions } from './message-codec.ts';
import type {
  BlocksMessage,
  FetchedMessage,
  FetchMessage,
  HandedOverMessage,
  HelloMessage,
  Message,
  MessageType,
  PackedBlocksMessage,
  Role,
} from './message.ts';
import { rangesOf } from './patch.ts';
import { blocksIn } from './runs.ts';
import { WantLedger } from './want-ledger.ts';

/** What each role may say once the handshake is over. */
const allowedTypes: Readonly<Record<Role, ReadonlySet<MessageType>>> = {
  primary: new Set<MessageType>(['begin', 'blocks', 'packed-blocks', 'changes', 'root', 'gone', 'hand-over', 'fetch', 'fetched', 'heartbeat', 'fault', 'bye']),
  mirror: new Set<MessageType>(['state', 'want', 'committed', 'views', 'handed-over', 'fetch', 'fetched', 'heartbeat', 'fault', 'bye']),
};

const alwaysAllowed: ReadonlySet<MessageType> = new Set<MessageType>(['heartbeat', 'fault', 'bye']);

export interface WireSessionOptions {
  readonly role: Role;
  /** What this side's hello says besides its versions and role. */
  readonly hello: Omit<HelloMessage, 'type' | 'role' | 'protocolMin' | 'protocolMax'>;
  /** The versions offered; those of this build unless given. */
  readonly versions?: { readonly min: number; readonly max: number };
}

/** What went through a session, each way. */
export interface Traffic {
  readonly bytes: number;
  readonly messages: number;
}

/** One side's half of the conversation: what it has said so far decides what it may say next. */
class Speaker {
  readonly role: Role;
  readonly fetches = new FetchLedger();
  ended = false;
  stateTold = false;
  /** The epoch in which the other side is to be the primary, while that is unanswered. */
  handingOverEpoch = 0;
  liveCp = 0;
  bytes = 0;
  messages = 0;

  constructor(role: Role) {
    this.role = role;
  }
}

/**
 * One session between a primary and a mirror as a state machine: bytes in,
 * messages out, and back. It holds the order of messages as PROTOCOL.md says;
 * the same rules check what this side sends (a broken one is a programmer's
 * fault) and what the peer sends (an operating fault). A session lives as long
 * as its link and is never used again.
 */
export class WireSession {
  readonly role: Role;
  readonly #hello: HelloMessage;
  readonly #reader = new FrameReader({ limitBytes: handshakeFrameBytesMax });
  readonly #wants = new WantLedger();
  readonly #own: Speaker;
  readonly #other: Speaker;
  #started = false;
  #peer: HelloMessage | undefined;
  #rival: HelloMessage | undefined;
  #version: number | undefined;
  #fault: unknown;

  constructor(options: WireSessionOptions) {
    const { min, max } = options.versions ?? { min: protocolVersionMin, max: protocolVersionMax };
    this.role = options.role;
    this.#own = new Speaker(options.role);
    this.#other = new Speaker(options.role === 'primary' ? 'mirror' : 'primary');
    this.#hello = { ...options.hello, type: 'hello', role: options.role, protocolMin: min, protocolMax: max };
  }

  /** The peer's hello, once it has been accepted: the handshake is over then. */
  get peer(): HelloMessage | undefined {
    return this.#peer;
  }

  /** The hello of a peer that claims this side's own role, which has ended the session. */
  get rival(): HelloMessage | undefined {
    return this.#rival;
  }

  /** The version both sides speak, once the handshake is over. */
  get version(): number | undefined {
    return this.#version;
  }

  /** Whether the peer has said bye, or a final fault: it says nothing more. */
  get peerEnded(): boolean {
    return this.#other.ended;
  }

  /** Whether this side has said bye, or a final fault: it may say nothing more. */
  get ended(): boolean {
    return this.#own.ended;
  }

  get sent(): Traffic {
    return { bytes: this.#own.bytes, messages: this.#own.messages };
  }

  get received(): Traffic {
    return { bytes: this.#other.bytes, messages: this.#other.messages };
  }

  /** Wants that are not answered in full. */
  get wantsOutstanding(): number {
    return this.#wants.size;
  }

  /** This side's hello, to be sent as soon as the link stands. */
  start(): Uint8Array[] {
    assert(!this.#started, 'a session starts once');
    this.#started = true;
    return this.#encode(this.#hello);
  }

  /** A message as buffers to send. What the rules forbid is a programmer's fault. */
  send(message: Message): Uint8Array[] {
    assert(this.#started, 'a session sends nothing before its hello');
    const endsIt = message.type === 'bye' || message.type === 'fault';
    assert(this.#peer !== undefined || endsIt, `'${message.type}' before the handshake is over`);
    const refusal = this.#ruleAgainst(this.#own, message);
    assert(refusal === undefined, `'${message.type}' must not be sent: ${refusal ?? ''}`);
    return this.#encode(message);
  }

  /**
   * The messages that the bytes complete, the peer's hello among them. Fails
   * with 'frame-invalid', 'frame-too-large', 'message-invalid',
   * 'protocol-too-new' or 'peer-wrong-role'; the link must then be closed, and
   * the messages of the same bytes are void, as if it had been cut before them.
   */
  receive(chunk: Uint8Array): Message[] {
    if (this.#fault !== undefined) throw this.#fault;
    this.#other.bytes += chunk.length;
    const messages: Message[] = [];
    try {
      for (const frame of this.#reader.read(chunk)) messages.push(this.#accept(frame));
    } catch (fault) {
      this.#fault = fault;
      throw fault;
    }
    return messages;
  }

  /** Says that the data of a message that was received is not read any more, so that its memory serves a later one. */
  giveBack(message: BlocksMessage | FetchedMessage | PackedBlocksMessage): void {
    const [data] = message.data;
    if (data !== undefined) this.#reader.giveBack(data);
  }

  #encode(message: Message): Uint8Array[] {
    const buffers = encodeMessage(message);
    this.#own.messages++;
    for (const buffer of buffers) this.#own.bytes += buffer.length;
    return buffers;
  }

  #accept(frame: Frame): Message {
    this.#other.messages++;
    if (this.#peer === undefined) return this.#acceptFirst(frame);
    const message = decodeMessage(frame);
    const refusal = this.#ruleAgainst(this.#other, message);
    if (refusal !== undefined) throw brokenRule(message.type, refusal);
    return message;
  }

  /** The first message is the hello; a peer that cannot go on may say why or bye instead. */
  #acceptFirst(frame: Frame): Message {
    const offered = helloVersions(frame);
    const version = offered === undefined ? undefined : commonVersion(this.#hello, offered);
    const message = decodeMessage(frame);
    if (this.#other.ended) throw brokenRule(message.type, 'its sender has ended the session');
    if (message.type === 'fault' || message.type === 'bye') {
      this.#other.ended = message.type === 'bye' || message.final;
      return message;
    }
    if (message.type !== 'hello') throw brokenRule(message.type, 'the first message must be the hello');
    if (message.role !== this.#other.role) {
      this.#rival = message;
      throw new MirrorpointError(
        'peer-wrong-role',
        `Both '${message.serverName}' and this server want to be the ${this.role} of the relationship. Set one of them up as the ${this.#other.role}.`,
      );
    }
    this.#peer = message;
    this.#version = version;
    this.#reader.limitBytes = frameBytesMax;
    return message;
  }

  /** Why the speaker must not say this now; notes what it said otherwise. */
  #ruleAgainst(speaker: Speaker, message: Message): string | undefined {
    if (speaker.ended) return 'its sender has ended the session';
    if (!allowedTypes[speaker.role].has(message.type)) return `a ${speaker.role} does not say it`;
    const mirror = speaker.role === 'mirror' ? speaker : this.#mirror;
    if (message.type === 'state' && speaker.stateTold) return 'the state is told once';
    if (message.type !== 'state' && !mirror.stateTold && !alwaysAllowed.has(message.type)) {
      return 'the mirror has not told its state yet';
    }
    switch (message.type) {
      case 'state':
        speaker.stateTold = true;
        return undefined;
      case 'begin':
        if (message.cp <= speaker.liveCp) return `CP ${message.cp} does not follow CP ${speaker.liveCp}, which is streaming`;
        speaker.liveCp = message.cp;
        return undefined;
      case 'blocks':
        return this.#ruleAgainstBytes(message) ?? this.#ruleAgainstBlocks(speaker, message);
      case 'packed-blocks':
        if (blocksIn(message.runs) * this.blockSizeBytes > blockDataBytesMax) return `its blocks are more than ${blockDataBytesMax} bytes`;
        return this.#ruleAgainstBlocks(speaker, message);
      case 'changes':
        if (message.changes.some(({ patch }) => rangesOf(patch, this.blockSizeBytes) === undefined)) {
          return `a patch is none for blocks of ${this.blockSizeBytes} bytes`;
        }
        return message.cp === speaker.liveCp ? undefined : `CP ${message.cp} is not streaming`;
      case 'root':
        if (message.root.length !== this.blockSizeBytes) return `the root is not one block of ${this.blockSizeBytes} bytes`;
        if (message.basis === 'live' && message.cp !== speaker.liveCp) return `CP ${message.cp} is not streaming`;
        if (message.basis === 'live') speaker.liveCp = 0;
        return undefined;
      case 'want':
        return this.#wants.asked(message);
      case 'hand-over':
        if (speaker.handingOverEpoch > 0) return 'a volume is handed over once';
        speaker.handingOverEpoch = message.epoch;
        return undefined;
      case 'handed-over':
        return this.#ruleAgainstAnswer(message);
      case 'gone':
        return this.#wants.gone(message.requestId);
      case 'fetch':
        return this.#ruleAgainstFetch(speaker, message);
      case 'fetched':
        return this.#ruleAgainstFetched(speaker, message);
      case 'bye':
        speaker.ended = true;
        return undefined;
      case 'fault':
        speaker.ended = message.final;
        return undefined;
      default:
        return undefined;
    }
  }

  #ruleAgainstBytes({ runs, data }: BlocksMessage): string | undefined {
    const dataBytes = data.reduce((sum, part) => sum + part.length, 0);
    if (dataBytes === blocksIn(runs) * this.blockSizeBytes) return undefined;
    return `${dataBytes} bytes are not ${blocksIn(runs)} blocks of ${this.blockSizeBytes} bytes`;
  }

  #ruleAgainstBlocks(speaker: Speaker, message: BlocksMessage | PackedBlocksMessage): string | undefined {
    if (message.requestId !== 0) return this.#wants.answered(message.requestId, message.runs);
    return message.cp === speaker.liveCp ? undefined : `CP ${message.cp} is not streaming`;
  }

  #ruleAgainstAnswer(message: HandedOverMessage): string | undefined {
    const primary = this.role === 'primary' ? this.#own : this.#other;
    if (primary.handingOverEpoch === message.epoch) return undefined;
    return `the volume was not handed over to be in epoch ${message.epoch}`;
  }

  #ruleAgainstFetch(speaker: Speaker, message: FetchMessage): string | undefined {
    const answerBytes = message.blocks.length * this.blockSizeBytes;
    if (answerBytes > blockDataBytesMax) return `its answer of ${answerBytes} bytes would be over ${blockDataBytesMax}`;
    return speaker.fetches.asked(message);
  }

  #ruleAgainstFetched(speaker: Speaker, message: FetchedMessage): string | undefined {
    const wrong = message.data.find((block) => block.length !== this.blockSizeBytes);
    if (wrong !== undefined) return `blocks of ${wrong.length} bytes are not of ${this.blockSizeBytes}`;
    const asker = speaker === this.#own ? this.#other : this.#own;
    return asker.fetches.answered(message);
  }

  get #mirror(): Speaker {
    return this.role === 'mirror' ? this.#own : this.#other;
  }

  /** The primary's block size is the session's: the mirror stores its blocks. */
  get blockSizeBytes(): number {
    return (this.role === 'primary' ? this.#hello : this.#peer ?? this.#hello).blockSizeBytes;
  }
}

function brokenRule(type: MessageType, reason: string): MirrorpointError {
  return new MirrorpointError(
    'message-invalid',
    `The peer sent a '${type}' message that breaks the protocol: ${reason}. The link must be closed; if it happens again, run the same version on both servers.`,
  );
}

function commonVersion(own: HelloMessage, peer: { min: number; max: number }): number {
  const version = Math.min(own.protocolMax, peer.max);
  if (version >= own.protocolMin && version >= peer.min) return version;
  const older = peer.min > own.protocolMax ? 'this server' : 'the peer';
  throw new MirrorpointError(
    'protocol-too-new',
    `This server speaks protocol versions ${own.protocolMin} to ${own.protocolMax}, the peer ${peer.min} to ${peer.max}: they have none in common. Update ${older}.`,
  );
}
