import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const projectFolder = join(import.meta.dirname, '..', '..');

const configFiles = ['package.json', 'tsconfig.json', 'eslint.config.js', 'resources/lint'];

/** What a tool printed and how it ended. */
export interface ToolRun {
  readonly status: number | null;
  readonly output: string;
}

/**
 * A copy of the project's configuration in a temporary folder, with planted
 * source files of its own. The tools of the project run in it as they run in
 * the project; the folder goes when the project is disposed of.
 */
export class PlantedProject implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'mirrorpoint-house-')));

  constructor(files: Readonly<Record<string, string>>) {
    for (const file of configFiles) {
      cpSync(join(projectFolder, file), join(this.folder, file), { recursive: true });
    }
    symlinkSync(join(projectFolder, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  /** Runs a tool's script, a path inside node_modules, with Node. */
  run(script: string, toolArguments: readonly string[]): ToolRun {
    const result = spawnSync(process.execPath, [join(this.folder, 'node_modules', script), ...toolArguments], {
      cwd: this.folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (result.error !== undefined) throw result.error;
    return { status: result.status, output: result.stdout + (result.stdout === '' ? result.stderr : '') };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
