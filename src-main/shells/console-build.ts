import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { MirrorpointError } from '../base/index.ts';

/** All that goes into the console, relative to the project. */
const sourcePaths = ['src-renderer', 'src-main/contract', 'src-main/base', 'resources/vite', 'package.json', 'package-lock.json'];

/** Where a build says what it was made of. It is no kind of file that the console serves. */
export const builtFromName = 'built-from';

function filesAt(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** Stands for the console's sources as they are now; undefined where there are none, as in a package of the program. */
export function consoleSourcesDigest(projectFolder: string): string | undefined {
  if (!existsSync(join(projectFolder, 'src-renderer'))) return undefined;
  const digest = createHash('sha256');
  for (const file of sourcePaths.flatMap((path) => filesAt(join(projectFolder, path)))) {
    digest.update(`${relative(projectFolder, file).split(sep).join('/')}\0${createHash('sha256').update(readFileSync(file)).digest('hex')}\n`);
  }
  return digest.digest('hex');
}

/** Whether a folder has the console, and made of the sources as they are now. */
export function consoleBuildState(projectFolder: string, consoleFolder: string): 'current' | 'stale' | 'missing' {
  if (!existsSync(join(consoleFolder, 'index.html'))) return 'missing';
  const sources = consoleSourcesDigest(projectFolder);
  const builtFrom = join(consoleFolder, builtFromName);
  const isCurrent = sources === undefined || (existsSync(builtFrom) && readFileSync(builtFrom, 'utf8') === sources);
  return isCurrent ? 'current' : 'stale';
}

/** Builds the console alone, in a process of its own, into a folder that is emptied first. Throws `unsupported`. */
export async function buildConsole(projectFolder: string, consoleFolder: string): Promise<void> {
  const builder = join(projectFolder, 'node_modules', 'vite', 'bin', 'vite.js');
  if (!existsSync(builder)) {
    throw new MirrorpointError('unsupported', `The console cannot be built: vite, which builds it, is not installed in ${projectFolder}. Run \`npm ci\` there.`);
  }
  const words = ['build', '--config', join('resources', 'vite', 'renderer.config.ts'), '--outDir', consoleFolder, '--emptyOutDir', '--logLevel', 'warn'];
  try {
    await promisify(execFile)(process.execPath, [builder, ...words], {
      cwd: projectFolder,
      env: { ...process.env, NODE_ENV: 'production' },
    });
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new MirrorpointError(
      'unsupported',
      `The console could not be built from ${projectFolder}. ${stderr.trim()} Run \`npm ci\` there, then \`npm run build\`.`,
      { cause },
    );
  }
}
