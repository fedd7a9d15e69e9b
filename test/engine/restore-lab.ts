import { expect, onTestFinished } from 'vitest';
import type { JobStatus, RestoreRequest } from '../../src-main/contract/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryServer } from './memory-engine.ts';
import { makeFolder, seeTree, writeFile } from './volume-trees.ts';

export type Asked = Partial<Omit<RestoreRequest, 'source'>> & { paths?: string[]; at?: RestoreRequest['source']['at'] };

/** A server with a volume `work`, whose snapshot `monday` has `/docs/report.txt` and `/docs/notes.txt`. */
export class RestoreLab {
  readonly server: MemoryServer;
  readonly volume: Volume;

  readonly #name: string;

  private constructor(server: MemoryServer, volume: Volume, name: string) {
    this.server = server;
    this.volume = volume;
    this.#name = name;
  }

  static async open(): Promise<RestoreLab> {
    const server = new MemoryServer();
    await server.start();
    onTestFinished(() => server.stop());
    await server.createVolume('work');
    const { volume } = await server.engine.shelf.primary('work');
    await makeFolder(volume, '/docs', { mode: 0o750, uid: 7 });
    await writeFile(volume, '/docs/report.txt', { content: 'as on monday', modifiedNs: 1_000n });
    await writeFile(volume, '/docs/notes.txt', { content: 'notes', modifiedNs: 2_000n });
    const lab = new RestoreLab(server, volume, 'work');
    await lab.snapshot('monday');
    return lab;
  }

  /** The same for another volume of the server. */
  async on(name: string): Promise<RestoreLab> {
    return new RestoreLab(this.server, (await this.server.engine.shelf.primary(name)).volume, name);
  }

  async snapshot(name: string): Promise<void> {
    await this.server.client.snapshots.create({ volume: this.#name, snapshot: name });
  }

  /** What is asked for, with the usual around it: `/docs` of the snapshot back to where it was. */
  request(asked: Asked): RestoreRequest {
    const { paths = ['/docs'], at = { snapshot: 'monday' }, ...rest } = asked;
    return { source: { volume: this.#name, at, paths }, target: { kind: 'volume', volume: this.#name }, collisions: 'skip', choices: [], ...rest };
  }

  async begin(asked: Asked): Promise<string> {
    return (await this.server.client.restore.start(this.request(asked))).jobId;
  }

  async ended(jobId: string): Promise<JobStatus> {
    for (let turn = 0; turn < 5000; turn++) {
      const job = (await this.server.client.jobs.list({})).jobs.find((one) => one.jobId === jobId);
      if (job !== undefined && job.state !== 'running') return job;
      await this.server.settle(5);
    }
    return expect.fail('the restore never ended');
  }

  async restore(asked: Asked): Promise<JobStatus> {
    return this.ended(await this.begin(asked));
  }

  async snapshotNames(): Promise<string[]> {
    return (await this.server.snapshots(this.#name)).map(({ name }) => name);
  }

  /** The names anywhere that are of no finished file. */
  async temporaryNames(): Promise<string[]> {
    return [...(await seeTree(this.volume)).keys()].filter((path) => path.includes('.mirrorpoint-put-'));
  }

  /** Calls `before` before each change of the volume, with its number from 1 on; the result ends that. */
  onChange(before: (number: number) => void): () => void {
    const { volume } = this;
    const change = volume.change.bind(volume);
    let count = 0;
    volume.change = (...parameters: Parameters<Volume['change']>) => {
      before(++count);
      return change(...parameters) as Promise<never>;
    };
    return () => {
      volume.change = change;
    };
  }
}
