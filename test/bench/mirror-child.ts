/** The mirror of the benchmark: a whole server, driven by its parent. */
import { setTimeout } from 'node:timers/promises';
import { isFault } from '../../src-main/base/index.ts';
import { BenchServer, type ProcessUsage } from './bench-server.ts';
import { serveParent } from './child.ts';
import { type Mark, preciseWallMs } from './volume-load.ts';

const name = 'copy';
const volume = name;

let server: BenchServer;

interface Watched {
  readonly path: string;
  readonly seen: Mark[];
  isOver: boolean;
  last: number;
}

const lookMs = 10;
let watched: Watched | undefined;
let watching: Promise<void> | undefined;

async function look(marks: Watched): Promise<void> {
  while (!marks.isOver) {
    await setTimeout(lookMs);
    const number = await markAt(marks.path);
    if (number <= marks.last) continue;
    marks.last = number;
    marks.seen.push({ number, wallMs: preciseWallMs() });
  }
}

/** The number that stands in the file; 0 while it is not there. */
async function markAt(path: string): Promise<number> {
  try {
    const bytes = await server.read(volume, path, 0, 8);
    return bytes.length < 8 ? 0 : Number(new DataView(bytes.buffer).getBigUint64(0, true));
  } catch (fault) {
    if (isFault(fault, 'not-found')) return 0;
    throw fault;
  }
}

const service = {
  /** Makes an empty mirror that waits at the address for its primary. */
  async open(options: { folder: string; image: string; sizeBytes: number; address: string }): Promise<void> {
    server = await BenchServer.open(options.folder);
    const { image: path, sizeBytes, address } = options;
    await server.client.volumes.create({ name, role: 'mirror', devices: [{ path, sizeBytes }], listen: [address] });
  },

  /** Takes up the mirror that an earlier process has left there. */
  async reopen(folder: string): Promise<void> {
    server = await BenchServer.open(folder);
    await server.client.volumes.inspect({ volume });
  },

  invite: (): Promise<string> => server.invite(),

  async read(path: string, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return server.read(volume, `/data/${path}`, offsetBytes, lengthBytes);
  },

  /** Begins to look for the marks in a file over and over, until `seen`. */
  watch(path: string): void {
    watched = { path, seen: [], isOver: false, last: 0 };
    watching = look(watched);
  },

  /** When each mark was readable first, once the mark of that number is. */
  async seen(number: number): Promise<readonly Mark[]> {
    while (watched!.last < number) await setTimeout(lookMs);
    watched!.isOver = true;
    await watching;
    return watched!.seen;
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
