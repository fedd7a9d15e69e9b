import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const outputBytesMax = 64 << 20;

/** Runs a program and resolves to what it prints; rejects when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { maxBuffer: outputBytesMax });
  return stdout;
}

/** Runs a pipeline of the shell; rejects when any part of it fails. */
export function pipeline(script: string, ...args: string[]): Promise<string> {
  return run('bash', '-o', 'pipefail', '-ec', script, 'bash', ...args);
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const isRoot = process.getuid?.() === 0;
