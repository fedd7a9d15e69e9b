import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { builtConsole } from '../browser/built-console.ts';
import { builtDesktop, projectFolder } from './built-desktop.ts';

/** What stands before the fuses in Electron's binary (https://github.com/electron/fuses). */
const sentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

/** The fuses in their order, of the first version of them. */
const fuseNames = [
  ...['runAsNode', 'enableCookieEncryption', 'enableNodeOptionsEnvironmentVariable', 'enableNodeCliInspectArguments'],
  ...['enableEmbeddedAsarIntegrityValidation', 'onlyLoadAppFromAsar', 'loadBrowserProcessSpecificV8Snapshot', 'grantFileProtocolExtraPrivileges'],
];

/** The fuses of a binary, by their names. */
export function fusesOf(file: string): Readonly<Record<string, boolean>> {
  const binary = readFileSync(file, 'latin1');
  const at = binary.indexOf(sentinel) + sentinel.length + 2;
  return Object.fromEntries(fuseNames.map((name, index) => [name, binary[at + index] === '1']));
}

/** An Electron without its program: the files that are packed, and a binary that is only fuses, all as they come. */
function makeElectron(folder: string): void {
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  // As Electron comes: what is dangerous is on, what protects is off.
  const asItComes = '10110001';
  writeFileSync(join(folder, 'electron'), Buffer.concat([Buffer.from(`\x7fELF${sentinel}`, 'latin1'), Buffer.from([1, asItComes.length]), Buffer.from(asItComes), Buffer.alloc(64)]));
  chmodSync(join(folder, 'electron'), 0o755);
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'version', 'chrome-sandbox', join('locales', 'en-US.pak')]) writeFileSync(join(folder, name), '');
}

/** Packs the program as `npm run package` does, up to the folder that installers are made of. */
export async function packageDesktop(folder: string): Promise<{ binary: string; archive: string; resources: string }> {
  const [project, electron, output] = [join(folder, 'project'), join(folder, 'electron'), join(folder, 'packed')];
  const built = await builtDesktop();
  for (const part of ['main', 'preload']) cpSync(join(built, part), join(project, 'out', part), { recursive: true });
  cpSync(await builtConsole(), join(project, 'out', 'renderer'), { recursive: true });
  for (const name of ['package.json', 'README.md', 'resources', 'src-main', 'src-renderer']) cpSync(join(projectFolder, name), join(project, name), { recursive: true });
  symlinkSync(join(projectFolder, 'node_modules'), join(project, 'node_modules'));
  makeElectron(electron);
  const builder = join(projectFolder, 'node_modules', 'electron-builder', 'cli.js');
  const words = ['--config', 'resources/electron-builder.json', '--linux', '--dir', '--publish', 'never'];
  const places = [`-c.electronDist=${electron}`, `-c.directories.output=${output}`];
  await promisify(execFile)(process.execPath, [builder, ...words, ...places], { cwd: project });
  const unpacked = join(output, 'linux-unpacked');
  return { binary: join(unpacked, 'mirrorpoint'), archive: join(unpacked, 'resources', 'app.asar'), resources: join(unpacked, 'resources') };
}
