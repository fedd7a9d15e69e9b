import { isFault } from '../../src-main/base/index.ts';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { digestOf, type WorkingCopy } from './working-copy.ts';

const chunkBytes = 256 * 1024;

/** What a file is read as at most; larger ones take too much of the demo's time. */
const fileBytesMax = 4 << 20;

/**
 * Reads files of the mirror one after another as long as the demo runs. Each
 * must be, from its first byte to its last, one version that the file once had.
 */
export class MirrorReader {
  readonly #copy: WorkingCopy;
  readonly #client: () => MirrorpointClient | undefined;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();
  filesRead = 0;
  bytesRead = 0;
  torn: string[] = [];
  readonly cpsSeen = new Set<number>();

  constructor(copy: WorkingCopy, client: () => MirrorpointClient | undefined) {
    this.#copy = copy;
    this.#client = client;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const client = this.#client();
      const path = this.#copy.pick();
      const didRead = client !== undefined && (await this.#readOne(client, path));
      await new Promise((resolve) => setTimeout(resolve, didRead ? 2 : 50));
    }
  }

  async #readOne(client: MirrorpointClient, path: string): Promise<boolean> {
    try {
      const { readId, sizeBytes, cp } = await client.files.openRead({ volume: 'copy', path: `/data/${path}` });
      this.cpsSeen.add(cp);
      if (sizeBytes <= fileBytesMax) await this.#readAll(client, { readId, sizeBytes, path, cp });
      await client.files.closeRead({ readId });
      return true;
    } catch (fault) {
      // The file is not there yet, or the mirror is being killed.
      if (isFault(fault, 'not-found') || this.#client() !== client || isFault(fault, 'link-closed')) return false;
      throw fault;
    }
  }

  async #readAll(
    client: MirrorpointClient,
    file: { readId: string; sizeBytes: number; path: string; cp: number },
  ): Promise<void> {
    const parts: Uint8Array[] = [];
    for (let offsetBytes = 0; offsetBytes < file.sizeBytes; ) {
      const blob = await client.files.read({ readId: file.readId, offsetBytes, lengthBytes: chunkBytes });
      if (blob.size === 0) break;
      parts.push(new Uint8Array(await blob.arrayBuffer()));
      offsetBytes += blob.size;
    }
    this.filesRead++;
    this.bytesRead += file.sizeBytes;
    if (!this.#copy.hasHad(file.path, digestOf(Buffer.concat(parts)))) this.torn.push(`${file.path} at CP ${file.cp}`);
  }
}
