import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hearReports, type RunningProgram, startByNode } from '../../src-main/shells/headless/child-program.ts';
import { networkDiscovery } from '../../src-main/shells/headless/local-network.ts';
import { MemoryNetwork } from '../engine/memory-network.ts';
import { twoNetworks } from '../scenarios/two-hosts.ts';
import { discoveryContract } from '../suites/discovery-contract.ts';

const memory = new MemoryNetwork();
discoveryContract('memory', () => memory.join());

const networks = twoNetworks();
if (typeof networks === 'string') console.warn(`The local network is NOT tested here: ${networks}.`);
else {
  const machines = networks.map(({ startedBy }) => networkDiscovery(startByNode([...startedBy, process.execPath])));
  discoveryContract('multicast DNS', (machine) => machines[machine]!);
}

describe('a machine without a network', () => {
  it.skipIf(typeof networks === 'string')('finds nobody, and announces to nobody, without a fault', async () => {
    const alone = networkDiscovery(startByNode(['unshare', '--net', process.execPath]));
    const stop = alone.announce({ name: 'attic', identity: 'a'.repeat(64), port: 7400 });
    expect(await alone.find()).toEqual([]);
    stop();
  });

  it('finds nobody where the program cannot even be started', async () => {
    const broken = networkDiscovery(startByNode(['/no/such/program']));
    const stop = broken.announce({ name: 'attic', identity: 'a'.repeat(64), port: 7400 });
    expect(await broken.find()).toEqual([]);
    stop();
  });
});

/** A program that says these parts and then is silent. */
function saying(...parts: readonly string[]): RunningProgram & { isKilled: boolean } {
  const output = new Readable({ read: () => undefined });
  for (const part of parts) output.push(part);
  return {
    output,
    isKilled: false,
    ended: new Promise(() => undefined),
    stop: () => undefined,
    kill() {
      this.isKilled = true;
    },
  };
}

async function heard(program: RunningProgram, limits: { reportsMax?: number; charactersMax?: number } = {}): Promise<number[]> {
  const reports: number[] = [];
  const { reportsMax = 10, charactersMax = 1000 } = limits;
  await hearReports(program, {
    schema: z.strictObject({ n: z.int() }),
    onReport: ({ n }) => reports.push(n),
    isEnough: () => reports.length === 3,
    timeMs: 60_000,
    reportsMax,
    charactersMax,
  });
  return reports;
}

describe('what a program beside the server reports', () => {
  it('is heard line by line, however it is cut, until it is enough; then the program is killed', async () => {
    const program = saying('{"n":1}\n{"n', '":2}\n', '{"n":3}\n{"n":4}\n');
    expect(await heard(program)).toEqual([1, 2, 3]);
    expect(program.isKilled).toBe(true);
  });

  it('is heard no further than to what is no report, and no more of it than the bounds', async () => {
    for (const nonsense of ['no json\n', '{"n":"2"}\n', '{"n":2,"more":1}\n', '{}\n']) {
      const program = saying(`{"n":1}\n${nonsense}{"n":3}\n`);
      expect(await heard(program)).toEqual([1]);
      expect(program.isKilled).toBe(true);
    }
    expect(await heard(saying('{"n":1}\n{"n":2}\n'), { reportsMax: 1 })).toEqual([1]);
    const flood = saying('x'.repeat(2000));
    expect(await heard(flood)).toEqual([]);
    expect(flood.isKilled).toBe(true);
  });

  it('may come from the program for the network alone: nothing else takes apart what the network sends', () => {
    const folder = join(import.meta.dirname, '../../src-main');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const users = files.filter((file) => readFileSync(join(folder, file), 'utf8').includes("'bonjour-service'"));
    expect(users).toEqual([join('shells', 'programs', 'discovery-program.ts')]);
  });
});
