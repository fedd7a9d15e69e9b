import { type Clock, MirrorpointError } from '../base/index.ts';
import { type RootMark, rootChecksumOf } from '../format/index.ts';
import type { MirrorNeeds } from '../snapshots/index.ts';
import type { Link } from '../transport/index.ts';
import { type HelloMessage, type Packing, WireSession } from '../wire/index.ts';
import { AcceptedLinks } from './accepted-links.ts';
import { Conversation } from './conversation.ts';
import { judgeLeadership } from './leadership.ts';
import { heartbeatIntervalMs, silenceMaxMs } from './limits.ts';
import { LinkKeeper, type LinkOutcome } from './link-keeper.ts';
import { primaryHello, type ServerName } from './primary-hello.ts';
import { type MirroredVolume, type MirrorMemory, PrimarySession } from './primary-session.ts';
import { Packer } from './packer.ts';
import {
  identityOf,
  lagMsOf,
  noTraffic,
  reasonFor,
  type RelationshipState,
  type RelationshipStatus,
  type RelationshipTraffic,
  stateOfSession,
} from './relationship-status.ts';
import { isPassing } from './retry.ts';

const noNeeds: MirrorNeeds = { committedCp: 0, neededCps: [], inFlightCps: [] };

export interface PrimaryRelationshipOptions extends ServerName {
  readonly volume: MirroredVolume;
  /** Opens a link to the mirror's server. Left out: that server opens the links, which `accept` takes. */
  readonly connect?: (() => Promise<Link>) | undefined;
  /** Hears, at most once for each link, that the volume has a primary of a higher epoch. */
  readonly onSuperseded?: (peer: HelloMessage) => void;
  readonly clock: Clock;
  /** Names the relationship in the volume's needs; the same after every restart. */
  readonly relationshipId: string;
  /** The base was dropped before this start: nothing is kept until the mirror has come again. */
  readonly isBaseDropped?: boolean;
  /** Roots of this volume that the mirror had or could have when it was last heard of, although they may not be kept any more. */
  readonly ancestors?: readonly RootMark[] | undefined;
  /** Packs what goes to the mirror, where that pays; left out: nothing is packed. */
  readonly packing?: Packing | undefined;
  /** What may be sent to the mirror now, in bytes per second; undefined for no limit. */
  readonly rate?: () => number | undefined;
  readonly heartbeatIntervalMs?: number;
  readonly silenceMaxMs?: number;
}

/**
 * The primary's side of a relationship: keeps a session with the mirror going,
 * for as long as it is neither paused nor closed. What fails here never reaches
 * the volume's users.
 *
 * Make it as soon as the volume is open, before another relationship of the
 * volume starts: until its mirror has spoken, everything that this mirror may
 * have is kept.
 */
export class PrimaryRelationship implements AsyncDisposable {
  readonly relationshipId: string;
  readonly #options: PrimaryRelationshipOptions;
  readonly #memory: MirrorMemory;
  readonly #listeners = new Set<() => void>();
  readonly #accepted = new AcceptedLinks();
  readonly #keeper: LinkKeeper;
  /** What it has learnt of content and line holds for the next session too. */
  readonly #packer: Packer | undefined;
  #sessionCount = 0;
  readonly #stopHealing: () => void;
  #isBaseDropped: boolean;
  #session: PrimarySession | undefined;
  #conversation: Conversation | undefined;
  #peerName: string | undefined;
  #fault: MirrorpointError | undefined;

  constructor(options: PrimaryRelationshipOptions) {
    this.#options = options;
    this.relationshipId = options.relationshipId;
    this.#isBaseDropped = options.isBaseDropped === true;
    this.#memory = {
      needs: this.#isBaseDropped ? noNeeds : 'unknown',
      committed: undefined,
      ancestors: options.ancestors ?? [],
      isResyncConfirmed: false,
      sent: [],
      traffic: noTraffic(),
    };
    options.volume.setMirrorNeeds(options.relationshipId, this.#memory.needs);
    const { clock, connect, packing } = options;
    this.#packer = packing && new Packer({ packing, clock });
    this.#keeper = new LinkKeeper({
      clock,
      connect: connect ?? ((signal) => this.#accepted.connect(signal)),
      use: (link, signal) => this.#serve(link, signal),
      onEnd: (fault) => {
        this.#fault = fault;
        this.#changed();
      },
    });
    this.#stopHealing = options.volume.healer.addPeer(async (block) =>
      this.#session?.isReady === true ? this.#conversation?.fetch(block) : undefined,
    );
  }

  /** Starts to connect, or to take links. Called once. */
  start(): void {
    this.#keeper.start();
  }

  /** Takes a link that the peer has opened, in the place of any that there is. */
  accept(link: Link): void {
    if (this.#keeper.isPaused) void link.close();
    else if (!this.#accepted.offer(link)) this.#keeper.renew();
  }

  /** Ends the session and opens no other until `resume`. What the mirror has stays kept on the primary. */
  async pause(): Promise<void> {
    const ended = this.#keeper.pause();
    this.#changed();
    await ended;
  }

  /** Goes on after `pause`; while it waits for its next attempt, makes it now. */
  resume(): void {
    this.#keeper.resume();
  }

  /** Begins anew on another link at once, unless it is paused. */
  renew(): void {
    this.#keeper.renew();
  }

  /** Sessions so far in which the mirror has told its state. */
  get sessionCount(): number {
    return this.#sessionCount;
  }

  /**
   * Asks the mirror to be the primary from now on, in the given epoch. The volume
   * must take neither changes nor CPs any more, and the mirror must have its last
   * one. Resolves when the mirror has durably agreed; throws `peer-not-ready`
   * before anything was asked, and otherwise what ended the session: then nobody
   * here knows.
   */
  async handOver(epoch: number): Promise<void> {
    const session = this.#session;
    if (session?.isReady !== true || !this.status().identical) throw notReady();
    await session.handOver(epoch);
  }

  /**
   * Has the mirror follow whatever it has, at its next session, which begins
   * now: what only the mirror has is set aside there. Without effect on a mirror
   * that follows already.
   */
  resync(): void {
    this.#memory.isResyncConfirmed = true;
    if (this.#session?.isReady !== true) this.#keeper.renew();
  }

  /** Calls the listener when the status has changed; the result ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  status(): RelationshipStatus {
    const { volume, clock } = this.#options;
    const { root, rootBytes } = volume;
    const { committed } = this.#memory;
    const mirrorCp = committed?.cp ?? 0;
    const traffic = this.#traffic;
    const limitBytesPerSecond = this.#options.rate?.();
    return {
      state: this.#state(mirrorCp),
      ...(this.#keeper.isPaused ? {} : this.#reason),
      ...(this.#peerName === undefined ? {} : { peerName: this.#peerName }),
      primaryCp: root.cp,
      mirrorCp,
      lagCps: Math.max(0, root.cp - mirrorCp),
      lagBytes: this.#lagBytes(mirrorCp),
      lagMs: lagMsOf({
        mirrorCp,
        primaryCp: root.cp,
        mirrorWallMs: committed?.wallMs ?? 0,
        missingSinceWallMs: volume.cpHistory.find((record) => record.cp === mirrorCp + 1)?.startedWallMs,
        nowWallMs: clock.wallMs(),
      }),
      ...traffic,
      lastCommittedWallMs: committed?.wallMs ?? 0,
      ...identityOf(committed?.cp === root.cp && committed.checksum === rootChecksumOf(rootBytes) ? committed.checksum : undefined),
      ...this.#conversation?.peerClock,
      ...(limitBytesPerSecond !== undefined && { limitBytesPerSecond }),
    };
  }

  /** Ends the session. What the mirror has stays kept, for the next start of the server. Idempotent. */
  async close(): Promise<void> {
    this.#stopHealing();
    await this.#keeper.close();
    await this.#accepted.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * From this moment on nothing is kept for the mirror, nor for the views that are
   * open on it; the space comes back with the next CPs. Ends the session, and
   * tries again: when the mirror speaks again, the two are compared.
   */
  dropBase(): void {
    this.#isBaseDropped = true;
    this.#session?.abandon();
    this.#memory.needs = noNeeds;
    this.#options.volume.setMirrorNeeds(this.relationshipId, noNeeds);
    this.#changed();
  }

  /** The base was dropped, and the mirror has not come to stand at a CP that is kept again. */
  get isBaseDropped(): boolean {
    return this.#isBaseDropped;
  }

  /** Roots of this side's history that the mirror has or may have: with one of them it will come again. */
  get mirrorRoots(): RootMark[] {
    const { committed, sent, ancestors } = this.#memory;
    const known = committed !== undefined && (committed.cp === 0 || committed.isOurs) ? [committed] : ancestors;
    return [...known, ...sent.filter(({ cp }) => cp > (committed?.cp ?? 0))]
      .filter(({ cp }) => cp > 0)
      .map(({ cp, checksum }) => ({ cp, checksum }));
  }

  /** Adds roots that the mirror may have: after a crash nobody remembers which were sent. */
  recall(roots: readonly RootMark[]): void {
    const { ancestors } = this.#memory;
    this.#memory.ancestors = [...ancestors, ...roots.filter(({ cp }) => ancestors.every((known) => known.cp !== cp))];
  }

  /** The mirror speaks with this side. */
  get isConnected(): boolean {
    return this.#session?.isReady === true;
  }

  /** Ends the relationship for good: the volume keeps nothing for this mirror any more. */
  async unlink(): Promise<void> {
    await this.close();
    this.#options.volume.setMirrorNeeds(this.relationshipId, undefined);
  }

  async #serve(link: Link, signal: AbortSignal): Promise<LinkOutcome> {
    const conversation = this.#converse(link);
    let wasReady = false;
    const session = new PrimarySession({
      volume: this.#options.volume,
      relationshipId: this.relationshipId,
      memory: this.#memory,
      conversation,
      clock: this.#options.clock,
      packer: this.#packer,
      rate: this.#options.rate ?? ((): undefined => undefined),
      onChange: () => {
        if (session.isReady && !wasReady) this.#sessionCount++;
        wasReady ||= session.isReady;
        if (session.isReady) this.#fault = undefined;
        if (this.#isBaseHeld) this.#isBaseDropped = false;
        this.#peerName = conversation.peer?.serverName ?? this.#peerName;
        this.#changed();
      },
    });
    this.#session = session;
    this.#conversation = conversation;
    signal.addEventListener('abort', () => {
      conversation.bye();
    });
    try {
      const fault = await session.run();
      return { fault: this.#judgeGreeting(conversation.greeting) ?? fault, wasReady };
    } finally {
      this.#memory.traffic = this.#traffic;
      this.#session = undefined;
      this.#conversation = undefined;
    }
  }

  /** Whether the peer's hello says that somebody else leads now, or has to hear that this side does. */
  #judgeGreeting(peer: HelloMessage | undefined): MirrorpointError | undefined {
    if (peer === undefined) return undefined;
    const { id, setId, root } = this.#options.volume;
    const leadership = judgeLeadership({ role: 'primary', volumeId: id, setId, epoch: root.epoch }, peer);
    if (leadership === 'undisputed') return undefined;
    this.#peerName = peer.serverName;
    if (leadership === 'superseded') this.#options.onSuperseded?.(peer);
    return leadership === 'superseded' ? superseded(peer, root.epoch) : supersedes(peer, root.epoch);
  }

  #converse(link: Link): Conversation {
    const { volume, clock, serverId, serverName } = this.#options;
    const session = new WireSession({ role: 'primary', hello: primaryHello(volume, { serverId, serverName }) });
    return new Conversation({
      link,
      session,
      clock,
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs ?? heartbeatIntervalMs,
      silenceMaxMs: this.#options.silenceMaxMs ?? silenceMaxMs,
      own: {
        blockSizeBytes: volume.root.blockSizeBytes,
        blockCount: () => volume.root.blockCount,
        readBlocks: (vbn, buffers) => volume.readBlocks(vbn, buffers),
      },
      heartbeat: () => {
        this.#session?.tick();
        return {
          sentWallMs: clock.wallMs(),
          lastCp: volume.root.cp,
          lastCpWallMs: volume.root.wallMs,
          lastRootChecksum: rootChecksumOf(volume.rootBytes),
          pendingBytes: this.#lagBytes(this.#memory.committed?.cp ?? 0) + volume.status().waitingBytes,
        };
      },
    });
  }

  /** What the CPs after the mirror's wrote; those from before this start of the volume are not known any more. */
  #lagBytes(mirrorCp: number): number {
    const { root, cpHistory } = this.#options.volume;
    if (mirrorCp === 0) {
      const { blocksPulled, blocksPushed } = this.#memory.traffic;
      return Math.max(0, root.usedBlockCount - blocksPulled - blocksPushed) * root.blockSizeBytes;
    }
    return cpHistory.reduce((sum, record) => sum + (record.cp > mirrorCp ? record.bytes : 0), 0);
  }

  /** The volume keeps what the mirror has committed. */
  get #isBaseHeld(): boolean {
    const { needs } = this.#memory;
    return needs !== 'unknown' && needs.committedCp > 0 && this.#options.volume.bases.includes(needs.committedCp);
  }

  #state(mirrorCp: number): RelationshipState {
    if (this.#keeper.isPaused) return 'paused';
    if (this.#session?.isReady === true) {
      return stateOfSession({ mirrorCp, primaryCp: this.#options.volume.root.cp, isStreaming: this.#session.isStreaming });
    }
    if (this.#fault !== undefined && !isPassing(this.#fault)) return 'error';
    return this.#isBaseDropped ? 'base-dropped' : 'connecting';
  }

  get #reason(): Pick<RelationshipStatus, 'reason' | 'code'> {
    const isWaitedFor = this.#options.connect === undefined && this.#conversation === undefined;
    if (this.#fault !== undefined || !isWaitedFor) return reasonFor(this.#fault);
    return { reason: 'The server at the other end opens the link, and has not done so yet.' };
  }

  get #traffic(): RelationshipTraffic {
    const { traffic } = this.#memory;
    const conversation = this.#conversation;
    if (conversation === undefined) return traffic;
    return {
      ...traffic,
      bytesSent: traffic.bytesSent + conversation.bytesSent,
      bytesReceived: traffic.bytesReceived + conversation.bytesReceived,
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function notReady(): MirrorpointError {
  return new MirrorpointError(
    'peer-not-ready',
    'The mirror does not have the last CP at the moment, so the volume cannot be handed over to it. Wait until `mirrorpoint status` shows it live.',
  );
}

function superseded(peer: HelloMessage, epoch: number): MirrorpointError {
  return new MirrorpointError(
    'peer-superseded',
    `'${peer.serverName}' has epoch ${peer.epoch} of this volume, and this server only epoch ${epoch}: another server was made the primary since.`,
  );
}

function supersedes(peer: HelloMessage, epoch: number): MirrorpointError {
  return new MirrorpointError(
    'peer-superseded',
    `'${peer.serverName}' was the primary in epoch ${peer.epoch}, and this server is it in epoch ${epoch}. It steps down, and follows.`,
  );
}
