import { setImmediate } from 'node:timers/promises';
import { type SeededRandom } from '../../src-main/base/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { MirrorService, type MirroredVolume, PrimaryRelationship } from '../../src-main/replication/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MirrorVolume } from '../../src-main/volume/index.ts';
import { type History, type Promises, proveSnapshots, Violation } from './history.ts';
import type { VirtualClock } from './virtual-clock.ts';

const address = 'memory://mirror';
const turnsMax = 20_000;

/** Creates an empty mirror's device set. */
export function newMirrorSet(devices: Device[], random: SeededRandom): Promise<DeviceSet> {
  return DeviceSet.create(devices, {
    volumeId: new Uint8Array(16),
    setId: random.bytes(16),
    blockSizeBytes: 4096,
    journalBytes: 64 << 10,
    random,
  });
}

/** A mirror that follows a volume over memory, with nothing in between that could fail. */
export class MirrorPair {
  readonly mirror: MirrorVolume;
  readonly #service: MirrorService;
  readonly #relationship: PrimaryRelationship;
  readonly #clock: VirtualClock;
  #crash: unknown;

  private constructor(parts: { mirror: MirrorVolume; service: MirrorService; relationship: PrimaryRelationship; clock: VirtualClock }) {
    this.mirror = parts.mirror;
    this.#service = parts.service;
    this.#relationship = parts.relationship;
    this.#clock = parts.clock;
  }

  /** Opens the mirror and links the volume to it. `onCommit` hears of each root that the mirror has committed. */
  static async start(options: {
    volume: MirroredVolume;
    mirrorSet: DeviceSet;
    clock: VirtualClock;
    onCommit?: (cp: number) => void;
  }): Promise<MirrorPair> {
    const { volume, clock } = options;
    const mirror = await MirrorVolume.open(options.mirrorSet, { name: 'mirror', cacheBytes: 256 << 10 });
    const service = new MirrorService({ volume: mirror, clock, serverId: new Uint8Array(16).fill(2), serverName: 'mirror' });
    let known = mirror.committed?.cp ?? 0;
    service.onChange(() => {
      const cp = mirror.committed?.cp ?? 0;
      if (cp !== known) options.onCommit?.(cp);
      known = cp;
    });
    const transport = new MemoryTransport();
    const relationship = new PrimaryRelationship({
      volume,
      connect: () => transport.connect(address),
      clock,
      relationshipId: 'pair',
      serverId: new Uint8Array(16).fill(1),
      serverName: 'primary',
    });
    const pair = new MirrorPair({ mirror, service, relationship, clock });
    await transport.listen(address, (link) => {
      service.accept(link).catch((crash: unknown) => (pair.#crash ??= crash));
    });
    relationship.start();
    return pair;
  }

  /** Lets both work until the mirror has the volume's last CP. */
  async untilIdentical(): Promise<void> {
    for (let turn = 0; !this.#relationship.status().identical; turn++) {
      if (this.#crash !== undefined) throw this.#crash as Error;
      if (turn === turnsMax) {
        const { state, reason } = this.#relationship.status();
        throw new Violation(`the mirror does not catch up: ${state}, ${reason ?? 'no reason'}; ${this.#service.status().reason ?? ''}`);
      }
      await setImmediate();
      if (turn % 20 === 19) this.#clock.step();
    }
  }

  async close(): Promise<void> {
    await this.#relationship.close();
    await this.#service.close();
    await this.mirror.close();
    if (this.#crash !== undefined) throw this.#crash as Error;
  }
}

/**
 * Proves that a mirror shows one whole CP: one that was durable on the primary,
 * not older than what the mirror has said that it has; its files and snapshots
 * are what that CP froze, and every block is right. Resolves to the CP.
 */
export async function proveMirror(mirror: MirrorVolume, proof: { history: History; promises: Promises; leastCp: number }): Promise<number> {
  const { history, promises, leastCp } = proof;
  const cp = mirror.committed?.cp ?? 0;
  if (cp < leastCp) throw new Violation(`the mirror is at CP ${cp}, and had acknowledged CP ${leastCp}`);
  if (cp === 0) return 0;
  const root = promises.roots.get(cp);
  if (root === undefined) throw new Violation(`the mirror shows CP ${cp}, which was never durable on the primary`);
  if (Buffer.compare(root, mirror.committedBytes!) !== 0) throw new Violation(`the mirror has another root of CP ${cp} than the primary`);
  const view = await mirror.openView('last');
  await history.proveView(view, promises, 'the mirror').finally(() => view.close());
  await proveSnapshotsOf(mirror, history, promises);
  const { problems } = await mirror.check();
  if (problems.length > 0) throw new Violation(`the mirror's CP ${cp} is not whole: ${problems[0]!.message}`);
  return cp;
}

/** Which snapshots the mirror lists is a matter of its CP; each that it lists must be right. */
async function proveSnapshotsOf(mirror: MirrorVolume, history: History, promises: Promises): Promise<void> {
  const listed = Object.assign(Object.create(promises) as Promises, { snapshots: new Map() });
  await proveSnapshots(mirror, history, listed);
}
