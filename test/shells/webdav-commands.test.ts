import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ask } from './web-lab.ts';
import { type CommandResult, type Place, runCommand, ServerProcess } from './server-process.ts';

// Every command is a process, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 300_000 });

const script = fileURLToPath(new URL('../../src-main/shells/cli/mirrorpoint.js', import.meta.url));
const password = 'correct horse battery';

async function runWithInput(place: Place, input: string, ...words: string[]): Promise<Pick<CommandResult, 'exitCode' | 'stderr'>> {
  const child = spawn(process.execPath, [script, '--config', place.configFolder, ...words], { env: { ...process.env, ...place.env }, stdio: ['pipe', 'ignore', 'pipe'] });
  const parts: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => parts.push(part));
  child.stdin.end(input);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stderr: Buffer.concat(parts).toString('utf8') };
}

it('users and shares are set up by commands, with a server and without, and no password is told again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const place: Place = { configFolder: join(folder, 'a'), env: { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') } };
  await runCommand(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
  expect((await runCommand(place, 'share', 'list')).stdout).toContain('No volume is shared');
  expect(await runWithInput(place, 'short\n', 'user', 'add', 'ada')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[argument-invalid]') });
  expect(await runWithInput(place, '', 'user', 'add', 'ada')).toMatchObject({ exitCode: 130 });
  expect(await runWithInput(place, `${password}\n`, 'user', 'add', 'ada')).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await runWithInput(place, `${password}\n`, 'user', 'add', 'ada')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[exists]') });
  expect(await runCommand(place, 'share', 'on', 'work', '--user', 'ada=everything')).toMatchObject({ exitCode: 2 });
  expect(await runCommand(place, 'share', 'on', 'work', '--user', 'nobody')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[not-found]') });
  expect((await runCommand(place, 'share', 'listen', '127.0.0.1:0')).stdout).toContain('will be served');
  expect((await runCommand(place, 'share', 'on', 'work', '--user', 'ada=read')).stdout).toContain('ada (read)');
  await using server = await ServerProcess.start(place, '--console', 'off');
  const { shares } = await server.client.shares.list({});
  const url = new URL(shares[0]?.addresses[0] ?? '');
  const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  const put = (): Promise<number> => ask(url.origin, { path: '/work/f', method: 'PUT', headers: { authorization }, body: 'x' }).then(({ status }) => status);
  expect(await put()).toBe(403);
  expect((await runCommand(place, 'share', 'allow', 'work', 'ada')).stdout).toContain('ada (write)');
  expect(await put()).toBe(201);
  expect((await runCommand(place, 'user', 'list')).stdout).toMatch(/ada +work/);
  expect(await runWithInput(place, 'another long password\n', 'user', 'password', 'ada')).toMatchObject({ exitCode: 0 });
  expect(await put()).toBe(401);
  expect((await runCommand(place, 'share', 'off', 'work')).exitCode).toBe(0);
  const { stdout } = await runCommand(place, 'events');
  expect(stdout).toContain('clients can use it as a network drive');
  expect(stdout).toContain('not shared any more');
  const kept = readFileSync(join(place.configFolder, 'settings.json'), 'utf8');
  for (const text of [stdout, kept, server.stderr]) {
    expect(text).not.toContain(password);
    expect(text).not.toContain('another long password');
  }
});
