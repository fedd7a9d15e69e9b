import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Holder {
  readonly pid: number;
  /** `held`, or `refused` and why. */
  readonly answer: string;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Lets another process open a device. */
export async function holdInAnotherProcess(path: string): Promise<Holder> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-device.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    pid: child.pid!,
    answer: answer.toString().trim(),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
