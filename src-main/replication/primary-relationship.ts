import { assert, type CancelTimer, type Clock, MirrorpointError } from '../base/index.ts';
import { rootChecksumOf } from '../format/index.ts';
import type { Link } from '../transport/index.ts';
import { WireSession } from '../wire/index.ts';
import { Conversation } from './conversation.ts';
import { heartbeatIntervalMs, silenceMaxMs } from './limits.ts';
import { type MirroredVolume, type MirrorMemory, PrimarySession } from './primary-session.ts';
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
import { isPassing, retryDelayMs } from './retry.ts';

export interface PrimaryRelationshipOptions {
  readonly volume: MirroredVolume;
  /** Opens a link to the mirror's server. */
  readonly connect: () => Promise<Link>;
  readonly clock: Clock;
  /** Names the relationship in the volume's needs; the same after every restart. */
  readonly relationshipId: string;
  /** 16 bytes. */
  readonly serverId: Uint8Array;
  readonly serverName: string;
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
  readonly #memory: MirrorMemory = { needs: 'unknown', committed: undefined, sent: [], traffic: noTraffic() };
  readonly #listeners = new Set<() => void>();
  #running: Promise<void> | undefined;
  #isPaused = false;
  #isClosed = false;
  #session: PrimarySession | undefined;
  #conversation: Conversation | undefined;
  #peerName: string | undefined;
  #fault: MirrorpointError | undefined;
  #wake: (() => void) | undefined;

  constructor(options: PrimaryRelationshipOptions) {
    this.#options = options;
    this.relationshipId = options.relationshipId;
    options.volume.setMirrorNeeds(options.relationshipId, 'unknown');
  }

  /** Starts to connect. Called once. */
  start(): void {
    assert(this.#running === undefined, 'a relationship starts once');
    this.#running = this.#run();
  }

  /** Ends the session and opens no other until `resume`. What the mirror has stays kept on the primary. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#interrupt();
  }

  /** Goes on after `pause`; while it waits for its next attempt, makes it now. */
  resume(): void {
    this.#isPaused = false;
    this.#wake?.();
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
    return {
      state: this.#state(mirrorCp),
      ...(this.#isPaused ? {} : reasonFor(this.#fault)),
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
    };
  }

  /** Ends the session. What the mirror has stays kept, for the next start of the server. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#interrupt();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the relationship for good: the volume keeps nothing for this mirror any more. */
  async unlink(): Promise<void> {
    await this.close();
    this.#options.volume.setMirrorNeeds(this.relationshipId, undefined);
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#isClosed) {
      if (this.#isPaused) {
        await this.#sleep(undefined);
        continue;
      }
      const outcome = await this.#connectAndServe();
      attempt = outcome.wasReady ? 0 : attempt + 1;
      this.#fault = outcome.fault;
      this.#changed();
      if (!this.#isInterrupted) await this.#sleep(retryDelayMs(outcome.fault, Math.max(0, attempt - 1)));
    }
  }

  async #connectAndServe(): Promise<{ fault: MirrorpointError | undefined; wasReady: boolean }> {
    let link: Link;
    try {
      link = await this.#options.connect();
    } catch (fault) {
      if (fault instanceof MirrorpointError) return { fault, wasReady: false };
      throw fault;
    }
    if (this.#isInterrupted) {
      await link.close();
      return { fault: undefined, wasReady: false };
    }
    const conversation = this.#converse(link);
    let wasReady = false;
    const session = new PrimarySession({
      volume: this.#options.volume,
      relationshipId: this.relationshipId,
      memory: this.#memory,
      conversation,
      onChange: () => {
        wasReady ||= session.isReady;
        if (session.isReady) this.#fault = undefined;
        this.#peerName = conversation.peer?.serverName ?? this.#peerName;
        this.#changed();
      },
    });
    this.#session = session;
    this.#conversation = conversation;
    try {
      return { fault: await session.run(), wasReady };
    } finally {
      this.#memory.traffic = this.#traffic;
      this.#session = undefined;
      this.#conversation = undefined;
    }
  }

  #converse(link: Link): Conversation {
    const { volume, clock, serverId, serverName } = this.#options;
    const { root } = volume;
    const session = new WireSession({
      role: 'primary',
      hello: {
        serverId,
        serverName,
        volumeId: volume.id,
        setId: volume.setId,
        blockSizeBytes: root.blockSizeBytes,
        blockCount: root.blockCount,
        epoch: root.epoch,
      },
    });
    return new Conversation({
      link,
      session,
      clock,
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs ?? heartbeatIntervalMs,
      silenceMaxMs: this.#options.silenceMaxMs ?? silenceMaxMs,
      heartbeat: () => {
        this.#session?.tick();
        return {
          sentWallMs: clock.wallMs(),
          lastCp: volume.root.cp,
          lastCpWallMs: volume.root.wallMs,
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

  #state(mirrorCp: number): RelationshipState {
    if (this.#isPaused) return 'paused';
    if (this.#session?.isReady === true) {
      return stateOfSession({ mirrorCp, primaryCp: this.#options.volume.root.cp, isStreaming: this.#session.isStreaming });
    }
    return this.#fault !== undefined && !isPassing(this.#fault) ? 'error' : 'connecting';
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

  get #isInterrupted(): boolean {
    return this.#isClosed || this.#isPaused;
  }

  async #interrupt(): Promise<void> {
    this.#wake?.();
    this.#conversation?.bye();
    this.#changed();
    await this.#session?.ended;
  }

  /** Waits for the delay, for ever without one, or until woken. */
  #sleep(delayMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let cancel: CancelTimer = () => undefined;
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      if (delayMs !== undefined) cancel = this.#options.clock.setTimer(delayMs, this.#wake);
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
