import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';

export interface LoopDevice {
  readonly path: string;
  readonly backingFile: string;
  detach(): void;
}

function run(command: string, ...parameters: string[]): string {
  return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Why loop devices cannot be made here; undefined when they can. */
export function whyNoLoopDevices(): string | undefined {
  if (process.platform !== 'linux') return 'loop devices are there on Linux only';
  if (process.getuid?.() !== 0) return 'making loop devices needs root';
  try {
    run('losetup', '--find');
    return undefined;
  } catch {
    return 'losetup finds no free loop device';
  }
}

/** A real block device over a sparse file. */
export function attachLoopDevice(backingFile: string, sizeBytes: number): LoopDevice {
  writeFileSync(backingFile, '');
  truncateSync(backingFile, sizeBytes);
  const path = run('losetup', '--find', '--show', backingFile);
  let isAttached = true;
  return {
    path,
    backingFile,
    detach() {
      if (!isAttached) return;
      isAttached = false;
      run('losetup', '--detach', path);
      rmSync(backingFile, { force: true });
    },
  };
}

/** Whether a program is there to be run by a test. */
export function hasProgram(name: string): boolean {
  try {
    run('sh', '-c', `command -v ${name}`);
    return true;
  } catch {
    return false;
  }
}
