import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask, cookieOf } from './web-lab.ts';
import { type CommandResult, type Place, runCommand, ServerProcess } from './server-process.ts';

// Every command is a process, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 300_000 });

const shells = fileURLToPath(new URL('../../src-main/shells', import.meta.url));

function newPlace(): Place {
  const configFolder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(configFolder, { recursive: true, force: true });
  });
  return { configFolder, env: { MIRRORPOINT_CONSOLE_FOLDER: join(configFolder, 'console'), DISPLAY: '', WAYLAND_DISPLAY: '' } };
}

/** Runs a command that reads what a pipe brings. */
async function runWithInput(place: Place, input: string, ...words: string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [join(shells, 'cli', 'mirrorpoint.js'), '--config', place.configFolder, ...words], { env: { ...process.env, ...place.env } });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return parts;
  });
  child.stdin.end(input);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: Buffer.concat(stdout!).toString('utf8'), stderr: Buffer.concat(stderr!).toString('utf8') };
}

async function launch(place: Place): Promise<URL> {
  const { stdout } = await runCommand(place, '--json', 'console', '--no-open');
  return new URL((JSON.parse(stdout) as { console: string }).console);
}

/** All that a server wrote into its folder. */
function keptIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('\n');
}

describe('`mirrorpoint console`', () => {
  it('prints an address that lets one browser in, and is written nowhere', async () => {
    const place = newPlace();
    await using server = await ServerProcess.start(place);
    const url = await launch(place);
    expect(server.ready.console).toEqual([url.origin]);
    expect(server.stderr).toContain('not built');
    const path = `${url.pathname}${url.search}`;
    const cookie = cookieOf(await ask(url.origin, { path }));
    expect((await ask(url.origin, { path: '/', headers: { cookie } })).status).toBe(503);
    expect((await ask(url.origin, { path })).status).toBe(403);
    const { stdout } = await runCommand(place, 'events');
    expect(stdout).toContain('A launch address was used a second time');
    await server.stop();
    const token = url.searchParams.get('launch')!;
    expect(token.length).toBeGreaterThan(40);
    for (const text of [server.stderr, stdout, keptIn(place.configFolder)]) expect(text).not.toContain(token);
  });

  it('needs a server, and one that serves the console', async () => {
    const place = newPlace();
    expect(await runCommand(place, 'console')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[server-not-running]') });
    await using server = await ServerProcess.start(place, '--console', 'off');
    expect(server.ready.console).toEqual([]);
    expect(await runCommand(place, 'console')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[console-off]') });
    expect(await runCommand(place, 'console', 'logout')).toMatchObject({ exitCode: 0, stdout: 'No browser was in.\n' });
    expect((await runCommand(place, 'console', 'status')).stdout).toContain('not served now');
  });

  it('ends the sessions of all browsers', async () => {
    const place = newPlace();
    await using _server = await ServerProcess.start(place, '--console', '127.0.0.1:0');
    const url = await launch(place);
    const cookie = cookieOf(await ask(url.origin, { path: `/${url.search}` }));
    expect(await runCommand(place, 'console', 'logout')).toMatchObject({ exitCode: 0, stdout: 'Ended the sessions of 1 browsers.\n' });
    expect((await ask(url.origin, { path: '/', headers: { cookie } })).status).toBe(401);
  });
});

describe('the place of the console on this machine', () => {
  it('is a free one when the usual one is taken, and not when another was asked for', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => {
      taken.close();
    });
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await runCommand(newPlace(), 'serve', '--console', `127.0.0.1:${port}`)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[address-in-use]') });
    await using one = await ServerProcess.start(newPlace());
    await using other = await ServerProcess.start(newPlace());
    const addresses = [...one.ready.console, ...other.ready.console];
    expect(new Set(addresses).size).toBe(2);
    for (const address of addresses) expect((await ask(address, { path: '/' })).status).toBe(401);
  });

  it.each([
    ['0.0.0.0:7480', 'argument-invalid'],
    ['https://127.0.0.1:7480', 'argument-invalid'],
    ['http://0.0.0.0:7480', 'address-invalid'],
    ['somewhere', 'address-invalid'],
  ])('is never %s', async (address, code) => {
    const place = newPlace();
    expect(await runCommand(place, 'serve', '--console', address)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`[${code}]`) });
  });
});

describe('the console for other machines', () => {
  const far = 'https://127.0.0.1:0';

  it('is set up without a server, and served from when one runs', async () => {
    const place = newPlace();
    expect(await runCommand(place, 'console', 'listen', far)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[password-missing]') });
    expect(await runWithInput(place, 'short\n', 'console', 'password')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[argument-invalid]') });
    expect(await runWithInput(place, '', 'console', 'password')).toMatchObject({ exitCode: 130 });
    expect(await runWithInput(place, 'correct horse battery\nignored', 'console', 'password')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await runCommand(place, 'console', 'listen', far, '--name', 'Files.Example')).stdout).toContain('will be served');
    await using server = await ServerProcess.start(place);
    const [, address = ''] = server.ready.console;
    const body = 'password=correct+horse+battery';
    const headers = { origin: address, 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
    expect((await ask(address, { path: '/login', method: 'POST', headers, body })).status).toBe(303);
    const { stdout } = await runCommand(place, '--json', 'console', 'status');
    expect(JSON.parse(stdout)).toMatchObject({ places: [{ address: far, names: ['files.example'], reachedAt: address }], isPasswordSet: true, sessionCount: 1 });
    expect(await runCommand(place, 'console', 'unlisten', far)).toMatchObject({ exitCode: 0 });
    await expect(ask(address, { path: '/' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('that cannot be served is told of, and the server runs without it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => {
      taken.close();
    });
    await once(taken, 'listening');
    const address = `https://127.0.0.1:${(taken.address() as { port: number }).port}`;
    const place = newPlace();
    await runWithInput(place, 'correct horse battery', 'console', 'password');
    await runCommand(place, 'console', 'listen', address);
    await using server = await ServerProcess.start(place);
    expect(server.ready.console).toHaveLength(1);
    expect((await runCommand(place, 'console', 'status')).stdout).toContain(`${address} too, and it is not`);
    expect((await runCommand(place, 'events')).stdout).toContain(address);
  });
});

const electronPath = fileURLToPath(new URL('../../node_modules/electron/path.txt', import.meta.url));
const isElectronHere = existsSync(electronPath);
if (isElectronHere) process.stderr.write('SKIPPED: Electron is installed here, so `npm start` does not open the console in the browser\n');

describe.skipIf(isElectronHere)('`npm start` without Electron', () => {
  /** Starts it; resolves to what it said until it named an address, which comes last. */
  async function start({ configFolder, env }: Place): Promise<{ said: string[]; url: URL; stop: () => Promise<unknown> }> {
    const child = spawn(process.execPath, [join(shells, 'start.js'), '--config', configFolder], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const stop = (): Promise<unknown> => {
      child.kill('SIGTERM');
      return ended;
    };
    onTestFinished(async () => {
      await stop();
    });
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line);
      const address = /^Open the console at (\S+)$/.exec(line)?.[1];
      if (address !== undefined) return { said, url: new URL(address), stop };
    }
    throw new Error(`no address came: ${said.join('\n')}`);
  }

  it('builds the console once, serves it, and says where; a second one opens that of the first', async () => {
    const place = newPlace();
    const first = await start(place);
    expect(first.said.slice(0, 2)).toEqual([expect.stringMatching(/Electron is not installed/), 'Building the console...']);
    const cookie = cookieOf(await ask(first.url.origin, { path: `/${first.url.search}` }));
    const page = await ask(first.url.origin, { path: '/', headers: { cookie } });
    expect(page.body).toContain('<div id="app">');
    const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(page.body)?.[1] ?? '';
    expect((await ask(first.url.origin, { path: script, headers: { cookie } })).status).toBe(200);
    const second = await start(place);
    expect(second.said.filter((line) => line.startsWith('Building'))).toEqual([]);
    expect(second.url.origin).toBe(first.url.origin);
    expect((await ask(first.url.origin, { path: `/${second.url.search}` })).status).toBe(303);
    await first.stop();
    writeFileSync(join(place.env?.MIRRORPOINT_CONSOLE_FOLDER ?? '', 'built-from'), 'of other sources');
    const third = await start(place);
    expect(third.said[1]).toMatch(/^Building the console anew/);
  });
});
