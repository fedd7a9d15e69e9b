import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type CommandResult, type Place, runCommand } from '../shells/server-process.ts';

/** A folder of the test's own, removed at its end, with a short path for sockets. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A configuration folder below the test's folder; all of one test share their ipc names. */
export function placeIn(folder: string, name: string): Place {
  return { configFolder: join(folder, name), env: { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') } };
}

/** Runs a command that must succeed; resolves to its output. */
export async function succeed(place: Place, ...words: readonly string[]): Promise<string> {
  const result = await runCommand(place, ...words);
  if (result.exitCode !== 0) throw new Error(`mirrorpoint ${words.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
  return result.stdout;
}

/** The code of the fault that a command ended with, as its JSON says. */
export function codeOf(result: CommandResult): string {
  const line = result.stderr.split('\n').find((text) => text.startsWith('{"error"'));
  if (line === undefined) return `none: ${result.stderr}`;
  return (JSON.parse(line) as { error: { code: string } }).error.code;
}

/** Tries until it holds; fails with the last answer. */
export async function eventually<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`it never came to hold: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
