import { mkdirSync } from 'node:fs';
import type { PairingEvent } from '../../src-main/contract/index.ts';
import { clientOf, Engine, type EngineSession } from '../../src-main/engine/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';

export interface ProcessUsage {
  /** The most memory that it ever had. */
  readonly memoryPeakBytes: number;
  readonly processorSeconds: number;
}

/** A whole server in this process, without its control channel. */
export class BenchServer {
  readonly engine: Engine;
  readonly client: ReturnType<typeof clientOf>;
  readonly #session: EngineSession;

  private constructor(engine: Engine) {
    this.engine = engine;
    this.#session = engine.newSession();
    this.client = clientOf(engine, this.#session);
  }

  static async open(configFolder: string): Promise<BenchServer> {
    mkdirSync(configFolder, { recursive: true, mode: 0o700 });
    const ports = machinePorts({ configFolder, requestStop: () => undefined, report: () => undefined });
    return new BenchServer(await Engine.open(ports, { serve: true }));
  }

  /** Opens an invitation, and agrees to whoever takes it up; resolves to its text. */
  async invite(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#agree(await this.client.pairing.invite({}), resolve).catch(reject);
    return promise;
  }

  /** Takes up an invitation; resolves to the identity of the server that is paired then. */
  async accept(invitation: string): Promise<string> {
    return this.#agree(await this.client.pairing.accept({ invitation }));
  }

  async #agree(events: AsyncIterable<PairingEvent>, onInvitation?: (text: string) => void): Promise<string> {
    for await (const event of events) {
      if (event.type === 'invitation') onInvitation?.(event.text);
      if (event.type === 'question') await this.client.pairing.answer({ questionId: event.questionId, isAccepted: true });
      if (event.type === 'paired') return event.peer.identity;
    }
    throw new Error('The pairing has ended without an outcome.');
  }

  /** Resolves when the condition holds, which is looked at whenever a relationship changes. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const stop = this.engine.onChange(() => {
      if (condition()) resolve(undefined);
    });
    await promise;
    stop();
  }

  /** Reads bytes of a file as the last CP has them. */
  async read(volume: string, path: string, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const { readId } = await this.client.files.openRead({ volume, at: 'last', path });
    const blob = await this.client.files.read({ readId, offsetBytes, lengthBytes });
    await this.client.files.closeRead({ readId });
    return new Uint8Array(await blob.arrayBuffer());
  }

  /** What this process has taken since it was started. */
  get usage(): ProcessUsage {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    return { memoryPeakBytes: maxRSS * 1024, processorSeconds: (userCPUTime + systemCPUTime) / 1e6 };
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.engine.close();
  }
}
