import { BlockCache, BlockPool, BlockStore } from '../../src-main/blocks/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import {
  createRootDirectory,
  decodeOperation,
  encodeOperation,
  InodeTable,
  LiveFiles,
  type NewFile,
  type Operation,
  operationBytes,
  rootDirectoryInode,
} from '../../src-main/files/index.ts';
import { emptyInode, geometryOf } from '../../src-main/format/index.ts';
import { BlockFile, type BlockFileContext } from '../../src-main/tree/index.ts';
import { watchReads } from './change-watch.ts';

export const plain: NewFile = { mode: 0o644, uid: 1000, gid: 100 };

/** A live file system of which no CP is ever taken: all its changes wait in memory. */
export class MemoryFiles {
  readonly context: Required<BlockFileContext>;
  readonly table: InodeTable;
  readonly orphans: BlockFile;
  readonly files: LiveFiles;
  /** The time that the next changes are made at. */
  nowNs = 0n;
  /** Encoded requests, in order, as far as they were synced. */
  readonly journal: Uint8Array[] = [];
  /** Requests since the last `sync`. */
  pending: Operation[] = [];
  readsUnderWay = 0;

  constructor(blockSizeBytes = 4096) {
    const store = new BlockStore(new MemoryDevice({ sizeBytes: 1 << 20 }), blockSizeBytes);
    this.context = {
      geometry: geometryOf(blockSizeBytes),
      cache: new BlockCache(store, { capacityBytes: 1 << 20 }),
      pool: new BlockPool({ capacityBytes: 2 ** 40, blockSizeBytes }),
    };
    this.table = new InodeTable(this.context, emptyInode('system'), { nextInode: 1, freeInodeHead: 0, inodeCount: 0 });
    this.orphans = new BlockFile(this.context, emptyInode('system'));
    createRootDirectory(this.table, { mode: 0o755, uid: 0, gid: 0, nowNs: 0n });
    this.files = new LiveFiles({
      inodes: this.table,
      orphans: this.orphans,
      nowNs: () => this.nowNs,
      enterRead: () => {
        this.readsUnderWay++;
        return () => {
          this.readsUnderWay--;
        };
      },
      log: (operation, bytes) => {
        if (bytes !== operationBytes(operation)) throw new Error('a request is logged with its length');
        this.pending.push(operation);
      },
    });
  }

  /** Makes a change, which may take no more of the pool than was said, and reads nothing new after it has begun to change. */
  async change<T>(costBlocks: number, operation: (files: LiveFiles) => T): Promise<T> {
    const { pool } = this.context;
    const before = pool.takenCount;
    try {
      const { result, late } = await this.query(() => watchReads(() => operation(this.files)));
      if (late.length > 0) throw new Error(`a change read after its first change: ${late.join(', ')}`);
      return result;
    } finally {
      const taken = pool.takenCount - before;
      if (taken > costBlocks) throw new Error(`a change said to take ${costBlocks} blocks took ${taken}`);
    }
  }

  query<T>(operation: (files: LiveFiles) => T): Promise<T> {
    return this.context.cache.run(() => operation(this.files));
  }

  /** Encodes what is pending, as one batch, with the contents of now. */
  async sync(): Promise<void> {
    for (const operation of this.pending) {
      this.journal.push(encodeOperation(operation, (ino, offsetBytes, target) => this.files.readCurrent(ino, offsetBytes, target)));
    }
    this.pending = [];
  }

  /** A new file system on which everything that was synced has been replayed. */
  async replayed(): Promise<MemoryFiles> {
    const again = new MemoryFiles(this.context.geometry.blockSizeBytes);
    again.nowNs = -1n;
    for (const bytes of this.journal) {
      const operation = decodeOperation(bytes);
      await again.query((files) => files.replay(operation));
    }
    return again;
  }
}

/** What `dumpTree` can look at. */
export interface Browsable {
  query: <T>(operation: (files: LiveFiles) => T) => Promise<T>;
  readInto: (ino: number, offsetBytes: number, target: Uint8Array) => Promise<number>;
}

/** Everything that can be seen of a tree, by path. */
export async function dumpTree(source: Browsable, options: { withTimes: boolean }): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  const visit = async (ino: number, path: string): Promise<void> => {
    const { allocatedBytes: _, modifiedNs, changedNs, createdNs, accessedNs, ...attributes } = await source.query((files) => files.stat(ino));
    const names = await source.query((files) => files.listExtendedAttributes(ino));
    const extended: Record<string, string> = {};
    for (const name of names) extended[name] = digest(await source.query((files) => files.getExtendedAttribute(ino, name)));
    const found: Record<string, unknown> = { ...attributes, extended };
    if (options.withTimes) Object.assign(found, { modifiedNs, changedNs, createdNs, accessedNs });
    seen[path === '' ? '/' : path] = found;
    if (attributes.kind === 'symlink') found.target = await source.query((files) => files.readLink(ino));
    if (attributes.kind === 'file') {
      const bytes = new Uint8Array(attributes.sizeBytes);
      found.read = await source.readInto(ino, 0, bytes);
      found.content = digest(bytes);
    }
    if (attributes.kind !== 'directory') return;
    const entries = await source.query((files) => files.readDirectory(ino, undefined, 100_000));
    for (const entry of entries) await visit(entry.ino, `${path}/${entry.name}`);
  };
  await visit(rootDirectoryInode, '');
  return seen;
}

/** Bytes in a form that is short in a failure's message. */
export function digest(bytes: Uint8Array): string {
  if (bytes.length <= 32) return Buffer.from(bytes).toString('hex');
  let hash = 5381;
  for (const byte of bytes) hash = (Math.imul(hash, 33) ^ byte) >>> 0;
  return `${bytes.length}:${hash.toString(16)}`;
}
