import { mkdirSync } from 'node:fs';
import { clientOf, Engine, type EngineSession } from '../../src-main/engine/index.ts';
import { keepYoungSpaceSmall, machinePorts } from '../../src-main/shells/index.ts';

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
    keepYoungSpaceSmall();
    mkdirSync(configFolder, { recursive: true, mode: 0o700 });
    const ports = machinePorts({ configFolder, requestStop: () => undefined, report: () => undefined });
    return new BenchServer(await Engine.open(ports, { serve: true }));
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
