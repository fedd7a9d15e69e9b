/** A server with volumes that have snapshots, driven by its parent. */
import { setTimeout } from 'node:timers/promises';
import { BenchServer } from './bench-server.ts';
import { serveParent } from './child.ts';
import { VolumeLoad } from './volume-load.ts';

const path = '/file';
const settleMs = 20;

let server: BenchServer;

const service = {
  async open(folder: string): Promise<void> {
    server = await BenchServer.open(folder);
  },

  /** Makes a volume with snapshots `0` and up, each of another state. */
  async make(name: string, image: string, snapshotCount: number): Promise<void> {
    await server.client.volumes.create({ name, devices: [{ path: image, sizeBytes: 2 ** 30 }], cpIntervalMs: 0 });
    const { volume } = await server.engine.shelf.primary(name);
    const load = new VolumeLoad(volume);
    await load.makeFile(path, 4096);
    for (let index = 0; index < snapshotCount; index++) {
      await load.write(path, 0, new Uint8Array(8).fill(index));
      await server.client.snapshots.create({ volume: name, snapshot: String(index) });
    }
    await server.client.volumes.detach({ volume: name });
  },

  /** Opens a snapshot of a volume of which nothing is in the server's memory, and looks at a file in it; resolves to milliseconds. */
  async look(name: string, image: string, snapshot: string): Promise<number> {
    await server.client.volumes.attach({ name, devices: [image], cpIntervalMs: 0 });
    await server.client.volumes.inspect({ volume: name });
    // What the server looks at after an opening would be on the way.
    await setTimeout(settleMs);
    const startedMs = performance.now();
    await server.client.files.stat({ volume: name, at: { snapshot }, path });
    const ms = performance.now() - startedMs;
    await server.client.volumes.detach({ volume: name });
    return ms;
  },

  close: () => server.close(),
};

export type OpeningService = typeof service;

serveParent(service);
