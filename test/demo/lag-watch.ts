import type { MirrorpointClient, RelationshipStatus } from '../../src-main/contract/index.ts';

const pollMs = 200;

/** Follows the relationship on the primary: how far the mirror was behind, and what went over the wire. */
export class LagWatch {
  readonly #client: () => MirrorpointClient | undefined;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();
  #bytesBefore = 0;
  #lastBytes = 0;
  lagCpsMax = 0;
  lagBytesMax = 0;
  lagMsMax = 0;

  constructor(client: () => MirrorpointClient | undefined) {
    this.#client = client;
  }

  get bytesOnWire(): number {
    return this.#bytesBefore + this.#lastBytes;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  take(status: RelationshipStatus): void {
    const bytes = status.bytesSent + status.bytesReceived;
    // A restarted primary counts from zero.
    if (bytes < this.#lastBytes) this.#bytesBefore += this.#lastBytes;
    this.#lastBytes = bytes;
    if (status.state !== 'live' && status.state !== 'catching-up') return;
    this.lagCpsMax = Math.max(this.lagCpsMax, status.lagCps);
    this.lagBytesMax = Math.max(this.lagBytesMax, status.lagBytes);
    this.lagMsMax = Math.max(this.lagMsMax, status.lagMs);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const client = this.#client();
      const answer = await client?.relationships.list({}).catch(() => undefined);
      const status = answer?.relationships[0];
      if (status !== undefined) this.take(status);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
