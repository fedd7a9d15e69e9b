import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** A machine of a test: where it is reached, and what starts processes on it. */
export interface TestHost {
  readonly address: string;
  readonly startedBy: readonly string[];
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/**
 * Two hosts with only a network between them: two network namespaces and a pair
 * of virtual interfaces, made here and removed at the end of the test. Where
 * that is not allowed, two loopback addresses, said aloud.
 */
export function twoHosts(): { primary: TestHost; mirror: TestHost } {
  const mark = `${process.pid}`.slice(-7);
  const names = [`mp-${mark}-a`, `mp-${mark}-b`];
  const interfaces = [`mp${mark}a`, `mp${mark}b`];
  const addresses = ['10.213.77.1', '10.213.77.2'];
  onTestFinished(() => {
    for (const name of names) {
      try {
        ip('netns', 'del', name);
      } catch {
        // It was never made.
      }
    }
  });
  try {
    for (const name of names) ip('netns', 'add', name);
    ip('link', 'add', interfaces[0]!, 'netns', names[0]!, 'type', 'veth', 'peer', 'name', interfaces[1]!, 'netns', names[1]!);
    for (const [index, name] of names.entries()) {
      ip('-n', name, 'address', 'add', `${addresses[index]!}/24`, 'dev', interfaces[index]!);
      ip('-n', name, 'link', 'set', interfaces[index]!, 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'route', 'add', 'default', 'dev', interfaces[index]!);
    }
  } catch (error) {
    console.log(`network namespaces cannot be made here, two loopback addresses are used instead: ${String(error)}`);
    return { primary: { address: '127.0.0.1', startedBy: [] }, mirror: { address: '127.0.0.2', startedBy: [] } };
  }
  const [primary, mirror] = names.map((name, index) => ({ address: addresses[index]!, startedBy: ['ip', 'netns', 'exec', name] }));
  return { primary: primary!, mirror: mirror! };
}
