/** The primary of the benchmark: a whole server, driven by its parent. */
import { setTimeout } from 'node:timers/promises';
import type { RelationshipStatus } from '../../src-main/contract/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { BenchServer, type ProcessUsage } from './bench-server.ts';
import { serveParent } from './child.ts';
import { applyChanges, type ChangeSet } from './data-set.ts';
import { type Mark, type StreamOptions, VolumeLoad } from './volume-load.ts';
import { VolumeTarget } from './volume-target.ts';

const name = 'office';
const volume = name;
/** Where in the volume the data is. */
const root = '/data';

let server: BenchServer;
let loading: VolumeLoad | undefined;

async function opened(): Promise<Volume> {
  const primary = await server.engine.shelf.primary(name);
  return primary.volume;
}

async function load(): Promise<VolumeLoad> {
  loading ??= new VolumeLoad(await opened());
  return loading;
}

function relationship(address: string): RelationshipStatus | undefined {
  return server.engine.relationshipStatuses().find((one) => one.address === address);
}

const service = {
  /** Makes an empty volume; CPs come by themselves only with an interval. */
  async open(options: { folder: string; image: string; sizeBytes: number; cpIntervalMs?: number }): Promise<void> {
    server = await BenchServer.open(options.folder);
    const { image: path, sizeBytes, cpIntervalMs = 0 } = options;
    await server.client.volumes.create({ name, devices: [{ path, sizeBytes }], cpIntervalMs });
  },

  /** Takes up the volumes that an earlier process has left there. */
  async reopen(folder: string): Promise<void> {
    server = await BenchServer.open(folder);
  },

  /** Pairs with the server that has invited; resolves to its identity. */
  pair: (invitation: string): Promise<string> => server.accept(invitation),

  async link(to: { address: string; peer: string }): Promise<void> {
    await server.client.relationships.link({ volume, ...to });
  },

  async unlink(address: string): Promise<void> {
    await server.client.relationships.unlink({ volume, address });
  },

  /** Ends the session with the mirror until `resume`. */
  async pause(address: string): Promise<void> {
    await server.client.relationships.pause({ volume, address });
  },

  async resume(address: string): Promise<void> {
    await server.client.relationships.resume({ volume, address });
  },

  /** Gives up what is kept for the mirror. */
  async dropBase(address: string): Promise<void> {
    await server.client.holds.release({ volume, address });
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
    await applyChanges(changes, new VolumeTarget(await opened(), root));
  },

  makeFile: async (path: string, sizeBytes: number): Promise<void> => (await load()).makeFile(path, sizeBytes),

  overwrite: async (path: string, how: { sizeBytes: number; label: string }): Promise<void> => (await load()).overwrite(path, how),

  syncedWrites: async (path: string, how: { sizeBytes: number; count: number; seed: number }): Promise<number> =>
    (await load()).syncedWrites(path, how),

  makeEntries: async (folder: string, count: number): Promise<void> => (await load()).makeEntries(folder, count),

  stream: async (how: StreamOptions): Promise<Mark[]> => (await load()).stream(how),

  write: async (path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> => (await load()).write(path, offsetBytes, bytes),

  async snapshot(snapshot: string): Promise<void> {
    await server.client.snapshots.create({ volume, snapshot });
  },

  /** Takes the data out of a snapshot, into a folder of this machine. */
  async restore(snapshot: string, folder: string): Promise<void> {
    const source = { volume, at: { snapshot }, paths: [root] };
    const { jobId } = await server.client.restore.start({ source, target: { kind: 'local', folder }, collisions: 'replace' });
    for (;;) {
      const job = (await server.client.jobs.list({})).jobs.find((one) => one.jobId === jobId);
      if (job?.state === 'done' && job.problemCount === 0) return;
      if (job?.state !== 'running') throw new Error(job?.fault?.message ?? job?.problems[0]?.message ?? 'The restore was lost.');
      await setTimeout(5);
    }
  },

  /** The first page of a folder in a snapshot; resolves to its entries, and the milliseconds that it took. */
  async list(snapshot: string, path: string): Promise<{ entries: number; ms: number }> {
    const startedMs = performance.now();
    const { entries } = await server.client.files.list({ volume, at: { snapshot }, path });
    return { entries: entries.length, ms: performance.now() - startedMs };
  },

  /** The CPs of this server's volume, the newest last. */
  async cps(): Promise<{ startedWallMs: number; durationMs: number; bytes: number }[]> {
    return (await opened()).cpHistory.map(({ startedWallMs, durationMs, bytes }) => ({ startedWallMs, durationMs, bytes }));
  },

  async takeCp(): Promise<number> {
    return (await server.client.cp.now({ volume })).cp;
  },

  /** Resolves when the mirror has the last CP. */
  async untilMirrored(address: string): Promise<void> {
    await server.until(() => relationship(address)?.identical === true);
  },

  async traffic(address: string): Promise<{ bytesSent: number; bytesReceived: number }> {
    const { bytesSent = 0, bytesReceived = 0 } = relationship(address) ?? {};
    return { bytesSent, bytesReceived };
  },

  async usedBytes(): Promise<number> {
    const { usedBlockCount, blockSizeBytes } = await server.client.volumes.inspect({ volume });
    return usedBlockCount * blockSizeBytes;
  },

  usage: (): ProcessUsage => server.usage,

  close: () => server.close(),
};

export type PrimaryService = typeof service;

serveParent(service);
