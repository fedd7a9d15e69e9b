import { fromHex } from '../base/index.ts';
import { MirrorService } from '../replication/index.ts';
import type { Listener } from '../transport/index.ts';
import type { EnginePorts } from './ports.ts';
import type { RelationshipFacts } from './relationship-reports.ts';
import type { SettingsBook } from './settings.ts';
import type { Trust } from './trust.ts';
import type { OpenMirror } from './volume-opening.ts';

interface Listening {
  readonly mirror: OpenMirror;
  readonly service: MirrorService;
  readonly listeners: Listener[];
}

/** The mirrors that wait for their primaries, and where. */
export class MirrorListening {
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #trust: Trust;
  readonly #onChange: () => void;
  readonly #listening = new Map<string, Listening>();

  constructor(options: { ports: EnginePorts; book: SettingsBook; trust: Trust; onChange: () => void }) {
    this.#ports = options.ports;
    this.#book = options.book;
    this.#trust = options.trust;
    this.#onChange = options.onChange;
  }

  /** Lets primaries connect to a mirror at these addresses; resolves to the addresses that reach it. */
  async listen(mirror: OpenMirror, addresses: readonly string[]): Promise<string[]> {
    const listening = this.#listening.get(mirror.name) ?? this.#begin(mirror);
    for (const address of addresses) {
      const listener = await this.#trust.listen(address, (link) => {
        void listening.service.accept(link);
      });
      listening.listeners.push(listener);
    }
    return listening.listeners.map((listener) => listener.address);
  }

  addressesOf(name: string): string[] {
    return this.#listening.get(name)?.listeners.map((listener) => listener.address) ?? [];
  }

  statuses(): RelationshipFacts[] {
    return [...this.#listening.values()].map(({ mirror, service, listeners }) => ({
      volume: mirror.name,
      role: 'mirror',
      address: listeners.map((listener) => listener.address).join(', '),
      ...service.status(),
    }));
  }

  async drop(name: string): Promise<void> {
    const listening = this.#listening.get(name);
    this.#listening.delete(name);
    if (listening === undefined) return;
    for (const listener of listening.listeners) await listener.close();
    await listening.service.close();
  }

  async close(): Promise<void> {
    for (const name of [...this.#listening.keys()]) await this.drop(name);
  }

  #begin(mirror: OpenMirror): Listening {
    const { serverId, serverName } = this.#book.current;
    const service = new MirrorService({
      volume: mirror.mirror,
      clock: this.#ports.clock,
      serverId: fromHex(serverId),
      serverName,
    });
    service.onChange(this.#onChange);
    const listening: Listening = { mirror, service, listeners: [] };
    this.#listening.set(mirror.name, listening);
    return listening;
  }
}
