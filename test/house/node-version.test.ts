import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  findOwnNode,
  isNodeNewEnough,
  minimumNodeVersion,
  nodeTooOldMessage,
} from '../../src-main/shells/node-version.js';
import { projectFolder } from './planted-project.ts';

const nodeVersionFile = join(projectFolder, 'src-main', 'shells', 'node-version.js');

/** A Node on this machine's path that is too old, if there is one. */
const olderNode = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))
  .filter((file) => existsSync(file))
  .find((file) => !isNodeNewEnough(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.trim()));

describe('the Node that runs Mirrorpoint', () => {
  it('is new enough here', () => {
    expect(isNodeNewEnough(process.versions.node)).toBe(true);
  });

  it.each([
    ['20.20.2', false],
    ['v22.18.0', false],
    ['24.11.9', false],
    ['24.9.0', false],
    [minimumNodeVersion, true],
    ['v24.21.0', true],
    ['26.0.0', true],
  ])('%s is new enough: %s', (version, enough) => {
    expect(isNodeNewEnough(version)).toBe(enough);
  });

  it('is named in the message that refuses an older one, with what to do', () => {
    const message = nodeTooOldMessage('v20.20.2');
    expect(message).toContain('Node 20.20.2');
    expect(message).toContain(`Node ${minimumNodeVersion} or newer`);
    expect(message).toContain('npm ci');
  });

  it('is found beside the project where a package for the platform exists', () => {
    const ownNode = findOwnNode();
    const hasPackage = (process.platform === 'linux' || process.platform === 'win32') && process.arch === 'x64';
    if (hasPackage) expect(ownNode).toBeDefined();
    if (ownNode !== undefined) {
      const { stdout } = spawnSync(ownNode, ['--version'], { encoding: 'utf8' });
      expect(isNodeNewEnough(stdout.trim())).toBe(true);
    }
    expect(findOwnNode('sunos', 'ia32')).toBeUndefined();
  });

  describe.skipIf(olderNode === undefined)('when an older one was started', () => {
    let folder: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'mirrorpoint-node-'));
    });

    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    /** Runs, under the older Node, a script that goes on only under a suitable one. */
    function runUnderOlderNode(nodeVersionModule: string): SpawnSyncReturns<string> {
      const script = join(folder, 'script.mjs');
      writeFileSync(
        script,
        `import { continueOnSuitableNode } from '${nodeVersionModule}';
        if (await continueOnSuitableNode(${JSON.stringify(script)})) {
          process.stdout.write(process.version + ' ' + process.argv.slice(2).join(' '));
          process.exitCode = 7;
        }`,
      );
      return spawnSync(olderNode!, [script, 'list', '--json'], { encoding: 'utf8' });
    }

    it("hands the same work over to the project's own and passes its exit status on", () => {
      const run = runUnderOlderNode(pathToFileURL(nodeVersionFile).href);
      const [version = '', ...passedOn] = run.stdout.split(' ');
      expect(isNodeNewEnough(version), run.stderr).toBe(true);
      expect(passedOn).toEqual(['list', '--json']);
      expect(run.status).toBe(7);
    });

    it('says what to do where there is no other, and fails', () => {
      const elsewhere = join(folder, 'node-version.mjs');
      copyFileSync(nodeVersionFile, elsewhere);
      const run = runUnderOlderNode(pathToFileURL(elsewhere).href);
      expect(run.stderr).toContain(`needs Node ${minimumNodeVersion} or newer`);
      expect(run.stdout).toBe('');
      expect(run.status).toBe(1);
    });
  });
});
