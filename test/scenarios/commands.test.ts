import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageFile } from '../../src-main/device/index.ts';
import { type Place, runCommand, runProgram, ServerProcess } from '../shells/server-process.ts';
import { codeOf, placeIn, succeed, testFolder } from './scenario-place.ts';

/** What a command says in JSON: one document, or one for each line. */
async function documents(place: Place, ...words: readonly string[]): Promise<unknown[]> {
  const text = await succeed(place, ...words, '--json');
  try {
    return [JSON.parse(text) as unknown];
  } catch {
    return text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
  }
}

describe('every command', () => {
  it.each(['with a server', 'without a server'])('speaks JSON, %s', async (how) => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const work = join(folder, 'work.img');
    writeFileSync(join(folder, 'note'), 'a note');
    await using _server = how === 'with a server' ? await ServerProcess.start(place) : undefined;
    const commands = [
      ['volume', 'create', 'work', `${work}=64M`],
      ['volume', 'list'],
      ['volume', 'inspect', 'work'],
      ['mkdir', 'work:/folder'],
      ['put', join(folder, 'note'), 'work:/folder/'],
      ['ls', 'work:/'],
      ['stat', 'work:/folder/note'],
      ['mv', 'work:/folder/note', 'work:/moved'],
      ['get', 'work:/moved', join(folder, 'out')],
      ['compare', join(folder, 'out'), 'work:/moved'],
      ['snapshot', 'create', 'work@one'],
      ['versions', 'work:/moved'],
      ['find', 'work:/', 'MOVED', '--all'],
      ['ls', 'work:/', '--deleted'],
      ['diff', 'work@one', 'work'],
      ['snapshot', 'hold', 'work@one', 'audit', '--reason', 'until March'],
      ['snapshot', 'list', 'work'],
      ['snapshot', 'release', 'work@one', 'audit'],
      ['schedule', 'set', 'work', '--every', '15m', '--hourly', '24'],
      ['schedule', 'show', 'work'],
      ['schedule', 'preview', 'work'],
      ['snapshot', 'prune', 'work', '--dry-run'],
      ['snapshot', 'prune', 'work'],
      ['schedule', 'off', 'work'],
      ['snapshot', 'delete', 'work@one'],
      ['rm', 'work:/moved'],
      ['cp', 'now', 'work'],
      ['cp', 'history', 'work'],
      ['cp', 'interval', 'work', '5s'],
      ['volume', 'check', 'work'],
      ['volume', 'grow', 'work', '--enlarge', `${work}=80M`],
      ['link', 'work', 'ipc://office'],
      ['pause', 'work', 'ipc://office'],
      ['resume', 'work', 'ipc://office'],
      ['status'],
      ['lag-limit', 'work', '5m'],
      ['lag-limit', 'work', '1h', 'ipc://office'],
      ['lag-limit', 'work', 'default', 'ipc://office'],
      ['events', '--since', '1h'],
      ['alerts'],
      ['limits', 'set', 'work', 'ipc://office', '--rate', '10M', '--between', '08:00-18:00=2M', '22:00-06:00=off'],
      ['limits', 'show', 'work', 'ipc://office'],
      ['space', 'work'],
      ['hold', 'show', 'work'],
      ['hold', 'cap', 'work', 'ipc://office', '10M'],
      ['hold', 'cap', 'work', 'ipc://office', '15%'],
      ['hold', 'cap', 'work', 'ipc://office', 'default'],
      ['hold', 'release', 'work', 'ipc://office', '--yes'],
      ['unlink', 'work', 'ipc://office'],
      ['volume', 'detach', 'work'],
      ['volume', 'attach', 'work', work],
      ...(how === 'with a server' ? [['stop']] : []),
    ];
    for (const words of commands) expect(await documents(place, ...words), words.join(' ')).not.toEqual([]);
    const unknown = await runCommand(place, '--json', 'ls', 'nothing:/');
    expect([unknown.exitCode, unknown.stdout, codeOf(unknown)]).toEqual([1, '', 'volume-not-found']);
  });

  it('has help that names it, and a wrong word is told from a fault', async () => {
    const place = placeIn(testFolder(), 'a');
    const help = await succeed(place, '--help');
    for (const name of ['volume', 'serve', 'stop', 'status', 'ls', 'cat', 'stat', 'mkdir', 'put', 'get', 'compare', 'mv', 'rm', 'cp', 'snapshot', 'schedule', 'link', 'unlink', 'events', 'alerts']) {
      expect(help).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(await succeed(place, name, '--help')).toContain(`mirrorpoint ${name}`);
    }
    for (const words of [['fly'], ['volume', 'fly'], ['ls'], ['ls', 'work:/', '--fast'], ['cp', 'history', 'work', '--limit', 'many'], ['events', '--since', 'lately'], ['lag-limit', 'work', '0'], ['events', '--since', '1h', '--watch']]) {
      const result = await runCommand(place, ...words);
      expect([words, result.exitCode, result.stdout]).toEqual([words, 2, '']);
      expect(result.stderr).not.toBe('');
    }
  });
});

describe('the program', () => {
  it('says and ends as its commands do', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    for (const words of [['--version'], ['volume', 'list'], ['--json', 'ls', 'nowhere:/'], ['volume', 'lost']]) {
      expect([words, await runProgram(place, ...words)]).toEqual([words, await runCommand(place, ...words)]);
    }
  });
});

describe('the stop command', () => {
  it('returns when the final CP is taken and the devices are free', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const image = join(folder, 'work.img');
    mkdirSync(join(folder, 'source'));
    for (let index = 0; index < 40; index++) writeFileSync(join(folder, 'source', `${index}`), randomBytes(1 << 20));
    await succeed(place, 'volume', 'create', 'work', `${image}=256M`, '--interval', 'off');
    await using _server = await ServerProcess.start(place);
    await succeed(place, 'put', join(folder, 'source'), 'work:/source');
    await succeed(place, 'rm', '-r', 'work:/source');
    await succeed(place, 'stop');
    await using device = await ImageFile.open(image);
    expect(device.sizeBytes).toBe(256 << 20);
  });
});

describe('the history of CPs', () => {
  it('is of the volume, not of another that had its name before', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const history = async (): Promise<number[]> =>
      ((await documents(place, 'cp', 'history', 'work'))[0] as { cp: number }[]).map(({ cp }) => cp);
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'old.img')}=64M`);
    await succeed(place, 'cp', 'now', 'work');
    await succeed(place, 'cp', 'now', 'work');
    expect(await history()).toEqual([3, 2, 1]);
    await succeed(place, 'volume', 'detach', 'work');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'new.img')}=64M`);
    expect(await history()).toEqual([1]);
    await succeed(place, 'volume', 'detach', 'work');
    await succeed(place, 'volume', 'attach', 'work', join(folder, 'old.img'));
    expect(await history()).toEqual([3, 2, 1]);
  });
});

describe.skipIf(process.platform === 'win32')('the configuration folder', () => {
  it('is closed to others, and a folder of other things is refused as it is', async () => {
    const folder = testFolder();
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'letter'), 'dear');
    chmodSync(home, 0o755);
    const refused = await runCommand(placeIn(folder, 'home'), '--json', 'volume', 'list');
    expect([refused.exitCode, codeOf(refused)]).toEqual([1, 'not-permitted']);
    expect(statSync(home).mode & 0o777).toBe(0o755);
    const own = placeIn(folder, 'own');
    mkdirSync(own.configFolder);
    chmodSync(own.configFolder, 0o755);
    await succeed(own, 'volume', 'list');
    expect(statSync(own.configFolder).mode & 0o777).toBe(0o700);
  });
});
