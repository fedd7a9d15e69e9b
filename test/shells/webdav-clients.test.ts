import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CommandResult, type Place, ServerProcess } from './server-process.ts';

// Other people's programs against a server in a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const password = 'correct horse battery';

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const [hasLitmus, hasRclone, hasCadaver] = ['litmus', 'rclone', 'cadaver'].map((program) => {
  const isHere = isInstalled(program);
  if (!isHere) process.stderr.write(`SKIPPED: shares are NOT tested with ${program} here: it is not installed (\`apt-get install ${program}\`).\n`);
  return isHere;
});

async function run(program: string, words: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv; input?: string }): Promise<CommandResult> {
  const child = spawn(program, words, { cwd: options.cwd, env: { ...process.env, HOME: options.cwd, ...options.env } });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return parts;
  });
  child.stdin.end(options.input ?? '');
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: Buffer.concat(stdout!).toString('utf8'), stderr: Buffer.concat(stderr!).toString('utf8') };
}

interface Shared {
  readonly server: ServerProcess;
  readonly folder: string;
  /** Of the share, with a slash. */
  readonly url: string;
}

/** A server in a process of its own that shares a volume with ada, over plain HTTP on this machine. */
async function openShared(sizeBytes = 256 << 20): Promise<Shared> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const place: Place = { configFolder: join(folder, 'server'), env: { MIRRORPOINT_IPC_FOLDER: join(folder, 'ipc') } };
  const server = await ServerProcess.start(place, '--console', 'off');
  onTestFinished(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const { client } = server;
  await client.volumes.create({ name: 'work', devices: [{ path: join(folder, 'work.img'), sizeBytes }], cpIntervalMs: 1000 });
  await client.users.add({ user: 'ada', password });
  await client.shares.listen({ address: '127.0.0.1:0' });
  const { shares } = await client.shares.on({ volume: 'work', users: [{ name: 'ada', access: 'write' }] });
  return { server, folder, url: `${shares[0]?.addresses[0] ?? ''}/` };
}

async function checkVolume({ server }: Shared): Promise<unknown> {
  for await (const event of await server.client.volumes.check({ volume: 'work' })) if (event.type === 'done') return event.problems;
  return 'no result';
}

describe.skipIf(!hasLitmus)('litmus', () => {
  it('finds nothing that is not as RFC 4918 says, in any of its 104 tests', async () => {
    const shared = await openShared();
    const { stdout } = await run('litmus', ['-k', shared.url, 'ada', password], { cwd: shared.folder });
    const sums = [...stdout.matchAll(/of (\d+) tests run: (\d+) passed, (\d+) failed/g)].map((found) => found.slice(1, 4).map(Number));
    const [run_, passed, failed] = [0, 1, 2].map((column) => sums.reduce((sum, row) => sum + row[column]!, 0));
    expect({ run: run_, passed, failed, warnings: stdout.match(/WARNING.*/g) ?? [], said: failed === 0 ? '' : stdout }).toEqual({ run: 104, passed: 104, failed: 0, warnings: [], said: '' });
    expect(await checkVolume(shared)).toEqual([]);
  });
});

/** All files below a folder with what is in them. */
function contentsOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map((entry) => [join(entry.parentPath, entry.name).slice(folder.length), readFileSync(join(entry.parentPath, entry.name), 'latin1')]));
}

describe.skipIf(!hasRclone)('rclone', () => {
  it('copies files in, finds them the same, and keeps both sides in step, both ways', async () => {
    const shared = await openShared();
    const { folder, url } = shared;
    const [from, back] = [join(folder, 'from'), join(folder, 'back')];
    for (let sub = 0; sub < 5; sub++) {
      mkdirSync(join(from, `größe ${sub}`), { recursive: true });
      for (let file = 0; file < 12; file++) writeFileSync(join(from, `größe ${sub}`, `${file} & 'more' [${sub}]%.bin`), randomBytes((file * 3001) % 20_000));
    }
    writeFileSync(join(from, 'large.bin'), randomBytes(5 << 20));
    const obscured = (await run('rclone', ['obscure', password], { cwd: folder })).stdout.trim();
    const env = { RCLONE_CONFIG: '/dev/null', RCLONE_WEBDAV_URL: url, RCLONE_WEBDAV_USER: 'ada', RCLONE_WEBDAV_PASS: obscured, RCLONE_WEBDAV_VENDOR: 'owncloud' };
    const rclone = async (...words: string[]): Promise<void> => {
      const { exitCode, stderr } = await run('rclone', [...words, '--retries', '1'], { cwd: folder, env });
      expect(`${exitCode} ${stderr}`).toMatch(/^0 /);
    };
    await rclone('copy', from, ':webdav:in');
    await rclone('check', from, ':webdav:in', '--download');
    rmSync(join(from, 'größe 1'), { recursive: true });
    writeFileSync(join(from, 'größe 2', 'new'), 'new');
    writeFileSync(join(from, 'large.bin'), randomBytes(1 << 20));
    await rclone('sync', from, ':webdav:in');
    await rclone('sync', ':webdav:in', back);
    expect(contentsOf(back)).toEqual(contentsOf(from));
    expect(await checkVolume(shared)).toEqual([]);
  });
});

describe.skipIf(!hasCadaver)('cadaver', () => {
  it('makes, moves, locks, reads and removes', async () => {
    const { folder, url } = await openShared();
    writeFileSync(join(folder, '.netrc'), `machine 127.0.0.1\nlogin ada\npassword "${password}"\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'one.txt'), 'first');
    const words = ['mkcol in', 'put one.txt in/one.txt', 'propset in/one.txt colour green', 'copy in/one.txt two.txt', 'lock two.txt', 'unlock two.txt', 'move two.txt in/three.txt', 'get in/three.txt back.txt', 'propget in/one.txt colour', 'delete in/one.txt', 'ls in', 'quit'];
    const { stdout } = await run('cadaver', ['-t', url], { cwd: folder, input: `${words.join('\n')}\n` });
    expect(stdout).not.toContain('failed');
    expect(stdout).toContain('green');
    expect(stdout).toMatch(/three\.txt +5 /);
    expect(stdout).not.toMatch(/one\.txt +5 /);
    expect(readFileSync(join(folder, 'back.txt'), 'utf8')).toBe('first');
  });
});

/** What a process has in memory of its own, in MiB; what is mapped of its program is not counted. */
function memoryOf(processId: number): number {
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]) / 1024;
}

describe.skipIf(process.platform !== 'linux')('a large upload', () => {
  it('takes memory that has nothing to do with its size', async () => {
    const { server, url } = await openShared(1 << 30);
    const put = async (name: string, parts: number): Promise<number> => {
      const part = randomBytes(1 << 20);
      const sent = request(new URL(name, url), { method: 'PUT', auth: `ada:${password}`, headers: { 'content-length': String(parts << 20) } });
      const answered = once(sent, 'response') as Promise<[{ statusCode: number; resume: () => void }]>;
      let most = 0;
      for (let count = 0; count < parts; count++) {
        if (!sent.write(part)) await once(sent, 'drain');
        most = Math.max(most, memoryOf(server.processId));
      }
      sent.end();
      const [response] = await answered;
      response.resume();
      expect(response.statusCode).toBe(201);
      return most;
    };
    const small = await put('small', 64);
    const large = await put('large', 512);
    // Eight times as much takes what garbage is collected late, and no more.
    expect(large - small).toBeLessThan(100);
    expect(large).toBeLessThan(320);
  });
});
