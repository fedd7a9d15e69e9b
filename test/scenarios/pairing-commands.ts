import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { PairingEvent, Peer } from '../../src-main/contract/index.ts';
import { type Place, spawnProgram } from '../shells/server-process.ts';
import { succeed } from './scenario-place.ts';

export interface RunningInvite {
  /** The line to hand over. */
  readonly text: string;
  /** What came of it. */
  readonly ended: Promise<{ code: number | null; events: PairingEvent[]; stderr: string }>;
  /** Stops the command. */
  stop(): void;
}

/** Runs `invite` until it ends; its events come as they are said. */
export async function invite(place: Place, ...words: readonly string[]): Promise<RunningInvite> {
  const child = spawnProgram(place, ['--json', 'invite', ...words]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const events: PairingEvent[] = [];
  const first = Promise.withResolvers<string>();
  let stderr = '';
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as PairingEvent;
    events.push(event);
    if (event.type === 'invitation') first.resolve(event.text);
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, events, stderr }));
  void ended.then(() => {
    first.reject(new Error(`no invitation: ${stderr}`));
  });
  return { text: await first.promise, ended, stop: () => void child.kill('SIGINT') };
}

export async function peersOf(place: Place): Promise<{ name: string; identity: string; peers: Peer[] }> {
  return JSON.parse(await succeed(place, '--json', 'peers', 'list')) as { name: string; identity: string; peers: Peer[] };
}
