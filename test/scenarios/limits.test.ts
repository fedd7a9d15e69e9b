import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RatesInForce, RelationshipStatus } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const address = 'ipc://office';

async function linkOf(server: ServerProcess): Promise<RelationshipStatus> {
  return (await server.client.relationships.list({})).relationships[0]!;
}

async function ratesOf(place: Place): Promise<RatesInForce> {
  return JSON.parse(await succeed(place, '--json', 'limits', 'show', 'work', address)) as RatesInForce;
}

/** A volume, and a mirror that waits for it. */
async function pairOf(folder: string): Promise<{ a: Place; b: Place }> {
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', address);
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
  await succeed(a, 'link', 'work', address);
  return { a, b };
}

describe('the limits of a link', () => {
  it('hold at once, survive a restart as a pause does, and end at once', async () => {
    const folder = testFolder();
    const { a, b } = await pairOf(folder);
    const content = randomBytes(8 << 20);
    writeFileSync(join(folder, 'file'), content);
    await using _mirror = await ServerProcess.start(b);
    {
      await using primary = await ServerProcess.start(a);
      await eventually(() => linkOf(primary), ({ identical }) => identical);
      // At this rate the file would take minutes.
      await succeed(a, 'limits', 'set', 'work', address, '--rate', '16K', '--between', '00:00-12:00=20K', '12:00-24:00=20K');
      await succeed(a, 'put', join(folder, 'file'), 'work:/file');
      await succeed(a, 'cp', 'now', 'work');
      const status = await eventually(() => linkOf(primary), ({ lagCps }) => lagCps > 0);
      expect(status).toMatchObject({ identical: false, limitBytesPerSecond: 20 << 10 });
      await succeed(a, 'pause', 'work', address);
      expect(await linkOf(primary)).toMatchObject({ state: 'paused' });
    }
    await using primary = await ServerProcess.start(a);
    expect(await linkOf(primary)).toMatchObject({ state: 'paused', limitBytesPerSecond: 20 << 10 });
    await succeed(a, 'resume', 'work', address);
    await eventually(() => linkOf(primary), ({ state }) => state !== 'paused' && state !== 'connecting');
    expect(await linkOf(primary)).toMatchObject({ identical: false });
    expect(await ratesOf(a)).toEqual({
      limits: {
        bytesPerSecond: 16 << 10,
        windows: [
          { from: '00:00', to: '12:00', bytesPerSecond: 20 << 10 },
          { from: '12:00', to: '00:00', bytesPerSecond: 20 << 10 },
        ],
      },
      bytesPerSecondNow: 20 << 10,
    });
    await succeed(a, 'limits', 'set', 'work', address, '--clear');
    expect(await ratesOf(a)).toEqual({ limits: { windows: [] } });
    await eventually(() => linkOf(primary), ({ identical }) => identical);
    await succeed(b, 'get', 'copy:/file', join(folder, 'back'));
    expect(readFileSync(join(folder, 'back')).equals(content)).toBe(true);
  });

  it('that mean nothing are refused by a code, and those that held go on', async () => {
    const folder = testFolder();
    const { a } = await pairOf(folder);
    await succeed(a, 'limits', 'set', 'work', address, '--rate', '1M');
    for (const [code, ...words] of [
      ['argument-invalid', '--rate', '0'],
      ['argument-invalid', '--rate', '1K'],
      ['argument-invalid', '--rate', 'fast'],
      ['argument-invalid', '--rate', '1M', '--clear'],
      ['argument-invalid'],
      ['argument-invalid', '--between', '08:00-18:00=0'],
      ['argument-invalid', '--between', '08:00-08:00=1M'],
      ['argument-invalid', '--between', '08:00-25:00=1M'],
      ['argument-invalid', '--between', '8-18=1M'],
      ['argument-invalid', '--between', '08:00-18:00=1M', '17:00-19:00=2M'],
    ] as const) {
      const result = await runCommand(a, '--json', 'limits', 'set', 'work', address, ...words);
      expect([words.join(' '), result.exitCode, codeOf(result)]).toEqual([words.join(' '), 2, code]);
    }
    expect((await runCommand(a, 'limits', 'set', 'work', address, '--rate', '0')).stderr).toContain('mirrorpoint pause');
    expect(codeOf(await runCommand(a, '--json', 'limits', 'show', 'work', 'ipc://nowhere'))).toBe('not-found');
    expect(await ratesOf(a)).toMatchObject({ bytesPerSecondNow: 1 << 20 });
  });
});
