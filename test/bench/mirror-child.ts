/** The mirror of the benchmark: a whole server, driven by its parent. */
import { BenchServer, type ProcessUsage } from './bench-server.ts';
import { serveParent } from './child.ts';

const name = 'copy';
const volume = name;

let server: BenchServer;

const service = {
  /** Makes an empty mirror; resolves to the address where it waits for its primary. */
  async open(options: { folder: string; image: string; sizeBytes: number }): Promise<string> {
    server = await BenchServer.open(options.folder);
    const { image: path, sizeBytes } = options;
    const devices = [{ path, sizeBytes }];
    const status = await server.client.volumes.create({ name, role: 'mirror', devices, listen: ['tcp://127.0.0.1:0'] });
    return status.listen[0]!;
  },

  async read(path: string, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return server.read(volume, `/data/${path}`, offsetBytes, lengthBytes);
  },

  async cp(): Promise<number> {
    return (await server.client.volumes.inspect({ volume })).cp;
  },

  /** Verifies every block; resolves to what is wrong. */
  async check(): Promise<readonly string[]> {
    for await (const event of await server.client.volumes.check({ volume })) {
      if (event.type === 'done') return event.problems.map((problem) => problem.message);
    }
    return ['the check did not come to its end'];
  },

  usage: (): ProcessUsage => server.usage,

  close: () => server.close(),
};

export type MirrorService = typeof service;

serveParent(service);
