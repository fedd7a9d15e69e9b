import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

function makeFiles(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) writeFileSync(join(folder, `${index}.bin`), randomBytes(1 + 97 * index));
}

describe('a server', () => {
  it('is found by commands, and refuses a second one on its folder and on its volume', async () => {
    const folder = testFolder();
    const [place, other] = [placeIn(folder, 'a'), placeIn(folder, 'other')];
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(other, 'volume', 'attach', 'work', join(folder, 'work.img'));
    await using server = await ServerProcess.start(place);
    const status = JSON.parse(await succeed(place, '--json', 'status')) as { serving: boolean; processId: number };
    expect(status).toMatchObject({ serving: true, processId: server.processId });
    const second = await runCommand(place, '--json', 'serve');
    expect([second.exitCode, codeOf(second)]).toEqual([1, 'server-running']);
    const thief = await runCommand(other, '--json', 'serve');
    expect([thief.exitCode, codeOf(thief)]).toEqual([1, 'device-in-use']);
    await succeed(place, 'mkdir', 'work:/still-here');
  });

  it('stops on SIGTERM with a final CP and status 0, and by the stop command', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`, '--interval', 'off');
    await using server = await ServerProcess.start(place);
    await succeed(place, 'mkdir', 'work:/kept');
    expect(await server.stop()).toBe(0);
    await using again = await ServerProcess.start(place);
    const status = await again.client.volumes.inspect({ volume: 'work' });
    expect(status.recovery).toMatchObject({ replayedRequests: 0, damagedRootCopies: 0 });
    const { records } = await again.client.cp.history({ volume: 'work' });
    expect(records[0]?.cause).toBe('close');
    await succeed(place, 'stop');
    await eventually(() => Promise.resolve(again.isRunning), (isRunning) => !isRunning);
    expect(codeOf(await runCommand(place, '--json', 'stop'))).toBe('server-not-running');
    expect(await succeed(place, 'ls', 'work:/')).toContain('kept/');
  });

  it('killed at any time keeps what was acknowledged, whatever the CP interval', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const source = join(folder, 'source');
    makeFiles(source, 120);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`, '--interval', 'off');
    const server = await ServerProcess.start(place);
    await succeed(place, 'put', source, 'work:/tree');
    await succeed(place, 'mv', 'work:/tree/7.bin', 'work:/seven');
    await server.kill();
    await using again = await ServerProcess.start(place);
    const { recovery } = await again.client.volumes.inspect({ volume: 'work' });
    expect(recovery?.replayedRequests).toBeGreaterThan(0);
    await succeed(place, 'mv', 'work:/seven', 'work:/tree/7.bin');
    expect((await runCommand(place, 'compare', source, 'work:/tree', '--content-only')).exitCode).toBe(0);
    expect((await runCommand(place, 'volume', 'check', 'work')).exitCode).toBe(0);
  });

  it('keeps snapshots, which are browsed, held and given up', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await using _server = await ServerProcess.start(place);
    writeFileSync(join(folder, 'note'), 'first');
    await succeed(place, 'put', join(folder, 'note'), 'work:/note');
    await succeed(place, 'snapshot', 'create', 'work@monday');
    writeFileSync(join(folder, 'note'), 'second');
    await succeed(place, 'put', join(folder, 'note'), 'work:/note');
    expect(await succeed(place, 'cat', 'work@monday:/note')).toBe('first');
    expect(await succeed(place, 'cat', 'work:/note')).toBe('second');
    await succeed(place, 'snapshot', 'hold', 'work@monday', 'audit');
    expect(codeOf(await runCommand(place, '--json', 'snapshot', 'delete', 'work@monday'))).toBe('snapshot-held');
    await succeed(place, 'snapshot', 'release', 'work@monday', 'audit');
    await succeed(place, 'snapshot', 'delete', 'work@monday');
    expect(codeOf(await runCommand(place, '--json', 'cat', 'work@monday:/note'))).toBe('snapshot-not-found');
    const kept = JSON.parse(await succeed(place, '--json', 'snapshot', 'list', 'work')) as unknown[];
    expect(kept).toEqual([]);
  });

  it('takes CPs by its interval, which can be changed, and remembers them across a restart', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`, '--interval', 'off');
    await using server = await ServerProcess.start(place);
    await succeed(place, 'cp', 'interval', 'work', '1s');
    await succeed(place, 'mkdir', 'work:/new');
    const causes = async (): Promise<string[]> => {
      const { records } = await server.client.cp.history({ volume: 'work' });
      return records.map((record) => record.cause);
    };
    await eventually(causes, (known) => known.includes('timer'));
    await server.stop();
    const history = JSON.parse(await succeed(place, '--json', 'cp', 'history', 'work')) as { cause: string }[];
    expect(history.map((record) => record.cause)).toEqual(expect.arrayContaining(['timer', 'create']));
  });
});

describe('a mirror', () => {
  it.each(['ipc://office', 'tcp://127.0.0.1:0'])('follows its primary over %s, and is browsed at every snapshot', async (listen) => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await using mirror = await ServerProcess.start(b, '--listen', listen);
    await using primary = await ServerProcess.start(a);
    const address = mirror.ready.listen[0]!;
    await succeed(a, 'link', 'work', address);
    const source = join(folder, 'source');
    makeFiles(source, 60);
    await succeed(a, 'put', source, 'work:/tree');
    await succeed(a, 'snapshot', 'create', 'work@before');
    await succeed(a, 'rm', '-r', 'work:/tree');
    await succeed(a, 'mkdir', 'work:/after');
    await succeed(a, 'cp', 'now', 'work');
    const links = async (): Promise<readonly { identical: boolean; lagCps: number }[]> =>
      (await primary.client.relationships.list({})).relationships;
    await eventually(links, ([link]) => link?.identical === true && link.lagCps === 0);
    expect(await succeed(b, 'ls', 'copy:/')).toMatch(/after\/\n$/);
    expect((await runCommand(b, 'compare', source, 'copy@before:/tree')).exitCode).toBe(0);
    expect(codeOf(await runCommand(b, '--json', 'mkdir', 'copy:/mine'))).toBe('volume-read-only');
    expect((await runCommand(b, 'volume', 'check', 'copy')).exitCode).toBe(0);
  });

  it('killed in between catches up without a full copy, and so after a pause', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'link', 'work', 'ipc://office');
    const mirror = await ServerProcess.start(b);
    await using primary = await ServerProcess.start(a);
    const link = async (): Promise<{ identical: boolean; bytesSent: number; state: string }> =>
      (await primary.client.relationships.list({})).relationships[0]!;
    writeFileSync(join(folder, 'bulk'), randomBytes(8 << 20));
    await succeed(a, 'put', join(folder, 'bulk'), 'work:/bulk');
    await succeed(a, 'cp', 'now', 'work');
    const { bytesSent } = await eventually(link, (now) => now.identical);
    await mirror.kill();
    await succeed(a, 'mkdir', 'work:/meanwhile');
    await succeed(a, 'cp', 'now', 'work');
    await using again = await ServerProcess.start(b);
    const caughtUp = await eventually(link, (now) => now.identical);
    expect(caughtUp.bytesSent - bytesSent).toBeLessThan(1 << 20);
    expect(await succeed(b, 'ls', 'copy:/')).toContain('meanwhile/');
    await succeed(a, 'pause', 'work', 'ipc://office');
    expect((await link()).state).toBe('paused');
    await succeed(a, 'mkdir', 'work:/paused');
    await succeed(a, 'cp', 'now', 'work');
    await succeed(a, 'resume', 'work', 'ipc://office');
    await eventually(link, (now) => now.identical);
    expect(await succeed(b, 'ls', 'copy:/')).toContain('paused/');
    await succeed(a, 'unlink', 'work', 'ipc://office');
    expect(again.isRunning).toBe(true);
    expect((await primary.client.relationships.list({})).relationships).toEqual([]);
  });
});
