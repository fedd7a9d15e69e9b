import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

function overwrite(path: string, offsetBytes: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, offsetBytes);
  closeSync(fd);
}

describe('bad input is refused by a code, with an exit status, and loses nothing', () => {
  it('an image that is no volume, that is damaged, or that is not there', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    writeFileSync(join(folder, 'noise.img'), randomBytes(1 << 20));
    const noise = await runCommand(place, '--json', 'volume', 'attach', 'work', join(folder, 'noise.img'));
    expect([noise.exitCode, codeOf(noise)]).toEqual([1, 'not-a-volume']);
    const missing = await runCommand(place, '--json', 'volume', 'attach', 'work', join(folder, 'none.img'));
    expect([missing.exitCode, codeOf(missing)]).toEqual([1, 'device-not-found']);
    const image = join(folder, 'work.img');
    await succeed(place, 'volume', 'create', 'work', `${image}=64M`);
    writeFileSync(join(folder, 'file'), randomBytes(100_000));
    await succeed(place, 'put', join(folder, 'file'), 'work:/file');
    const bytes = readFileSync(image);
    // The journal, which lies before the blocks, has the content too.
    const at = bytes.lastIndexOf(readFileSync(join(folder, 'file')).subarray(0, 4096));
    expect(at).toBeGreaterThan(0);
    overwrite(image, at + 100, Buffer.from('rot'));
    const read = await runCommand(place, '--json', 'cat', 'work:/file');
    expect([read.exitCode, codeOf(read)]).toEqual([1, 'checksum-mismatch']);
    expect((await runCommand(place, 'volume', 'check', 'work')).exitCode).toBe(3);
  });

  it('a missing and a foreign device of a set', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const images = ['one.img', 'two.img'].map((name) => join(folder, name));
    await succeed(place, 'volume', 'create', 'work', ...images.map((image) => `${image}=32M`));
    await succeed(place, 'volume', 'create', 'foreign', `${join(folder, 'foreign.img')}=32M`);
    await succeed(place, 'volume', 'detach', 'work');
    await succeed(place, 'volume', 'detach', 'foreign');
    const missing = await runCommand(place, '--json', 'volume', 'attach', 'work', images[0]!);
    expect([missing.exitCode, codeOf(missing)]).toEqual([1, 'device-missing']);
    const foreign = await runCommand(place, '--json', 'volume', 'attach', 'work', images[0]!, join(folder, 'foreign.img'));
    expect([foreign.exitCode, codeOf(foreign)]).toEqual([1, 'device-foreign']);
    await succeed(place, 'volume', 'attach', 'work', images[1]!, images[0]!);
  });

  it('an image that holds something already, and a device too small', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    writeFileSync(join(folder, 'precious.img'), 'precious');
    const taken = await runCommand(place, '--json', 'volume', 'create', 'work', `${join(folder, 'precious.img')}=64M`);
    expect([taken.exitCode, codeOf(taken)]).toEqual([1, 'exists']);
    expect(readFileSync(join(folder, 'precious.img'), 'utf8')).toBe('precious');
    for (const size of ['100K', '100']) {
      const small = await runCommand(place, '--json', 'volume', 'create', 'work', `${join(folder, 'small.img')}=${size}`);
      expect([small.exitCode, codeOf(small)]).toEqual([1, 'device-too-small']);
    }
    expect(() => readFileSync(join(folder, 'small.img'))).toThrow();
  });

  it('a full volume, which goes on serving and takes changes again when there is room', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=16M`);
    mkdirSync(join(folder, 'much'));
    for (let index = 0; index < 30; index++) writeFileSync(join(folder, 'much', `${index}.bin`), randomBytes(1 << 20));
    const put = await runCommand(place, '--json', 'put', join(folder, 'much'), 'work:/much');
    expect(put.exitCode).toBe(4);
    expect(put.stdout).toContain('"code":"volume-full"');
    expect((await runCommand(place, 'volume', 'check', 'work')).exitCode).toBe(0);
    await succeed(place, 'rm', '-r', 'work:/much');
    await succeed(place, 'cp', 'now', 'work');
    await succeed(place, 'put', join(folder, 'much', '0.bin'), 'work:/0.bin');
  });

  it('a mirror that is too small, and a mirror of another volume', async () => {
    const folder = testFolder();
    const [a, b, c] = [placeIn(folder, 'a'), placeIn(folder, 'b'), placeIn(folder, 'c')];
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(b, 'volume', 'create', 'small', `${join(folder, 'small.img')}=32M`, '--role', 'mirror', '--listen', 'ipc://small');
    await succeed(b, 'volume', 'create', 'right', `${join(folder, 'right.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://right');
    await succeed(c, 'volume', 'create', 'other', `${join(folder, 'other.img')}=64M`);
    await succeed(c, 'link', 'other', 'ipc://right');
    await using _mirrors = await ServerProcess.start(b);
    await using other = await ServerProcess.start(c);
    const first = async (server: ServerProcess): Promise<{ identical: boolean; code?: string | undefined } | undefined> =>
      (await server.client.relationships.list({})).relationships[0];
    await eventually(() => first(other), (link) => link?.identical === true);
    await using primary = await ServerProcess.start(a);
    await succeed(a, 'link', 'work', 'ipc://small');
    await eventually(() => first(primary), (link) => link?.code === 'peer-too-small');
    await succeed(a, 'unlink', 'work', 'ipc://small');
    await succeed(a, 'link', 'work', 'ipc://right');
    await eventually(() => first(primary), (link) => link?.code === 'peer-wrong-volume');
    await succeed(a, 'mkdir', 'work:/serves-on');
  });

  it('paths that would lead out, names, places and values that mean nothing', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    for (const [code, ...words] of [
      ['path-escapes', 'cat', 'work:/../../etc/passwd'],
      ['path-escapes', 'mkdir', 'work:/a/../b'],
      ['argument-invalid', 'ls', 'no-colon'],
      ['argument-invalid', 'cp', 'interval', 'work', 'often'],
      ['argument-invalid', 'cp', 'interval', 'work', '2ms'],
      ['argument-invalid', 'volume', 'create', '../x', `${join(folder, 'x.img')}=64M`],
      ['argument-invalid', 'volume', 'create', 'x', `${join(folder, 'x.img')}=64M`, '--block-size', '5000'],
      ['address-invalid', 'link', 'work', 'tcp://198.51.100.1:7400'],
    ] as const) {
      const result = await runCommand(place, '--json', ...words);
      expect([words.join(' '), result.exitCode, codeOf(result)]).toEqual([words.join(' '), 2, code]);
    }
    const unknown = await runCommand(place, 'fly');
    expect([unknown.exitCode, unknown.stdout]).toEqual([2, '']);
    const nothing = await runCommand(place, '--json', 'cat', 'work:/nothing');
    expect([nothing.exitCode, codeOf(nothing)]).toEqual([1, 'not-found']);
    const nobody = await runCommand(place, '--json', 'ls', 'nobody:/');
    expect([nobody.exitCode, codeOf(nobody)]).toEqual([1, 'volume-not-found']);
  });

  it('settings that cannot be used, by the name of the key', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    await succeed(place, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    const path = join(place.configFolder, 'settings.json');
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, good.replace('"cpIntervalMs": 30000', '"cpIntervalMs": 5'));
    const result = await runCommand(place, '--json', 'serve');
    expect([result.exitCode, codeOf(result)]).toEqual([1, 'settings-invalid']);
    expect(result.stderr).toContain('volumes.0.cpIntervalMs');
    writeFileSync(path, good);
    await succeed(place, 'ls', 'work:/');
  });

  it('a copy of a device, and a volume whose device was removed', async () => {
    const folder = testFolder();
    const place = placeIn(folder, 'a');
    const image = join(folder, 'work.img');
    await succeed(place, 'volume', 'create', 'work', `${image}=64M`);
    await succeed(place, 'volume', 'detach', 'work');
    copyFileSync(image, join(folder, 'twin.img'));
    const twin = await runCommand(place, '--json', 'volume', 'attach', 'work', image, join(folder, 'twin.img'));
    expect([twin.exitCode, codeOf(twin)]).toEqual([1, 'device-in-use']);
    await succeed(place, 'volume', 'attach', 'work', image);
    rmSync(image);
    const gone = await runCommand(place, '--json', 'serve');
    expect([gone.exitCode, codeOf(gone)]).toEqual([1, 'device-not-found']);
  });
});
