import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { utilityProcess } from 'electron';
import { memoryOption, programNeeds, type StartProgram } from '../headless/child-program.ts';

/** Starts the programs beside the main process as Electron does: its own file starts no Node. They end with the main process. */
export function startByUtility(programFolder: string): StartProgram {
  return (name, task) => {
    const child = utilityProcess.fork(join(programFolder, `${name}-program.js`), [task], {
      env: { ...process.env, ...programNeeds[name].env },
      execArgv: [memoryOption],
      stdio: ['ignore', 'pipe', 'ignore'],
      serviceName: `Mirrorpoint ${name}`,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    // One that is not there yet is ended as soon as it is.
    const kill = (): void => {
      if (!child.kill()) child.once('spawn', () => void child.kill());
    };
    return { output: child.stdout as Readable, ended, stop: kill, kill };
  };
}
