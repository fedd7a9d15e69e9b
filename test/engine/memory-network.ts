import type { NearbyServer } from '../../src-main/contract/index.ts';
import type { Discovery } from '../../src-main/engine/index.ts';

/** A local network in memory: who is on it hears who announces. */
export class MemoryNetwork {
  readonly #announced = new Set<NearbyServer>();

  /** The network as a machine at an address sees it. */
  join(host = '192.0.2.1'): Discovery {
    return {
      find: () => Promise.resolve([...this.#announced]),
      announce: ({ name, identity, port }) => {
        const server: NearbyServer = { name, identity, addresses: [`tls://${host}:${port}`] };
        this.#announced.add(server);
        return () => void this.#announced.delete(server);
      },
    };
  }

  /** Who announces now. */
  get announced(): readonly NearbyServer[] {
    return [...this.#announced];
  }
}
