import { assert, bytesEqual, type Clock, MirrorpointError } from '../base/index.ts';
import type { BlockSink, CpCause, CpFollower, CpRecord } from '../consistency/index.ts';
import { type RootMark, type RootNode, rootChecksumOf } from '../format/index.ts';
import { type KnownNeeds, mirrorNeeds, type MirrorNeeds } from '../snapshots/index.ts';
import type { BlockHealer } from '../volume/index.ts';
import type { CommittedMessage, HandOverMessage, HelloMessage, Message, RootBasis, StateMessage } from '../wire/index.ts';
import type { Conversation } from './conversation.ts';
import { rootsOutstandingMax } from './limits.ts';
import { LiveStream } from './live-stream.ts';
import { Outlet } from './outlet.ts';
import type { Packer } from './packer.ts';
import { judgePeers, planForState } from './peering.ts';
import type { RelationshipTraffic } from './relationship-status.ts';
import { WantAnswers } from './want-answers.ts';

/** What replication needs of the volume that it sends. */
export interface MirroredVolume {
  readonly id: Uint8Array;
  readonly setId: Uint8Array;
  readonly root: RootNode;
  readonly rootBytes: Uint8Array;
  readonly bases: readonly number[];
  readonly cpHistory: readonly CpRecord[];
  readonly healer: Pick<BlockHealer, 'addPeer'>;
  readBlocks(vbn: number, buffers: readonly Uint8Array[]): Promise<void>;
  setMirrorNeeds(relationship: string, needs: KnownNeeds | undefined): void;
  follow(follower: CpFollower): void;
  unfollow(follower: CpFollower): void;
  takeCp(cause?: CpCause): Promise<CpRecord>;
  skipCpsTo(cp: number): void;
  status(): { readonly waitingBytes: number };
}

/** What a relationship remembers of its mirror from one session to the next. */
export interface MirrorMemory {
  /** What the volume keeps for it. */
  needs: KnownNeeds;
  /** The mirror's last CP as far as known; CP 0 when it has none, undefined before it ever spoke. `isOurs`: this side's next CPs build on it. */
  committed: (RootMark & { wallMs: number; isOurs: boolean }) | undefined;
  /** Roots of this side's history that the mirror had or could have when it was last heard of. */
  ancestors: readonly RootMark[];
  /** The mirror is to follow whatever it has: an administrator said so. */
  isResyncConfirmed: boolean;
  /** Roots that were sent in this process, newest last. */
  sent: (RootMark & { wallMs: number })[];
  traffic: RelationshipTraffic;
}

interface Outstanding {
  readonly cp: number;
  /** It streams, or has streamed, while its CP ran. */
  readonly isLive: boolean;
  isSent: boolean;
}

/** Heartbeats without another try after a CP that was asked for has failed. */
const ticksAfterFailure = 10;

/** Sent roots remembered by checksum: enough to recognise each that a mirror can come back with. */
const sentMax = 64;

/**
 * The primary's side of one session. Each root that the mirror has, or may have,
 * is among the needs that the volume keeps, from before its CP freezes until the
 * mirror has acknowledged a later one; so no block is ever written over that a
 * root on the mirror references. CPs that come while two roots are on their way
 * are not kept and not sent: the next one after an acknowledgement takes their
 * place. Nor are those for which the volume has no room.
 */
export class PrimarySession implements CpFollower {
  readonly #volume: MirroredVolume;
  readonly #relationshipId: string;
  readonly #memory: MirrorMemory;
  readonly #conversation: Conversation;
  readonly #outlet: Outlet;
  readonly #stream: LiveStream;
  readonly #answers: WantAnswers;
  readonly #onChange: () => void;
  #outstanding: Outstanding[] = [];
  /** What is known of the mirror's root until it has committed one of this side's. */
  #basis: RootBasis = 'held';
  #isReady = false;
  #hasStarted = false;
  #isAsking = false;
  #ticksToWait = 0;
  #handingOver: PromiseWithResolvers<undefined> | undefined;
  readonly #ended = Promise.withResolvers<undefined>();

  constructor(options: {
    volume: MirroredVolume;
    relationshipId: string;
    memory: MirrorMemory;
    conversation: Conversation;
    clock: Clock;
    /** What may be sent to the mirror now, in bytes per second; undefined for no limit. */
    rate: () => number | undefined;
    /** Packs what goes to the mirror, where that pays; left out: nothing is packed. */
    packer: Packer | undefined;
    onChange: () => void;
  }) {
    const { volume, conversation, memory } = options;
    const { blockSizeBytes } = volume.root;
    this.#volume = volume;
    this.#relationshipId = options.relationshipId;
    this.#memory = memory;
    this.#conversation = conversation;
    this.#onChange = options.onChange;
    const outlet = new Outlet({ conversation, clock: options.clock, rate: options.rate, packer: options.packer });
    this.#outlet = outlet;
    this.#stream = new LiveStream({
      outlet,
      blockSizeBytes,
      onPushed: (blocks) => {
        memory.traffic.blocksPushed += blocks;
      },
    });
    this.#answers = new WantAnswers({
      conversation,
      outlet,
      blockSizeBytes,
      blockCount: () => volume.root.blockCount,
      readBlocks: (vbn, buffers) => volume.readBlocks(vbn, buffers),
      isHeld: (cp) => this.#outstanding.some((root) => root.cp === cp),
      onPulled: (blocks) => {
        memory.traffic.blocksPulled += blocks;
      },
    });
  }

  /** The mirror has told its state, and CPs go to it. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** What the mirror lacks has streamed to it, or streams now. */
  get isStreaming(): boolean {
    const last = this.#volume.root.cp;
    const newest = this.#outstanding.at(-1);
    return newest !== undefined && newest.cp >= last && this.#outstanding.every((root) => root.isLive);
  }

  /** Resolves when `run` has ended. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** Runs the session to its end; see Conversation.run. */
  async run(): Promise<MirrorpointError | undefined> {
    let fault: MirrorpointError | undefined;
    try {
      fault = await this.#conversation.run((message) => {
        this.#hear(message);
      });
      return fault;
    } finally {
      this.#handingOver?.reject(fault ?? unanswered());
      this.#isReady = false;
      this.#volume.unfollow(this);
      // Whether the mirror commits what was sent is not known until it says so; what was not sent it cannot have.
      this.#outstanding = this.#outstanding.filter((root) => root.isSent);
      // A session that never started has learnt nothing: what earlier ones sent is still on its way.
      if (this.#hasStarted) this.#tellNeeds(this.#knownNeeds);
      this.#ended.resolve(undefined);
    }
  }

  /** Called with each heartbeat: sees to CPs that ended without a word to this session, or failed. */
  tick(): void {
    if (this.#ticksToWait > 0) this.#ticksToWait--;
    this.#keepUp();
  }

  /** Asks the mirror, which has the last CP, to be the primary; see PrimaryRelationship. */
  async handOver(epoch: number): Promise<void> {
    const { root, rootBytes } = this.#volume;
    assert(this.#handingOver === undefined, 'a session hands over once');
    this.#handingOver = Promise.withResolvers();
    const message: HandOverMessage = { type: 'hand-over', epoch, cp: root.cp, rootChecksum: rootChecksumOf(rootBytes) };
    // The end of the session answers for a message that did not go out.
    this.#conversation.tell(message);
    await this.#handingOver.promise;
  }

  /**
   * Ends the session without keeping anything for the mirror. What it was sent it
   * may still commit: blocks of CPs that began while its roots were kept, and
   * which therefore lie over none of them.
   */
  abandon(): void {
    this.#hasStarted = false;
    this.#isReady = false;
    this.#outstanding = [];
    this.#volume.unfollow(this);
    this.#conversation.bye();
  }

  begin(cp: number, baseCp: number, mayKeep: boolean): { keep: boolean; sink?: BlockSink } {
    if (!mayKeep || !this.#isReady || this.#conversation.isOver || this.#hasEnoughOutstanding) return { keep: false };
    const isLive = this.#isOnItsWay(baseCp);
    this.#outstanding.push({ cp, isLive, isSent: false });
    this.#tellNeeds(this.#knownNeeds);
    if (!isLive) return { keep: true };
    this.#stream.begin(cp, baseCp);
    return { keep: true, sink: this.#stream };
  }

  end(cp: number, rootBytes: Uint8Array | undefined): void {
    const root = this.#outstanding.find((entry) => entry.cp === cp);
    if (root !== undefined && rootBytes === undefined) {
      this.#outstanding = this.#outstanding.filter((entry) => entry !== root);
      this.#tellNeeds(this.#knownNeeds);
    } else if (root !== undefined && rootBytes !== undefined && !this.#conversation.isOver) {
      if (root.isLive) this.#stream.finish();
      this.#sendRoot(root, rootBytes);
    }
    if (rootBytes !== undefined) this.#keepUp();
    this.#onChange();
  }

  #hear(message: Message): void {
    switch (message.type) {
      case 'hello':
        this.#greet(message);
        return;
      case 'state':
        this.#start(message);
        return;
      case 'want':
        this.#answers.take(message);
        return;
      case 'committed':
        this.#acknowledge(message);
        return;
      case 'handed-over':
        this.#handingOver?.resolve(undefined);
        return;
      case 'heartbeat':
        this.#noteTime(message.lastCp, message.lastCpWallMs);
        return;
      case 'views':
        this.#tellNeeds({ ...this.#knownNeeds, neededCps: message.neededCps });
        return;
      default:
        return;
    }
  }

  #greet(hello: HelloMessage): void {
    const { id, root } = this.#volume;
    const own = { serverName: 'this server', volumeId: id, blockSizeBytes: root.blockSizeBytes, blockCount: root.blockCount, epoch: root.epoch };
    const fault = judgePeers(own, hello);
    if (fault !== undefined) throw fault;
    if (bytesEqual(hello.setId, this.#volume.setId)) {
      throw new MirrorpointError('peer-wrong-volume', 'The mirror is on the very devices of the volume. Link the volume to another device set.');
    }
  }

  #start(state: StateMessage): void {
    const { root, rootBytes, bases } = this.#volume;
    const { needs } = this.#memory;
    const { committedCp: cp, rootChecksum } = state;
    const plan = planForState(
      { ...state, epoch: this.#conversation.peer?.epoch ?? 0 },
      {
        last: { cp: root.cp, checksum: rootChecksumOf(rootBytes) },
        epoch: root.epoch,
        isConfirmed: this.#memory.isResyncConfirmed,
        isHeld: (held) => bases.includes(held) && mirrorNeeds(needs, held, 0),
        knownChecksum: (known) => this.#knownChecksum(known),
      },
    );
    if (plan.kind === 'refuse') throw plan.fault;
    this.#basis = plan.kind === 'identical' ? 'held' : plan.basis;
    this.#note(cp, rootChecksum, this.#basis === 'held');
    if (plan.kind === 'offer') this.#outstanding.push({ cp: root.cp, isLive: false, isSent: false });
    if (plan.kind === 'take-cp') this.#volume.skipCpsTo(cp);
    this.#hasStarted = true;
    this.#tellNeeds({ committedCp: bases.includes(cp) ? cp : 0, neededCps: state.neededCps, inFlightCps: [] });
    this.#isReady = true;
    this.#volume.follow(this);
    const offered = this.#outstanding.at(-1);
    if (offered !== undefined) this.#sendRoot(offered, rootBytes);
    this.#keepUp();
    this.#onChange();
  }

  #knownChecksum(cp: number): bigint | undefined {
    const { sent, ancestors } = this.#memory;
    return [...sent, ...ancestors].find((mark) => mark.cp === cp)?.checksum;
  }

  #acknowledge(message: CommittedMessage): void {
    const sent = this.#memory.sent.find((mark) => mark.cp === message.cp);
    if (sent?.checksum !== message.rootChecksum || !this.#outstanding.some((root) => root.cp === message.cp && root.isSent)) {
      throw new MirrorpointError(
        'peer-diverged',
        `The mirror says that it committed CP ${message.cp}, which is not the root it was sent. Run \`mirrorpoint volume check\` there.`,
      );
    }
    this.#outstanding = this.#outstanding.filter((root) => root.cp > message.cp);
    this.#basis = 'held';
    this.#memory.isResyncConfirmed = false;
    this.#note(message.cp, message.rootChecksum, true);
    this.#tellNeeds({ committedCp: message.cp, neededCps: message.neededCps, inFlightCps: [] });
    this.#keepUp();
    this.#onChange();
  }

  #sendRoot(root: Outstanding, rootBytes: Uint8Array): void {
    const { blockSizeBytes, wallMs } = this.#volume.root;
    const { sent } = this.#memory;
    const checksum = rootChecksumOf(rootBytes);
    if (!sent.some((mark) => mark.cp === root.cp)) sent.push({ cp: root.cp, checksum, wallMs });
    if (sent.length > sentMax) sent.shift();
    root.isSent = true;
    const block = new Uint8Array(blockSizeBytes);
    block.set(rootBytes);
    void this.#outlet.send({ type: 'root', cp: root.cp, basis: root.isLive ? 'live' : this.#basis, root: block });
  }

  /** Asks for a CP when the volume is past everything that is on its way. */
  #keepUp(): void {
    if (!this.#isReady || this.#conversation.isOver || this.#isAsking || this.#ticksToWait > 0) return;
    if (this.#hasEnoughOutstanding || this.#isOnItsWay(this.#volume.root.cp)) return;
    this.#isAsking = true;
    this.#volume.takeCp('mirror').then(
      () => {
        this.#isAsking = false;
      },
      () => {
        // The fault is the volume's to show.
        this.#isAsking = false;
        this.#ticksToWait = ticksAfterFailure;
      },
    );
  }

  /** While the mirror compares, one root is enough: others would be written over what it still serves. */
  get #hasEnoughOutstanding(): boolean {
    return this.#outstanding.length >= (this.#basis === 'held' ? rootsOutstandingMax : 1);
  }

  /** The mirror has the CP, or will have when it has got through what was sent. */
  #isOnItsWay(cp: number): boolean {
    const { committed } = this.#memory;
    return (committed?.isOurs === true && committed.cp === cp) || this.#outstanding.some((root) => root.cp === cp);
  }

  get #knownNeeds(): MirrorNeeds {
    const { needs } = this.#memory;
    return needs === 'unknown' ? { committedCp: 0, neededCps: [], inFlightCps: [] } : needs;
  }

  #tellNeeds(needs: MirrorNeeds): void {
    const { committedCp, neededCps } = needs;
    // Any root that is kept may be the one that both histories have.
    const isUncertain = this.#basis === 'related' || this.#basis === 'forced';
    this.#memory.needs = isUncertain ? 'unknown' : { committedCp, neededCps, inFlightCps: this.#outstanding.map((root) => root.cp) };
    this.#volume.setMirrorNeeds(this.#relationshipId, this.#memory.needs);
  }

  /** After a restart of this side only the mirror knows when its CP was taken. */
  #noteTime(cp: number, wallMs: number): void {
    const { committed } = this.#memory;
    if (committed?.cp === cp && committed.wallMs === 0) this.#memory.committed = { ...committed, wallMs };
  }

  #note(cp: number, checksum: bigint, isOurs: boolean): void {
    const { root } = this.#volume;
    const sent = this.#memory.sent.find((mark) => mark.cp === cp);
    this.#memory.committed = { cp, checksum, isOurs, wallMs: sent?.wallMs ?? (cp === root.cp ? root.wallMs : 0) };
  }
}

function unanswered(): MirrorpointError {
  return new MirrorpointError('link-closed', 'The session with the mirror ended before it answered.');
}
