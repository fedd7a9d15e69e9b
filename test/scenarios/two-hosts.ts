import { execFileSync } from 'node:child_process';
import { afterAll, onTestFinished } from 'vitest';

/** A machine of a test: where it is reached, and what starts processes on it. */
export interface TestHost {
  readonly address: string;
  readonly startedBy: readonly string[];
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const addresses = ['10.213.77.1', '10.213.77.2'] as const;

function removeNetworks(names: readonly string[]): void {
  for (const name of names) {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was never made.
    }
  }
}

function makeNetworks(mark: string, names: readonly string[]): void {
  const interfaces = [`mp${mark}a`, `mp${mark}b`];
  for (const name of names) ip('netns', 'add', name);
  ip('link', 'add', interfaces[0]!, 'netns', names[0]!, 'type', 'veth', 'peer', 'name', interfaces[1]!, 'netns', names[1]!);
  for (const [index, name] of names.entries()) {
    ip('-n', name, 'address', 'add', `${addresses[index]!}/24`, 'dev', interfaces[index]!);
    ip('-n', name, 'link', 'set', interfaces[index]!, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'route', 'add', 'default', 'dev', interfaces[index]!);
  }
}

/**
 * Two network namespaces and a pair of virtual interfaces, removed by the one
 * who is given how; or why they cannot be made here.
 */
export function twoNetworks(atEnd: (remove: () => void) => void = afterAll): readonly [TestHost, TestHost] | string {
  const mark = `${process.pid}`.slice(-7);
  const names = [`mp-${mark}-a`, `mp-${mark}-b`];
  atEnd(() => {
    removeNetworks(names);
  });
  try {
    makeNetworks(mark, names);
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error)}`;
  }
  const host = (index: 0 | 1): TestHost => ({ address: addresses[index], startedBy: ['ip', 'netns', 'exec', names[index]!] });
  return [host(0), host(1)];
}

/**
 * Two hosts with only a network between them, removed at the end of the test.
 * Where that is not allowed, two loopback addresses, said aloud.
 */
export function twoHosts(): { primary: TestHost; mirror: TestHost } {
  const networks = twoNetworks(onTestFinished);
  if (typeof networks !== 'string') return { primary: networks[0], mirror: networks[1] };
  console.log(`${networks}; two loopback addresses are used instead`);
  return { primary: { address: '127.0.0.1', startedBy: [] }, mirror: { address: '127.0.0.2', startedBy: [] } };
}
