/**
 * Which Node runs Mirrorpoint. This file and its callers are plain JavaScript,
 * because an older Node must be able to read them to say what is wrong.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The oldest Node that runs TypeScript files as they are, without a warning. */
export const minimumNodeVersion = '24.12.0';

/**
 * Whether a Node of this version (`24.21.0`, with or without a leading `v`) runs Mirrorpoint.
 * @param {string} version
 * @returns {boolean}
 */
export function isNodeNewEnough(version) {
  const have = version.replace(/^v/, '').split('.').map(Number);
  const need = minimumNodeVersion.split('.').map(Number);
  for (let part = 0; part < need.length; part++) {
    const difference = (have[part] ?? 0) - (need[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * The Node binary that `npm ci` installed beside the project, if there is one for this platform.
 * @param {NodeJS.Platform} [platform]
 * @param {string} [arch]
 * @returns {string | undefined}
 */
export function findOwnNode(platform = process.platform, arch = process.arch) {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    const manifestFile = createRequire(import.meta.url).resolve(`${name}/package.json`);
    /** @type {unknown} */
    const parsed = JSON.parse(readFileSync(manifestFile, 'utf8'));
    const manifest = /** @type {{ bin?: { node?: string } }} */ (parsed);
    const binary = join(dirname(manifestFile), manifest.bin?.node ?? 'bin/node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What to tell someone whose Node is too old.
 * @param {string} version
 * @returns {string}
 */
export function nodeTooOldMessage(version) {
  return (
    `mirrorpoint: this is Node ${version.replace(/^v/, '')}, and Mirrorpoint needs Node ${minimumNodeVersion} or newer.\n` +
    'Run `npm ci` in the project folder, which brings a Node 24 on Linux and Windows, ' +
    'or install Node 24 or newer and try again.'
  );
}

/**
 * Runs a program to its end with this process's streams and leaves its exit
 * status as our own. A stop that reached only this process is passed on; at a
 * terminal an interrupt reaches both by itself.
 * @param {string} program
 * @param {string[]} programArguments
 * @returns {Promise<void>}
 */
export function runInPlace(program, programArguments) {
  return new Promise((resolve) => {
    const child = spawn(program, programArguments, { stdio: 'inherit' });
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGINT'])) {
      process.on(signal, () => {
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.on('error', (error) => {
      console.error(`mirrorpoint: ${program} could not be started: ${error.message}`);
      process.exitCode = 1;
      resolve();
    });
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1);
      resolve();
    });
  });
}

/**
 * Makes sure that a new enough Node goes on from here. Returns true when this
 * process may continue; otherwise the work was done by the project's own Node,
 * or the reason was printed and the exit status set.
 * @param {string} scriptFile the script to run again, as a path
 * @returns {Promise<boolean>}
 */
export async function continueOnSuitableNode(scriptFile) {
  if (isNodeNewEnough(process.versions.node)) return true;
  const ownNode = findOwnNode();
  if (ownNode === undefined) {
    console.error(nodeTooOldMessage(process.versions.node));
    process.exitCode = 1;
    return false;
  }
  await runInPlace(ownNode, [scriptFile, ...process.argv.slice(2)]);
  return false;
}
