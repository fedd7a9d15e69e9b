import { join } from 'node:path';
import { Readable } from 'node:stream';
import { utilityProcess } from 'electron';
import { programSpec, type StartProgram } from '../headless/child-program.ts';
import { untilTold } from '../programs/program-life.ts';

/**
 * Starts programs as utility processes: a package of this program does not run
 * scripts as Node does. `folder` has them as they were built.
 */
export function startAsUtility(folder: string): StartProgram {
  return (name, task) => {
    const child = utilityProcess.fork(join(folder, `${name}-program.js`), [task, untilTold], {
      env: { ...process.env, ...programSpec(name).env },
      stdio: ['ignore', 'pipe', 'ignore'],
      serviceName: `Mirrorpoint ${name}`,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    return {
      output: child.stdout === null ? Readable.from([]) : new Readable().wrap(child.stdout),
      ended,
      stop: () => {
        child.postMessage('end');
      },
      kill: () => {
        child.kill();
      },
    };
  };
}
