import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const projectFolder = join(import.meta.dirname, '..', '..');
const unit = readFileSync(join(projectFolder, 'resources', 'systemd', 'mirrorpoint.service'), 'utf8').replaceAll('/opt/mirrorpoint', projectFolder);

function valueOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
}

/** The first that judges a unit by its file alone. */
const analyzerVersionMin = 250;
const analyzer = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const analyzerVersion = analyzer.status === 0 ? /^systemd (\d+)/.exec(analyzer.stdout)?.[1] : undefined;
const hasAnalyzer = Number(analyzerVersion ?? 0) >= analyzerVersionMin;
if (!hasAnalyzer) process.stderr.write(`SKIPPED: there is no systemd-analyze ${analyzerVersionMin} here, so the unit is not judged by it\n`);

function analyze(...words: string[]): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'mirrorpoint.service');
  writeFileSync(file, unit);
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...words, file], { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

describe('the unit for systemd', () => {
  it.runIf(process.platform === 'linux')("starts the program with the Node that came with it, which the unit's user may run", () => {
    const [node = '', script = '', ...words] = valueOf('ExecStart').split(' ');
    accessSync(node, constants.X_OK);
    expect(spawnSync(node, [script, ...words, '--help'], { encoding: 'utf8' }).stdout).toContain('run the server in the foreground');
  });

  it('waits for no word that the program does not say', () => {
    expect(valueOf('Type')).toBe('exec');
  });

  it.runIf(hasAnalyzer)('is understood by systemd as a whole', () => {
    expect(analyze('verify')).toEqual({ status: 0, output: '' });
  });

  it.runIf(hasAnalyzer)('gives the server little beyond files and drives', () => {
    expect(analyze('security', '--offline=true', '--threshold=25').status).toBe(0);
  });
});
