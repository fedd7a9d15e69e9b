import { expect } from 'vitest';
import type { FollowRequest, FollowStatus, FollowStep } from '../../src-main/contract/index.ts';
import type { FileReader } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';
import { MemoryTree } from './memory-tree.ts';

/** Every path below a folder of a volume with what it is, as a tree in memory describes itself. */
export async function describeVolume(volume: Volume, path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = async (ino: number, at: string): Promise<void> => {
    const entries = await volume.query((files: FileReader) =>
      files.readDirectory(ino, undefined, 100_000).map(({ name, ino: inner }) => ({ name, ...files.stat(inner), target: files.stat(inner).kind === 'symlink' ? files.readLink(inner) : '' })),
    );
    for (const { name, ino: inner, kind, mode, modifiedNs, sizeBytes, target } of entries) {
      const here = at === '' ? name : `${at}/${name}`;
      const bytes = Buffer.alloc(kind === 'file' ? sizeBytes : 0);
      if (kind === 'file') await volume.readInto(inner, 0, bytes);
      found[here] = `${kind} ${mode.toString(8)} ${modifiedNs} ${kind === 'file' ? bytes.toString('latin1') : target}`;
      if (kind === 'directory') await walk(inner, here);
    }
  };
  await walk(await volume.query((files: FileReader) => files.resolvePath(path)), '');
  return found;
}

/** A server in memory that follows `/data` of a machine in memory into `work:/in`, on virtual time. */
export class FollowLab implements AsyncDisposable {
  readonly clock = new SettableClock();
  readonly tree = new MemoryTree(() => this.clock.nowNs);
  readonly transport = new MemoryTransport();
  readonly server = new MemoryServer({ clock: this.clock, transport: this.transport, localTree: this.tree, watchFolder: this.tree.watchFolder });

  static async start(): Promise<FollowLab> {
    const lab = new FollowLab();
    await lab.server.start();
    await lab.server.createVolume('work');
    lab.tree.makeFolder('/data');
    return lab;
  }

  async follow(request: Partial<FollowRequest> = {}): Promise<void> {
    await this.server.client.follow.add({ folder: '/data', volume: 'work', path: '/in', ...request });
    await this.server.until(() => this.status.state === 'following', 'the first compare');
  }

  get status(): FollowStatus {
    return this.server.engine.follows.statuses()[0]!;
  }

  get alerts(): string[] {
    return this.server.engine.alerts.current.map(({ kind, text }) => `${kind}: ${text}`);
  }

  async volume(): Promise<Volume> {
    return (await this.server.engine.shelf.primary('work')).volume;
  }

  async inVolume(path = '/in'): Promise<Record<string, string>> {
    return describeVolume(await this.volume(), path);
  }

  /** The inode number of a path below the target. */
  async inoOf(path: string): Promise<number> {
    return (await this.volume()).query((files) => files.resolvePath(`/in/${path}`));
  }

  /** Waits until nothing waits to be taken. */
  async quiet(): Promise<void> {
    await this.server.pass(3000, 500);
    await this.server.until(() => this.status.state === 'following' && this.status.waitingCount === 0, 'the end of what waits');
  }

  /** Waits until nothing waits, and sees both sides alike. */
  async alike(): Promise<void> {
    await this.quiet();
    expect(await this.inVolume()).toEqual(this.tree.describe('/data'));
  }

  async preview(request: Partial<FollowRequest> = {}): Promise<string[]> {
    const steps: string[] = [];
    for await (const event of await this.server.client.follow.preview({ folder: '/data', volume: 'work', path: '/in', ...request })) {
      if (event.type === 'step') steps.push(wordsOf(event));
    }
    return steps.sort();
  }

  async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    await this.server[how]();
    await this.server.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

function wordsOf({ do: what, path, from }: FollowStep): string {
  return from === undefined ? `${what} ${path}` : `${what} ${from} ${path}`;
}
