/** The primary of the benchmark: a whole server, driven by its parent. */
import type { RelationshipStatus } from '../../src-main/contract/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { BenchServer, type ProcessUsage } from './bench-server.ts';
import { serveParent } from './child.ts';
import { applyChanges, type ChangeSet, type ChangeTarget } from './data-set.ts';

const name = 'office';
const volume = name;
/** Where in the volume the data is. */
const root = '/data';

let server: BenchServer;

async function opened(): Promise<Volume> {
  const primary = await server.engine.shelf.primary(name);
  return primary.volume;
}

function relationship(address: string): RelationshipStatus | undefined {
  return server.engine.relationshipStatuses().find((one) => one.address === address);
}

function split(path: string): { folder: string; leaf: string } {
  const at = path.lastIndexOf('/');
  return { folder: `${root}/${path.slice(0, at)}`, leaf: path.slice(at + 1) };
}

/** A volume as the target of changes, as a file server would make them. */
class VolumeTarget implements ChangeTarget {
  readonly #volume: Volume;
  readonly #inodes = new Map<string, number>();

  constructor(target: Volume) {
    this.#volume = target;
  }

  async writeBlock(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const ino = this.#inodes.get(path) ?? (await this.#volume.query((files) => files.resolvePath(`${root}/${path}`)));
    this.#inodes.set(path, ino);
    await this.#write(ino, offsetBytes, bytes);
  }

  async createFile(path: string, bytes: Uint8Array): Promise<void> {
    const { folder, leaf } = split(path);
    const ino = await this.#volume.change(changeBlocks.create, (files) =>
      files.createFile(files.resolvePath(folder), leaf, { mode: 0o644, uid: 0, gid: 0 }),
    );
    await this.#write(ino, 0, bytes);
  }

  async rewriteFile(path: string, bytes: Uint8Array): Promise<void> {
    const ino = await this.#volume.query((files) => files.resolvePath(`${root}/${path}`));
    await this.#volume.change(changeBlocks.truncate, (files) => {
      files.truncate(ino, 0);
    });
    await this.#write(ino, 0, bytes);
  }

  async removeFile(path: string): Promise<void> {
    const { folder, leaf } = split(path);
    await this.#volume.change(changeBlocks.remove, (files) => {
      files.unlink(files.resolvePath(folder), leaf);
    });
  }

  async #write(ino: number, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    await this.#volume.change(changeBlocks.write(bytes.length, this.#volume.geometry.blockSizeBytes), (files) => {
      files.write(ino, offsetBytes, bytes);
    });
  }
}

const service = {
  async open(options: { folder: string; image: string; sizeBytes: number }): Promise<void> {
    server = await BenchServer.open(options.folder);
    const { image: path, sizeBytes } = options;
    await server.client.volumes.create({ name, devices: [{ path, sizeBytes }], cpIntervalMs: 0 });
  },

  async link(address: string): Promise<void> {
    await server.client.relationships.link({ volume, address });
  },

  async unlink(address: string): Promise<void> {
    await server.client.relationships.unlink({ volume, address });
  },

  async setCpInterval(intervalMs: number): Promise<void> {
    await server.client.cp.setInterval({ volume, intervalMs });
  },

  /** Brings a local folder in. */
  async put(local: string): Promise<void> {
    for await (const event of await server.client.files.put({ volume, path: root, local })) {
      if (event.type === 'problem') throw new Error(`${event.path}: ${event.message}`);
    }
  },

  async change(changes: ChangeSet): Promise<void> {
    await applyChanges(changes, new VolumeTarget(await opened()));
  },

  async takeCp(): Promise<number> {
    return (await server.client.cp.now({ volume })).cp;
  },

  /** Resolves when the mirror has the last CP. */
  async untilMirrored(address: string): Promise<void> {
    await server.until(() => relationship(address)?.identical === true);
  },

  async bytesSent(address: string): Promise<number> {
    return relationship(address)?.bytesSent ?? 0;
  },

  async cpHistory(): Promise<{ cp: number; cause: string; durationMs: number; bytes: number }[]> {
    return (await opened()).cpHistory.map(({ cp, cause, durationMs, bytes }) => ({ cp, cause, durationMs, bytes }));
  },

  usage: (): ProcessUsage => server.usage,

  close: () => server.close(),
};

export type PrimaryService = typeof service;

serveParent(service);
