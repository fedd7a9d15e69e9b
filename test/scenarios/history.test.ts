import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelationshipSample } from '../../src-main/contract/index.ts';
import { ServerProcess } from '../shells/server-process.ts';
import { eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

describe('what two servers have measured', () => {
  it('is there after a restart and after a kill, and goes on', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`, '--interval', '1s');
    await succeed(a, 'link', 'work', 'ipc://office');
    await using _mirror = await ServerProcess.start(b);
    const samples = async (server: ServerProcess): Promise<RelationshipSample[]> =>
      (await server.client.history.relationship({ volume: 'work', address: 'ipc://office', span: 'hour' })).samples;
    const cps = async (server: ServerProcess): Promise<number> =>
      (await server.client.history.cps({ volume: 'work', span: 'day' })).samples.reduce((sum, { count }) => sum + count, 0);

    const first = await ServerProcess.start(a);
    await succeed(a, 'mkdir', 'work:/folder');
    const some = await eventually(() => samples(first), (all) => all.some(({ sentPerSecond, lagMs }) => sentPerSecond > 0 && lagMs !== undefined));
    const counted = await eventually(() => cps(first), (count) => count > 0);
    await first.stop();

    const second = await ServerProcess.start(a);
    const again = await samples(second);
    expect(again.map(({ wallMs }) => wallMs)).toEqual(expect.arrayContaining(some.map(({ wallMs }) => wallMs)));
    // By itself a volume at rest takes no more of them.
    await succeed(a, 'mkdir', 'work:/further');
    await eventually(() => cps(second), (count) => count > counted);

    // Killed, it leaves at least what it has written by itself.
    const log = join(a.configFolder, 'history', 'measured.jsonl');
    const stored = readFileSync(log, 'utf8');
    await eventually(async () => readFileSync(log, 'utf8'), (text) => text !== stored);
    const before = await samples(second);
    await second.kill();
    await using third = await ServerProcess.start(a);
    const kept = await samples(third);
    expect(kept.length).toBeGreaterThan(some.length - 1);
    expect(before.slice(0, kept.length - 1).map(({ wallMs }) => wallMs)).toEqual(kept.slice(0, -1).map(({ wallMs }) => wallMs));
    const newest = kept.at(-1)!.wallMs;
    await eventually(() => samples(third), (all) => all.at(-1)!.wallMs > newest);
  });
});
