import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { IpcTransport } from '../../src-main/transport/index.ts';
import type { Link } from '../../src-main/transport/index.ts';
import { receiveExactly } from '../suites/transport-contract.ts';

const address = 'ipc://mirror';
const onPosix = process.platform !== 'win32';

interface EchoServer {
  readonly child: ChildProcess;
  /** The first line it prints. */
  readonly line: string;
  /** All that it has printed, its standard error included. */
  output(): string;
}

describe('links over node-ipc', () => {
  let folder: string;
  let transport: IpcTransport;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    const parent = await fs.mkdtemp(path.join(os.tmpdir(), 'mirrorpoint-ipc-'));
    folder = path.join(parent, 'run');
    transport = new IpcTransport({ folder });
  });

  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await fs.rm(path.dirname(folder), { recursive: true, force: true });
  });

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async function startEchoServer(): Promise<EchoServer> {
    const script = path.join(import.meta.dirname, 'echo-server.ts');
    const child = spawn(process.execPath, [script, folder, address], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return { child, line, output: () => output };
  }

  /** Sends the bytes, and checks that they come back. */
  async function expectEcho(link: Link, bytes: Buffer): Promise<void> {
    const sent = link.send([bytes]);
    expect((await receiveExactly(link, bytes.length)).equals(bytes)).toBe(true);
    await sent;
  }

  it('carry 32 MiB to another process and back exactly, and print nothing', async () => {
    const server = await startEchoServer();
    expect(server.line).toBe(`ready ${address}`);
    const link = await transport.connect(address);
    const bytes = Buffer.from(new SeededRandom(32).bytes(4 * 1024 * 1024));
    for (let round = 0; round < 8; round++) await expectEcho(link, bytes);
    await link.close();
    expect(server.output()).toBe(`ready ${address}\n`);
  });

  it('end when the listening process is killed, and the name can be listened at again', async () => {
    const first = await startEchoServer();
    const link = await transport.connect(address);
    await expectEcho(link, Buffer.from('before'));
    const pending = link.receive().catch((error: unknown) => error);
    await kill(first.child);
    const outcome = await pending;
    if (outcome !== undefined) expect(outcome).toMatchObject({ code: 'link-closed' });
    await expect(link.send([Buffer.from('after')])).rejects.toMatchObject({ code: 'link-closed' });
    await link.close();
    // The socket file of the dead listener is still there, and nobody answers.
    await expect(transport.connect(address)).rejects.toMatchObject({ code: 'link-refused' });
    const second = await startEchoServer();
    expect(second.line).toBe(`ready ${address}`);
    const again = await transport.connect(address);
    await expectEcho(again, Buffer.from('and again'));
    await again.close();
  });

  it('are refused to a second listening process, and the first one serves on', async () => {
    await startEchoServer();
    const second = await startEchoServer();
    expect(second.line).toBe('failed address-in-use');
    await expect(transport.listen(address, () => undefined)).rejects.toMatchObject({ code: 'address-in-use' });
    const link = await transport.connect(address);
    await expectEcho(link, Buffer.from('still the first'));
    await link.close();
  });

  it('come back to one of several listeners that find the same dead socket', async () => {
    const first = await startEchoServer();
    await kill(first.child);
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => transport.listen(address, () => undefined)));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won.length).toBe(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'address-in-use' });
    }
    await (await transport.connect(address)).close();
    await won[0]!.value.close();
    expect(await fs.readdir(folder)).toEqual([]);
  });

  it.runIf(onPosix)('make their folder for this user alone', async () => {
    await using listener = await transport.listen(address, () => undefined);
    expect(listener.address).toBe(address);
    expect((await fs.stat(folder)).mode & 0o777).toBe(0o700);
  });

  it.runIf(onPosix)('are refused in a folder in which others can write, whoever asks', async () => {
    for (const mode of [0o770, 0o702, 0o1777]) {
      await fs.mkdir(folder, { recursive: true });
      await fs.chmod(folder, mode);
      await expect(transport.listen(address, () => undefined)).rejects.toMatchObject({ code: 'not-permitted' });
      await expect(transport.connect(address)).rejects.toMatchObject({ code: 'not-permitted' });
    }
  });

  it.runIf(onPosix)('are refused in a folder that is a symbolic link', async () => {
    const real = path.join(path.dirname(folder), 'real');
    await fs.mkdir(real, { mode: 0o700 });
    await fs.symlink(real, folder);
    await expect(transport.listen(address, () => undefined)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  it.runIf(onPosix)('are refused where a file that is no socket is in the way, and leave it there', async () => {
    await fs.mkdir(folder, { mode: 0o700 });
    const file = path.join(folder, 'mirror.sock');
    await fs.writeFile(file, 'a letter');
    await expect(transport.listen(address, () => undefined)).rejects.toMatchObject({ code: 'address-in-use' });
    expect(await fs.readFile(file, 'utf8')).toBe('a letter');
  });

  it.runIf(onPosix)('are refused when the path of their socket is too long for the system, saying how long', async () => {
    const deep = new IpcTransport({ folder: path.join(folder, 'x'.repeat(90)) });
    for (const fault of [await deep.listen(address, () => undefined).catch(String), await deep.connect(address).catch(String)]) {
      expect(fault).toMatch(/path of \d+ bytes; the system takes 10[37]/);
    }
    await expect(deep.connect(address)).rejects.toMatchObject({ code: 'address-invalid' });
  });

  it('are not tried again by themselves once they have ended', async () => {
    const taken: Link[] = [];
    const listener = await transport.listen(address, (link) => taken.push(link));
    const link = await transport.connect(address);
    await expect.poll(() => taken.length).toBe(1);
    await taken[0]!.close();
    expect(await link.receive()).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(taken.length).toBe(1);
    await Promise.all([link.close(), listener.close()]);
  });

  it('take any bytes from any client: framing is not theirs', async () => {
    const arrived = Promise.withResolvers<Link>();
    const listener = await transport.listen(address, arrived.resolve);
    const bytes = Buffer.from('null\f{"type":"x"}\f\u0000ÿ');
    const client = net.connect({ path: path.join(folder, 'mirror.sock') });
    client.write(bytes);
    const link = await arrived.promise;
    expect((await receiveExactly(link, bytes.length)).equals(bytes)).toBe(true);
    client.destroy();
    await Promise.all([link.close(), listener.close()]);
  });
});
