import type { Clock } from '../base/index.ts';
import { BlockPool } from '../blocks/index.ts';
import {
  ConsistencyPoints,
  type CpCause,
  type CpRecord,
  type Extent,
  ReadGate,
  RequestLog,
  type RootRing,
  SpaceMap,
} from '../consistency/index.ts';
import type { VolumeDevices } from '../device/index.ts';
import { encodeOperation, InodeFlush, InodeTable, LiveFiles, type Operation } from '../files/index.ts';
import type { RootNode } from '../format/index.ts';
import { SnapshotLedger } from '../snapshots/index.ts';
import { BlockFile, type BlockFileContext } from '../tree/index.ts';
import { Admission } from './admission.ts';
import type { VolumeStart } from './volume-start.ts';

/** Memory for the volume's own maps while a CP changes them; taken from the machine only as far as used. */
const mapsPoolBytes = 256 << 20;

/** Blocks of those maps that a CP may change before it leaves the rest of what it gives up to the next, however full the volume is. */
const droppingBlocksMin = 8;

/** The parts of a live volume, joined: who writes into whom is decided here and nowhere else. */
export class VolumeCore {
  readonly context: Required<BlockFileContext>;
  readonly ring: RootRing;
  readonly gate = new ReadGate();
  readonly table: InodeTable;
  readonly orphans: BlockFile;
  readonly files: LiveFiles;
  readonly space: SpaceMap;
  readonly ledger: SnapshotLedger;
  readonly log: RequestLog<Operation>;
  readonly cps: ConsistencyPoints;
  readonly admission: Admission;
  /** Requests that changed nothing. */
  #readings = 0;

  constructor(start: VolumeStart, takeCp: (cause: CpCause) => Promise<CpRecord>) {
    const { options, root, context } = start;
    this.context = context;
    this.ring = start.ring;
    this.table = new InodeTable(context, root.files.inodes, root);
    this.orphans = new BlockFile(context, root.files.orphans);
    this.log = this.#requestLog(start, takeCp);
    this.files = new LiveFiles({
      inodes: this.table,
      orphans: this.orphans,
      nowNs: () => nowNs(options.clock),
      enterRead: () => this.gate.enter(),
      log: (operation, bytes) => {
        this.log.append(operation, bytes);
      },
    });
    const inodeFlush = new InodeFlush(this.table, this.orphans);
    this.ledger = this.#snapshotLedger(root, inodeFlush);
    this.space = new SpaceMap({
      geometry: context.geometry,
      cache: context.cache,
      file: new BlockFile(context, root.files.freeMap),
      blockCount: root.blockCount,
      usedCount: root.usedBlockCount,
      cursor: root.allocationCursor,
    });
    this.cps = this.#consistencyPoints(start, inodeFlush);
    this.admission = new Admission({
      pool: context.pool,
      space: this.space,
      name: options.name,
      waitingInodes: () => this.table.waitingCount,
      waitingRequests: () => this.log.waitingCount,
      waitingSnapshotRequests: () => this.ledger.waitingCount,
    });
  }

  query<T>(operation: (files: LiveFiles) => T): Promise<T> {
    this.#readings++;
    return this.context.cache.run(() => operation(this.files));
  }

  readInto(ino: number, offset: number, target: Uint8Array): Promise<number> {
    this.#readings++;
    return this.files.readInto(ino, offset, target);
  }

  #requestLog(start: VolumeStart, takeCp: (cause: CpCause) => Promise<CpRecord>): RequestLog<Operation> {
    return new RequestLog<Operation>({
      journal: start.journal,
      nextSequence: start.root.requestSequence,
      encode: (operation) =>
        encodeOperation(operation, (ino, offset, target) => {
          this.files.readCurrent(ino, offset, target);
        }),
      takeCp,
      resident: (operation) => this.context.cache.run(operation),
    });
  }

  #snapshotLedger(root: RootNode, inodeFlush: InodeFlush): SnapshotLedger {
    const pool = new BlockPool({ capacityBytes: mapsPoolBytes, blockSizeBytes: root.blockSizeBytes });
    return new SnapshotLedger({
      context: { ...this.context, pool },
      root,
      inodesOf: () => inodeFlush.written,
      lastRoot: () => this.cps.root,
      mayKeepUnasked: () => this.admission.mayKeepUnasked,
      // Each changed block may need an address block above it, and the maps come last.
      droppingBlocksMax: () => Math.max(droppingBlocksMin, Math.floor(this.space.freeCount / 4)),
    });
  }

  #consistencyPoints(start: VolumeStart, inodeFlush: InodeFlush): ConsistencyPoints {
    const { set, options, root, rootBytes, shed, journal, ring } = start;
    return new ConsistencyPoints({
      name: options.name,
      geometry: this.context.geometry,
      cache: this.context.cache,
      space: this.space,
      ring,
      journal,
      mayKeep: () => this.admission.mayKeepUnasked,
      gate: this.gate,
      clock: options.clock,
      participants: [inodeFlush, this.ledger],
      flushDevices: () => set.flush(),
      requestSequence: () => this.log.sequence,
      requestCount: () => this.log.sequence + this.#readings,
      isLow: () => this.admission.isLow,
      onDurable: (sequence) => {
        this.log.release(sequence);
      },
      ...(options.discard === true && { discard: (extents) => discardExtents(set, extents) }),
      root,
      rootBytes,
      shed,
    });
  }
}

async function discardExtents(set: VolumeDevices, extents: readonly Extent[]): Promise<void> {
  for (const { vbn, count } of extents) {
    await set.data.discard(vbn * set.blockSizeBytes, count * set.blockSizeBytes);
  }
}

/** Wall-clock time as inodes keep it. */
export function nowNs(clock: Clock): bigint {
  return BigInt(Math.floor(clock.wallMs() * 1000)) * 1000n;
}
