import { checksumOf, isFault, type MirrorpointError, reasonOf } from '../base/index.ts';
import type { BlockStore } from '../blocks/index.ts';
import { pointerBirth, pointerChecksum, pointerVbn } from '../format/index.ts';

/** A block as its pointer promises it. */
export interface DamagedBlock {
  readonly vbn: number;
  readonly birthCp: number;
  readonly checksum: bigint;
}

/** Another server that may have a block: resolves to its bytes, or to undefined. */
export type PeerSource = (block: DamagedBlock) => Promise<Uint8Array | undefined>;

/**
 * What became of a damaged block: `healed`: rewritten in its place; `served`:
 * read from the other side, but not rewritten, and `fault` says why where it
 * failed; `lost`: nobody who could be asked has it.
 */
export interface HealRecord {
  readonly block: DamagedBlock;
  readonly outcome: 'healed' | 'served' | 'lost';
  readonly fault?: MirrorpointError;
}

export interface HealCounts {
  healed: number;
  served: number;
  lost: number;
}

interface HealedStore {
  readonly store: BlockStore;
  readonly mayRewrite: () => boolean;
}

/**
 * Gets blocks that the devices do not give from other servers, proves them, and
 * writes them over the bad ones in place.
 *
 * That is right only while nobody may give the place to another block. Whoever
 * reads a block through a pointer has its root kept until the read has ended: a
 * view, the read gate of the live volume, or what the primary keeps for a
 * mirror. The healer works inside of that read, and the read ends only when the
 * write has, so it needs no hold of its own.
 */
export class BlockHealer {
  readonly counts: HealCounts = { healed: 0, served: 0, lost: 0 };
  readonly #flush: () => Promise<void>;
  readonly #peers: PeerSource[] = [];
  readonly #listeners = new Set<(record: HealRecord) => void>();
  /** By VBN and checksum: one block is fetched and written once, whoever reads it. */
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #rewriting = new Set<Promise<HealRecord>>();
  #flushing: Promise<void> = Promise.resolve();
  #nextFlush: Promise<void> | undefined;

  constructor(options: { flush: () => Promise<void> }) {
    this.#flush = options.flush;
  }

  /** Heals what is read through a store; `mayRewrite` says whether places still belong to the blocks that it reads from them. */
  heal(store: BlockStore, mayRewrite: () => boolean = () => true): void {
    store.addSecondSource((pointer, offset, target) => this.#fill({ pointer, offset, target }, { store, mayRewrite }));
  }

  /** Asks this server too from now on, after those added before; the result ends that. */
  addPeer(peer: PeerSource): () => void {
    this.#peers.push(peer);
    return () => {
      const index = this.#peers.indexOf(peer);
      if (index >= 0) this.#peers.splice(index, 1);
    };
  }

  /** Calls the listener with what became of each damaged block; the result ends that. */
  onHeal(listener: (record: HealRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when nothing is being rewritten that was begun before this call. */
  async idle(): Promise<void> {
    await Promise.all(this.#rewriting);
  }

  async #fill(wanted: { pointer: Uint8Array; offset: number; target: Uint8Array }, at: HealedStore): Promise<boolean> {
    const { pointer, offset, target } = wanted;
    const block = { vbn: pointerVbn(pointer, offset), birthCp: pointerBirth(pointer, offset), checksum: pointerChecksum(pointer, offset) };
    const key = `${block.vbn} ${block.checksum}`;
    let healing = this.#underWay.get(key);
    if (healing === undefined) {
      healing = this.#heal(block, at).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, healing);
    }
    const bytes = await healing;
    if (bytes !== undefined) target.set(bytes);
    return bytes !== undefined;
  }

  async #heal(block: DamagedBlock, at: HealedStore): Promise<Uint8Array | undefined> {
    for (const peer of [...this.#peers]) {
      const bytes = await peer(block);
      if (bytes?.length !== at.store.blockSizeBytes || checksumOf(bytes) !== block.checksum) continue;
      const rewriting = this.#rewrite(block, bytes, at);
      this.#rewriting.add(rewriting);
      this.#tell(await rewriting.finally(() => this.#rewriting.delete(rewriting)));
      return bytes;
    }
    this.#tell({ block, outcome: 'lost' });
    return undefined;
  }

  /** A device that cannot be written does not keep the bytes from who asked for them. */
  async #rewrite(block: DamagedBlock, bytes: Uint8Array, at: HealedStore): Promise<HealRecord> {
    if (!at.mayRewrite()) return { block, outcome: 'served' };
    try {
      await at.store.writeRun(block.vbn, [bytes]);
      await this.#flushTogether();
      return { block, outcome: 'healed' };
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      return { block, outcome: 'served', fault };
    }
  }

  /** One flush for all that wait for the next one. */
  #flushTogether(): Promise<void> {
    this.#nextFlush ??= this.#flushing
      .catch(() => undefined)
      .then(() => {
        this.#nextFlush = undefined;
        this.#flushing = this.#flush();
        return this.#flushing;
      });
    return this.#nextFlush;
  }

  #tell(record: HealRecord): void {
    this.counts[record.outcome]++;
    for (const listener of this.#listeners) listener(record);
  }
}

/** What became of a block, for people. */
export function healText({ block, outcome, fault }: HealRecord): string {
  const which = `Block ${block.vbn}, born in CP ${block.birthCp}`;
  if (outcome === 'healed') return `${which}, was bad and was rewritten from the other side.`;
  if (outcome === 'lost') return `${which}, is bad, and no other side that could be asked has it right.`;
  return `${which}, is bad and was read from the other side${fault === undefined ? '' : `; it could not be rewritten: ${reasonOf(fault)}`}.`;
}
