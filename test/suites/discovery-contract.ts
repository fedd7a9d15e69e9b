import { afterEach, describe, expect, it } from 'vitest';
import type { NearbyServer } from '../../src-main/contract/index.ts';
import type { Discovery } from '../../src-main/engine/index.ts';

const attic = { name: 'attic', identity: 'a'.repeat(64), port: 7400 };
const cellar = { name: 'attic', identity: 'c'.repeat(64), port: 7401 };

/** Looks again and again until it is so: a network takes its time. */
async function found(discovery: Discovery, isSo: (servers: readonly NearbyServer[]) => boolean): Promise<readonly NearbyServer[]> {
  for (let looked = 1; ; looked++) {
    const servers = await discovery.find();
    if (isSo(servers) || looked === 10) return servers;
  }
}

/** What every way to hear of servers must hold. `join` gives the network as one of two machines on it sees it. */
export function discoveryContract(name: string, join: (machine: 0 | 1) => Discovery): void {
  describe(`discovery contract: ${name}`, () => {
    const announcing: (() => void)[] = [];

    function announce(machine: 0 | 1, server: Parameters<Discovery['announce']>[0]): () => void {
      const stop = join(machine).announce(server);
      announcing.push(stop);
      return stop;
    }

    afterEach(() => {
      for (const stop of announcing.splice(0)) stop();
    });

    it('finds nobody where nobody announces', async () => {
      expect(await join(0).find()).toEqual([]);
    });

    it('finds a server while it announces, with its name, identity and where it is, and then no more', async () => {
      const stop = announce(1, attic);
      const servers = await found(join(0), ({ length }) => length > 0);
      expect(servers).toMatchObject([{ name: 'attic', identity: attic.identity }]);
      expect(servers[0]?.addresses).not.toEqual([]);
      for (const address of servers[0]?.addresses ?? []) expect(address).toMatch(/^tls:\/\/.+:7400$/);
      stop();
      expect(await found(join(0), ({ length }) => length === 0)).toEqual([]);
    });

    it('keeps two servers of one name apart, on whichever machines they are', async () => {
      announce(0, attic);
      announce(1, cellar);
      const servers = await found(join(0), ({ length }) => length === 2);
      expect(servers.map(({ identity }) => identity).sort()).toEqual([attic.identity, cellar.identity]);
    });
  });
}
