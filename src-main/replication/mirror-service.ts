import { type Clock, MirrorpointError } from '../base/index.ts';
import { rootChecksumOf } from '../format/index.ts';
import type { Link } from '../transport/index.ts';
import type { MirrorVolume } from '../volume/index.ts';
import { type HandOverMessage, type HelloMessage, type Packing, WireSession } from '../wire/index.ts';
import { Conversation } from './conversation.ts';
import { handshakesMax, heartbeatIntervalMs, silenceMaxMs } from './limits.ts';
import { LinkKeeper, type LinkOutcome } from './link-keeper.ts';
import { MirrorSession, type PrimaryKnowledge } from './mirror-session.ts';
import type { ServerName } from './primary-hello.ts';
import { identityOf, lagMsOf, noTraffic, reasonFor, type RelationshipStatus, stateOfSession } from './relationship-status.ts';
import { isPassing } from './retry.ts';

export interface MirrorServiceOptions extends ServerName {
  readonly volume: MirrorVolume;
  readonly clock: Clock;
  /** Undoes what the primary packs; zstd unless given. */
  readonly packing?: Packing | undefined;
  readonly heartbeatIntervalMs?: number;
  readonly silenceMaxMs?: number;
  /**
   * Says whether this primary may lead the mirror, whose volume, blocks and epoch are right, and throws why not.
   * `identity` is who it is, where its link has proven that. Without this every primary may.
   */
  readonly welcome?: (primary: HelloMessage, identity: string | undefined) => Promise<void>;
  /**
   * Notes durably that this server becomes the primary, in the given epoch, at the root that the mirror has. Once it
   * resolves there is no way back: no primary is served any more, and the mirror's volume is to be closed and promoted.
   */
  readonly takeLead?: (epoch: number) => Promise<void>;
}

/**
 * The mirror's side of a relationship: serves the primary that comes over a
 * link, whichever of the two has opened it. One session works on the volume at a time: a link whose hello is right
 * takes the place of an older one, which is dead or about to be. The volume is
 * the caller's to close, after this.
 */
export class MirrorService implements AsyncDisposable {
  readonly #options: MirrorServiceOptions;
  readonly #sessions = new Set<MirrorSession>();
  readonly #listeners = new Set<() => void>();
  readonly #traffic = noTraffic();
  readonly #primary: PrimaryKnowledge = { name: undefined, lastCp: 0, lastCpWallMs: 0, lastRootChecksum: 0n, missingSinceWallMs: undefined, pendingBytes: 0, sentWallMs: 0, heardMs: 0 };
  #current: MirrorSession | undefined;
  /** Of the server that sent last, where its carrier proved it. */
  #primaryIdentity: string | undefined;
  #fault: MirrorpointError | undefined;
  readonly #stopHealing: () => void;
  #isClosed = false;
  /** It leads, or is about to: whoever wants to go on as its primary is too late. */
  #hasTheLead = false;
  readonly #keepers: LinkKeeper[] = [];

  constructor(options: MirrorServiceOptions) {
    this.#options = options;
    this.#stopHealing = options.volume.healer.addPeer(async (block) =>
      this.#current?.isReady === true ? this.#current.fetchBlock(block) : undefined,
    );
  }

  /** Opens links to the primary by itself from now on, beside those that come. The keeper is closed with this. */
  dial(connect: () => Promise<Link>): LinkKeeper {
    const keeper = new LinkKeeper({
      clock: this.#options.clock,
      connect,
      use: (link, signal) => this.accept(link, signal),
      onEnd: (fault) => {
        if (this.#current === undefined) this.#fault = fault;
        this.#changed();
      },
    });
    this.#keepers.push(keeper);
    return keeper;
  }

  /** Serves a link until it ends or the signal says so, and closes it. Resolves then; operating faults show in the status. */
  async accept(link: Link, signal?: AbortSignal): Promise<LinkOutcome> {
    const waiting = [...this.#sessions].filter((session) => session !== this.#current).length;
    if (this.#isClosed || waiting >= handshakesMax) {
      await link.close();
      return { fault: undefined, wasReady: false };
    }
    const session = this.#serve(link);
    this.#sessions.add(session);
    signal?.addEventListener('abort', () => {
      session.stop();
    });
    let fault: MirrorpointError | undefined;
    try {
      fault = await session.run();
      return { fault, wasReady: session.wasReady };
    } finally {
      this.#sessions.delete(session);
      this.#traffic.bytesSent += session.bytesSent;
      this.#traffic.bytesReceived += session.bytesReceived;
      // A link that never took its place says nothing about the relationship, unless there is no other.
      if (this.#current === session || this.#current === undefined) {
        this.#current = undefined;
        this.#fault = fault;
      }
      this.#changed();
    }
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
    const { committed } = volume;
    const own = checksumOfCommitted(volume);
    const session = this.#current?.isReady === true ? this.#current : undefined;
    const mirrorCp = committed?.cp ?? 0;
    const primaryCp = Math.max(this.#primary.lastCp, mirrorCp);
    // The primary's own clock, as far as it is known here: clocks differ.
    const nowWallMs =
      this.#primary.sentWallMs === 0 ? clock.wallMs() : this.#primary.sentWallMs + clock.monotonicMs() - this.#primary.heardMs;
    return {
      state: session !== undefined ? stateOfSession({ mirrorCp, primaryCp, isStreaming: session.isStreaming }) : this.#stateApart(),
      ...(session === undefined ? reasonFor(this.#fault) : {}),
      ...(this.#primary.name === undefined ? {} : { peerName: this.#primary.name }),
      ...(this.#primaryIdentity === undefined ? {} : { peerIdentity: this.#primaryIdentity }),
      primaryCp,
      mirrorCp,
      lagCps: primaryCp - mirrorCp,
      lagBytes: mirrorCp === primaryCp ? 0 : Math.max(this.#primary.pendingBytes, this.#current?.missingBytes ?? 0),
      lagMs: lagMsOf({
        mirrorCp,
        primaryCp,
        mirrorWallMs: committed?.wallMs ?? 0,
        missingSinceWallMs: this.#primary.missingSinceWallMs,
        nowWallMs,
      }),
      bytesSent: this.#traffic.bytesSent + (this.#current?.bytesSent ?? 0),
      bytesReceived: this.#traffic.bytesReceived + (this.#current?.bytesReceived ?? 0),
      blocksPushed: this.#traffic.blocksPushed,
      blocksPulled: this.#traffic.blocksPulled,
      lastCommittedWallMs: committed?.wallMs ?? 0,
      ...identityOf(mirrorCp === this.#primary.lastCp && own === this.#primary.lastRootChecksum ? own : undefined),
      ...this.#current?.peerClock,
    };
  }

  /** Ends every session. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const keepers = this.#keepers.map((keeper) => keeper.close());
    this.#stopHealing();
    const sessions = [...this.#sessions];
    for (const session of sessions) session.stop();
    await Promise.all([...keepers, ...sessions.map((session) => session.ended)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #serve(link: Link): MirrorSession {
    const { volume, clock, serverId, serverName } = this.#options;
    const wire = new WireSession({
      role: 'mirror',
      hello: {
        serverId,
        serverName,
        volumeId: volume.id,
        setId: volume.setId,
        blockSizeBytes: volume.blockSizeBytes,
        blockCount: volume.blockCount,
        epoch: volume.committed?.epoch ?? 0,
      },
    });
    const conversation: Conversation = new Conversation({
      link,
      session: wire,
      clock,
      packing: this.#options.packing,
      heartbeatIntervalMs: this.#options.heartbeatIntervalMs ?? heartbeatIntervalMs,
      silenceMaxMs: this.#options.silenceMaxMs ?? silenceMaxMs,
      own: {
        blockSizeBytes: volume.blockSizeBytes,
        blockCount: () => volume.blockCount,
        readBlocks: (vbn, buffers) => volume.store.readRun(vbn, buffers),
      },
      heartbeat: () => ({
        sentWallMs: clock.wallMs(),
        lastCp: volume.committed?.cp ?? 0,
        lastCpWallMs: volume.committed?.wallMs ?? 0,
        lastRootChecksum: checksumOfCommitted(volume) ?? 0n,
        pendingBytes: session.missingBytes,
      }),
    });
    const session: MirrorSession = new MirrorSession({
      volume,
      conversation,
      takeOver: (next) => this.#takeOver(next),
      welcome: (hello) => this.#options.welcome?.(hello, link.peerIdentity) ?? Promise.resolve(),
      takeLead: (message) => this.#takeLead(message),
      primary: this.#primary,
      traffic: this.#traffic,
      nowMs: () => clock.monotonicMs(),
      onChange: () => {
        if (session.isReady) this.#primaryIdentity = link.peerIdentity;
        this.#changed();
      },
    });
    return session;
  }

  async #takeOver(session: MirrorSession): Promise<void> {
    const previous = this.#current;
    this.#current = session;
    this.#fault = undefined;
    if (previous !== undefined) {
      previous.stop();
      await previous.ended;
    }
    // The previous session may have ended because the volume was handed over.
    if (this.#hasTheLead) throw new MirrorpointError('link-closed', 'The mirror becomes the primary of its volume.');
  }

  async #takeLead(message: HandOverMessage): Promise<void> {
    const { takeLead } = this.#options;
    if (takeLead === undefined) throw new MirrorpointError('unsupported', 'This mirror cannot become a primary.');
    this.#hasTheLead = true;
    try {
      await takeLead(message.epoch);
    } catch (fault) {
      this.#hasTheLead = false;
      throw fault;
    }
  }

  #stateApart(): 'connecting' | 'error' {
    return this.#fault !== undefined && !isPassing(this.#fault) ? 'error' : 'connecting';
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function checksumOfCommitted({ committedBytes }: MirrorVolume): bigint | undefined {
  return committedBytes === undefined ? undefined : rootChecksumOf(committedBytes);
}
