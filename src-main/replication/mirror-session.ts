import { bytesEqual, checksumOf, MirrorpointError } from '../base/index.ts';
import { type RootNode, rootChecksumOf } from '../format/index.ts';
import type { MirrorVolume } from '../volume/index.ts';
import type {
  BeginMessage,
  BlocksMessage,
  ChangesMessage,
  HandOverMessage,
  HeartbeatMessage,
  HelloMessage,
  Message,
  RootBasis,
  RootMessage,
  SoughtBlock,
} from '../wire/index.ts';
import { BlockFetcher, RootGone } from './block-fetcher.ts';
import { BlockIntake } from './block-intake.ts';
import { ChangedBlocks } from './changed-blocks.ts';
import type { Conversation } from './conversation.ts';
import { rootsOutstandingMax } from './limits.ts';
import { judgePeers, judgeRoot } from './peering.ts';
import { ProbePolicy } from './probe-policy.ts';
import { ReceivedBlocks } from './received-blocks.ts';
import { type Comparison, Reconciliation } from './reconciliation.ts';
import type { RelationshipTraffic } from './relationship-status.ts';

interface RootToReach {
  readonly root: RootNode;
  readonly bytes: Uint8Array;
  readonly basis: RootBasis;
  readonly received: ReceivedBlocks | undefined;
}

/** What the mirror knows of its primary. */
export interface PrimaryKnowledge {
  name: string | undefined;
  lastCp: number;
  lastCpWallMs: number;
  lastRootChecksum: bigint;
  /** When the first CP was taken that was news here since the mirror was last at the primary's, or before that. */
  missingSinceWallMs: number | undefined;
  /** Bytes that the mirror lacks, as the primary counted them when it last spoke. */
  pendingBytes: number;
  /** The primary's clock when it last spoke, and this side's monotonic time then. */
  sentWallMs: number;
  heardMs: number;
}

/**
 * The mirror's side of one session. What streams in is written at once, beside
 * what is served; roots are reconciled one after another, in the order they
 * came, while the next CP streams. Nothing here is trusted for what it says it
 * is: a block counts when its bytes have the checksum that its parent names.
 */
export class MirrorSession {
  readonly #volume: MirrorVolume;
  readonly #conversation: Conversation;
  readonly #takeOver: (session: MirrorSession) => Promise<void>;
  readonly #welcome: (primary: HelloMessage) => Promise<void>;
  readonly #takeLead: (message: HandOverMessage) => Promise<void>;
  readonly #primary: PrimaryKnowledge;
  readonly #traffic: RelationshipTraffic;
  readonly #nowMs: () => number;
  readonly #onChange: () => void;
  readonly #intake: BlockIntake;
  readonly #changed: ChangedBlocks;
  readonly #fetcher: BlockFetcher;
  readonly #probing = new ProbePolicy();
  readonly #ended = Promise.withResolvers<undefined>();
  readonly #roots: RootToReach[] = [];
  #working: Promise<void> | undefined;
  #live: ReceivedBlocks | undefined;
  #isReady = false;
  #wasReady = false;
  #toldNeeds = '';

  constructor(options: {
    volume: MirrorVolume;
    conversation: Conversation;
    /** Resolves when no other session works on the volume any more. */
    takeOver: (session: MirrorSession) => Promise<void>;
    /** Throws when this primary may not lead the mirror. */
    welcome: (primary: HelloMessage) => Promise<void>;
    /** Resolves when it is durably decided that this side leads. */
    takeLead: (message: HandOverMessage) => Promise<void>;
    primary: PrimaryKnowledge;
    traffic: RelationshipTraffic;
    nowMs: () => number;
    onChange: () => void;
  }) {
    const { volume, conversation, traffic } = options;
    this.#volume = volume;
    this.#conversation = conversation;
    this.#takeOver = options.takeOver;
    this.#welcome = options.welcome;
    this.#takeLead = options.takeLead;
    this.#primary = options.primary;
    this.#traffic = traffic;
    this.#nowMs = options.nowMs;
    this.#onChange = options.onChange;
    this.#intake = new BlockIntake(volume, (fault) => {
      this.#fail(fault);
    });
    this.#changed = new ChangedBlocks(volume, this.#intake);
    this.#fetcher = new BlockFetcher({
      conversation,
      intake: this.#intake,
      cache: () => volume.cache,
      blockSizeBytes: volume.blockSizeBytes,
      onPulled: (blocks) => {
        traffic.blocksPulled += blocks;
      },
    });
  }

  /** Resolves when `run` has ended and nothing of this session touches the volume any more. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** The state has been told, and CPs come. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** The state was told at some time. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** A CP streams in, or has and is being proven. */
  get isStreaming(): boolean {
    return this.#live !== undefined || this.#roots.some((root) => root.received !== undefined);
  }

  get bytesSent(): number {
    return this.#conversation.bytesSent;
  }

  get bytesReceived(): number {
    return this.#conversation.bytesReceived;
  }

  get peerClock(): Conversation['peerClock'] {
    return this.#conversation.peerClock;
  }

  /** Bytes known to be missing. */
  get missingBytes(): number {
    return this.#fetcher.missingBlocks * this.#volume.blockSizeBytes;
  }

  /** A block as the primary's devices have it. */
  fetchBlock(block: SoughtBlock): Promise<Uint8Array | undefined> {
    return this.#conversation.fetch(block);
  }

  /** Runs the session to its end; see Conversation.run. */
  async run(): Promise<MirrorpointError | undefined> {
    const ignoreViews = this.#volume.onViewsChanged(() => {
      this.#tellViews();
    });
    try {
      return await this.#conversation.run((message) => this.#hear(message));
    } finally {
      this.#isReady = false;
      ignoreViews();
      this.#fetcher.fail(sessionEnded());
      await this.#working;
      await this.#intake.drain();
      this.#ended.resolve(undefined);
    }
  }

  /** Ends the session in order; `ended` says when. */
  stop(): void {
    this.#conversation.bye();
    this.#fetcher.fail(sessionEnded());
  }

  async #hear(message: Message): Promise<void> {
    switch (message.type) {
      case 'hello':
        await this.#greet(message);
        return;
      case 'begin':
        await this.#begin(message);
        return;
      case 'blocks':
        if (message.requestId === 0) await this.#takeLive(message);
        else await this.#fetcher.take(message);
        return;
      case 'changes':
        await this.#takeChanges(message);
        return;
      case 'root':
        this.#takeRoot(message);
        return;
      case 'gone':
        this.#fetcher.gone(message);
        return;
      case 'hand-over':
        await this.#lead(message);
        return;
      case 'heartbeat':
        this.#noteHeartbeat(message);
        return;
      default:
        return;
    }
  }

  async #greet(hello: HelloMessage): Promise<void> {
    const { id, blockSizeBytes, blockCount, committed } = this.#volume;
    const own = { serverName: 'this server', volumeId: id, blockSizeBytes, blockCount, epoch: committed?.epoch ?? 0 };
    const fault = judgePeers(hello, own);
    if (fault !== undefined) throw fault;
    await this.#takeOver(this);
    // An empty mirror may have become another volume's while this link waited for its turn.
    const late = judgePeers(hello, { ...own, volumeId: this.#volume.id });
    if (late !== undefined) throw late;
    await this.#welcome(hello);
    if (this.#volume.committed === undefined) await this.#volume.adopt(hello.volumeId);
    this.#forget();
    this.#primary.name = hello.serverName;
    const { committedBytes, neededCps } = this.#volume;
    this.#toldNeeds = neededCps.join();
    this.#conversation.tell({
      type: 'state',
      committedCp: this.#volume.committed?.cp ?? 0,
      rootChecksum: committedBytes === undefined ? 0n : rootChecksumOf(committedBytes),
      receivingCp: 0,
      neededCps,
    });
    this.#isReady = true;
    this.#wasReady = true;
    this.#onChange();
  }

  /** The primary gives the volume over: decides durably to lead, and ends the session. */
  async #lead(message: HandOverMessage): Promise<void> {
    const { committed, committedBytes } = this.#volume;
    const isThere = committed?.cp === message.cp && committedBytes !== undefined && rootChecksumOf(committedBytes) === message.rootChecksum;
    if (!isThere || this.#roots.length > 0 || message.epoch <= committed.epoch) {
      throw new MirrorpointError(
        'peer-not-ready',
        `The mirror is at CP ${committed?.cp ?? 0}, and not at CP ${message.cp} as it was handed over. It stays a mirror; try again.`,
      );
    }
    await this.#takeLead(message);
    this.#conversation.tell({ type: 'handed-over', epoch: message.epoch });
    this.stop();
  }

  async #begin(message: BeginMessage): Promise<void> {
    // What an abandoned CP left on its way may be for the same addresses.
    await this.#intake.drain();
    this.#live = new ReceivedBlocks(message.cp);
  }

  async #takeLive(message: BlocksMessage): Promise<void> {
    const { blockSizeBytes } = this.#volume;
    const writes = message.runs.map(({ vbn, count }, index) => {
      this.#checkRoom(vbn + count - 1);
      const data = message.data[index]!;
      for (let block = 0; block < count; block++) {
        this.#live?.add(vbn + block, checksumOf(data.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes)));
      }
      this.#traffic.blocksPushed += count;
      return this.#intake.write(vbn, data);
    });
    void Promise.all(writes).then(() => {
      this.#conversation.giveBack(message);
    });
    await this.#intake.room();
  }

  async #takeChanges({ changes }: ChangesMessage): Promise<void> {
    for (const { vbn } of changes) this.#checkRoom(vbn);
    this.#traffic.blocksPushed += changes.length;
    if (this.#live !== undefined) await this.#changed.take(changes, this.#live);
  }

  #checkRoom(vbn: number): void {
    const { blockCount } = this.#volume;
    if (vbn < blockCount) return;
    throw new MirrorpointError(
      'peer-too-small',
      `The primary has grown past the mirror: it sends block ${vbn} to one of ${blockCount} blocks. Grow the mirror by a device.`,
    );
  }

  #takeRoot(message: RootMessage): void {
    const { committed, committedBytes, blockCount } = this.#volume;
    const judgement = judgeRoot(message, {
      volumeId: this.#conversation.peer?.volumeId ?? new Uint8Array(16),
      blockCount,
      committed:
        committed === undefined || committedBytes === undefined
          ? undefined
          : { cp: committed.cp, checksum: rootChecksumOf(committedBytes), epoch: committed.epoch },
    });
    const isLive = message.basis === 'live';
    const received = isLive ? this.#live : undefined;
    if (isLive) this.#live = undefined;
    if (judgement.kind === 'refuse') throw judgement.fault;
    if (judgement.kind === 'known') {
      this.#tellCommitted();
      return;
    }
    if (this.#roots.length >= rootsOutstandingMax || message.cp <= (this.#roots.at(-1)?.root.cp ?? 0)) {
      throw new MirrorpointError(
        'message-invalid',
        `The primary sent the root of CP ${message.cp} before the mirror had got through earlier ones. Update the older of the two servers.`,
      );
    }
    this.#roots.push({ root: judgement.root, bytes: judgement.bytes, basis: message.basis, received });
    this.#heard({ cp: judgement.root.cp, wallMs: judgement.root.wallMs, checksum: rootChecksumOf(judgement.bytes) });
    this.#working ??= this.#work();
    this.#onChange();
  }

  /** Reaches the roots that came, one after another. Never throws: a fault ends the conversation. */
  async #work(): Promise<void> {
    try {
      for (let next = this.#roots[0]; next !== undefined && !this.#conversation.isOver; next = this.#roots[0]) {
        await this.#reach(next);
        this.#roots.shift();
        if (next.received !== undefined) this.#changed.giveBack(next.received);
        this.#onChange();
      }
    } catch (fault) {
      this.#fail(fault);
    } finally {
      this.#working = undefined;
    }
  }

  async #reach({ root, bytes, basis, received }: RootToReach): Promise<void> {
    const volume = this.#volume;
    await this.#intake.drain();
    const comparison = await this.#comparisonFor(basis);
    let basisCp: number;
    try {
      const reconciliation = new Reconciliation({
        volume,
        root,
        committed: comparison === undefined ? volume.committed : undefined,
        comparison,
        received,
        fetcher: this.#fetcher,
        probing: this.#probing,
      });
      basisCp = await reconciliation.run();
    } catch (fault) {
      if (fault instanceof RootGone) return;
      throw fault;
    }
    if (this.#conversation.isOver || this.#intake.hasFailed) return;
    await volume.commit(bytes, basisCp);
    this.#tellCommitted();
  }

  /** What to compare a root with whose primary does not keep the one that is served. */
  async #comparisonFor(basis: RootBasis): Promise<Comparison | undefined> {
    const { committed, setId } = this.#volume;
    if (basis === 'live' || basis === 'held' || committed === undefined) return undefined;
    // Unless the primary knows the mirror's root for one of its own, it may be all that is left of another history.
    const setAsideName = basis === 'ancestor' ? undefined : `set-aside-cp${committed.cp}`;
    const { root, space } = await this.#volume.beginComparison(setAsideName);
    return { root, space, isWhole: bytesEqual(root.setId, setId), needsCommonCp: basis === 'related' };
  }

  #tellCommitted(): void {
    const { committed, committedBytes, neededCps } = this.#volume;
    if (committed === undefined || committedBytes === undefined) return;
    this.#toldNeeds = neededCps.join();
    this.#conversation.tell({ type: 'committed', cp: committed.cp, rootChecksum: rootChecksumOf(committedBytes), neededCps });
  }

  #tellViews(): void {
    const { neededCps } = this.#volume;
    if (!this.#isReady || neededCps.join() === this.#toldNeeds) return;
    this.#toldNeeds = neededCps.join();
    this.#conversation.tell({ type: 'views', neededCps });
  }

  #noteHeartbeat(message: HeartbeatMessage): void {
    this.#primary.sentWallMs = message.sentWallMs;
    this.#primary.pendingBytes = message.pendingBytes;
    this.#primary.heardMs = this.#nowMs();
    this.#heard({ cp: message.lastCp, wallMs: message.lastCpWallMs, checksum: message.lastRootChecksum });
    this.#onChange();
  }

  /** What was heard before may have been of another primary, or of one that was set back since. What is missing came after it was heard last. */
  #forget(): void {
    const { missingSinceWallMs, sentWallMs } = this.#primary;
    const sinceWallMs = missingSinceWallMs ?? (sentWallMs === 0 ? undefined : sentWallMs);
    Object.assign(this.#primary, { lastCp: 0, lastCpWallMs: 0, lastRootChecksum: 0n, missingSinceWallMs: sinceWallMs });
  }

  #heard({ cp, wallMs, checksum }: { cp: number; wallMs: number; checksum: bigint }): void {
    const primary = this.#primary;
    if (cp < primary.lastCp) return;
    const mirrorCp = this.#volume.committed?.cp ?? 0;
    if (cp <= mirrorCp) primary.missingSinceWallMs = undefined;
    else if (primary.lastCp > 0 && primary.lastCp <= mirrorCp) primary.missingSinceWallMs = wallMs;
    primary.lastCp = cp;
    primary.lastCpWallMs = wallMs;
    primary.lastRootChecksum = checksum;
  }

  #fail(fault: unknown): void {
    this.#conversation.fail(fault);
    this.#fetcher.fail(sessionEnded());
  }
}

function sessionEnded(): MirrorpointError {
  return new MirrorpointError('link-closed', 'The session with the primary has ended; the next one goes on where it was.');
}
