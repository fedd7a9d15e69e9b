import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VolumeStatus } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, placeIn, succeed, testFolder } from './scenario-place.ts';

describe('a device of a volume in use', () => {
  it('is replaced by a larger one, with all that was written before and meanwhile, and the server starts with the new one', async () => {
    const folder = testFolder();
    const a = placeIn(folder, 'a');
    const image = (name: string): string => join(folder, name);
    await succeed(a, 'volume', 'create', 'work', `${image('one.img')}=32M`, `${image('two.img')}=32M`);
    const local = join(folder, 'documents');
    mkdirSync(local);
    for (let file = 0; file < 8; file++) writeFileSync(join(local, `file-${file}`), randomBytes(3_000_000));
    {
      await using server = await ServerProcess.start(a);
      await succeed(a, 'put', local, 'work:/documents');

      // What is too small, taken, or no device of the volume is refused, and nothing changes.
      const refused = async (...words: string[]): Promise<string> => codeOf(await runCommand(a, '--json', 'volume', 'replace-device', 'work', ...words));
      expect(await refused(image('two.img'), `${image('small.img')}=16M`)).toBe('device-too-small');
      expect(await refused(image('two.img'), image('one.img'))).toBe('volume-in-use');
      expect(await refused(image('other.img'), `${image('next.img')}=40M`)).toBe('argument-invalid');

      expect(await succeed(a, 'volume', 'replace-device', 'work', image('one.img'), `${image('next.img')}=40M`)).toContain('has taken the place of');
      const status: VolumeStatus = await server.client.volumes.inspect({ volume: 'work' });
      expect(status).toMatchObject({ devices: [image('next.img'), image('two.img')], deviceErrors: [] });
      await succeed(a, 'put', join(local, 'file-1'), 'work:/copy');
      expect(await succeed(a, 'compare', local, 'work:/documents')).toContain('no difference.');
    }
    await using _again = await ServerProcess.start(a);
    expect(await succeed(a, 'compare', join(local, 'file-1'), 'work:/copy')).toContain('no difference.');
    expect(await succeed(a, 'volume', 'check', 'work')).toContain('The volume is whole');
    // The old device is nobody's any more.
    expect(codeOf(await runCommand(a, '--json', 'volume', 'attach', 'old', image('one.img')))).toBe('not-a-volume');
  });
});
