import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A browser that runs here. */
export interface InstalledChromium {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

const projectFolder = join(import.meta.dirname, '..', '..');
const packageFolder = join(projectFolder, 'node_modules', '@sparticuz', 'chromium');
const cacheFolder = join(projectFolder, 'node_modules', '.cache', 'mirrorpoint', 'chromium');

/** The package unpacks into the folder for temporary files, whose name it asks the environment for. */
const unpack = `
const { default: chromium, inflate } = await import(process.argv[1]);
await chromium.executablePath();
await inflate(process.argv[2]);
`;

/** Unpacks the package's browser once for each version; it appears as a whole. */
function unpackedFolder(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cacheFolder, version);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const beside = mkdtempSync(join(cacheFolder, 'new-'));
  try {
    const words = [join(packageFolder, 'build', 'index.js'), join(packageFolder, 'bin', 'al2023.tar.br')];
    execFileSync(process.execPath, ['--input-type=module', '--eval', unpack, ...words], {
      env: { ...process.env, TMPDIR: beside },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const fonts = `<fontconfig><dir>${join(folder, 'fonts', 'fonts')}</dir><cachedir>${join(folder, 'fonts-cache')}</cachedir></fontconfig>`;
    writeFileSync(join(beside, 'fonts.conf'), `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n${fonts}\n`);
    renameSync(beside, folder);
  } catch (cause) {
    // Another process of the tests may have been first.
    rmSync(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw cause;
  }
  return folder;
}

function reasonIn(thrown: unknown): string {
  const { stderr = '', message } = thrown as { stderr?: string | Buffer; message: string };
  const last = String(stderr).trim().split('\n').at(-1) ?? '';
  return last === '' ? message : last;
}

/** The browser, or the reason why none runs here. */
export async function findChromium(): Promise<InstalledChromium | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return `its package is for Linux on x64, not for ${process.platform} on ${process.arch}`;
  let reason = '';
  try {
    const folder = unpackedFolder();
    const program = join(folder, 'chromium');
    const fonts = existsSync('/usr/share/fonts') ? {} : { FONTCONFIG_FILE: join(folder, 'fonts.conf') };
    // The package brings the libraries that a bare system lacks.
    for (const libraries of [{}, { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') }]) {
      const env = { ...process.env, ...fonts, ...libraries };
      try {
        await promisify(execFile)(program, ['--no-sandbox', '--headless', '--version'], { env });
        return { program, env };
      } catch (thrown) {
        reason = reason === '' ? reasonIn(thrown) : reason;
      }
    }
  } catch (thrown) {
    reason = reasonIn(thrown);
  }
  return reason;
}
