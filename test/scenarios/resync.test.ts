import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelationshipStatus, Snapshot } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const address = 'ipc://office';

async function linkOf(server: ServerProcess): Promise<RelationshipStatus> {
  return (await server.client.relationships.list({})).relationships[0]!;
}

const isIdentical = ({ identical }: RelationshipStatus): boolean => identical;

interface Offices {
  readonly folder: string;
  readonly a: Place;
  readonly b: Place;
  image(name: 'work' | 'copy'): string;
  write(name: string, content: Uint8Array): string;
}

/** A volume that is linked to a mirror; neither server runs. */
async function offices(): Promise<Offices> {
  const folder = testFolder();
  const image = (name: string): string => join(folder, `${name}.img`);
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${image('copy')}=64M`, '--role', 'mirror', '--listen', address);
  await succeed(a, 'volume', 'create', 'work', `${image('work')}=64M`);
  await succeed(a, 'link', 'work', address);
  const write = (name: string, content: Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  return { folder, a, b, image, write };
}

/** Brings a file in and mirrors it. */
async function mirrorFile(servers: { primary: ServerProcess; place: Place }, source: string, name: string): Promise<void> {
  await succeed(servers.place, 'put', source, `work:/${name}`);
  await succeed(servers.place, 'cp', 'now', 'work');
  await eventually(() => linkOf(servers.primary), isIdentical);
}

describe('a mirror and a primary that are not of one state', () => {
  it('a primary set back to an older image asks, and the newer state of the mirror stays readable', async () => {
    const { folder, a, b, image, write } = await offices();
    const newer = randomBytes(300_000);
    await using _mirror = await ServerProcess.start(b);
    {
      await using primary = await ServerProcess.start(a);
      await mirrorFile({ primary, place: a }, write('first', randomBytes(100_000)), 'first');
      await primary.stop();
      copyFileSync(image('work'), join(folder, 'old.img'));
    }
    {
      await using primary = await ServerProcess.start(a);
      await mirrorFile({ primary, place: a }, write('newer', newer), 'newer');
      await primary.stop();
    }
    copyFileSync(join(folder, 'old.img'), image('work'));
    await using primary = await ServerProcess.start(a);
    const refused = await eventually(() => linkOf(primary), ({ state }) => state === 'error');
    expect(refused).toMatchObject({ code: 'peer-diverged' });
    expect(refused.reason).toContain('mirrorpoint resync');
    expect(codeOf(await runCommand(a, '--json', 'resync', 'work'))).toBe('cancelled');
    expect((await linkOf(primary)).state).toBe('error');

    await succeed(a, 'resync', 'work', '--yes');
    await eventually(() => linkOf(primary), isIdentical);
    expect(codeOf(await runCommand(a, '--json', 'resync', 'work', '--yes'))).toBe('argument-invalid');
    const snapshots = JSON.parse(await succeed(b, '--json', 'snapshot', 'list', 'copy')) as Snapshot[];
    const aside = snapshots.find(({ isSetAside }) => isSetAside)!;
    expect(aside.name).toBe(`set-aside-cp${aside.cp}`);
    expect(codeOf(await runCommand(b, '--json', 'stat', 'copy:/newer'))).toBe('not-found');
    await succeed(b, 'get', `copy@${aside.name}:/newer`, join(folder, 'back'));
    expect(readFileSync(join(folder, 'back')).equals(newer)).toBe(true);
    expect(codeOf(await runCommand(b, '--json', 'promote', 'copy', '--force', '--yes'))).toBe('snapshot-held');
    await succeed(b, 'snapshot', 'delete', `copy@${aside.name}`);
    expect(JSON.parse(await succeed(b, '--json', 'snapshot', 'list', 'copy'))).toEqual([]);
    await succeed(b, 'volume', 'check', 'copy');
  });

  it('a mirror that comes back with an old image gets what differs alone', async () => {
    const { folder, a, b, image, write } = await offices();
    await using primary = await ServerProcess.start(a);
    {
      await using mirror = await ServerProcess.start(b);
      await mirrorFile({ primary, place: a }, write('large', randomBytes(12 << 20)), 'large');
      await succeed(a, 'snapshot', 'create', 'work@monday');
      await eventually(() => linkOf(primary), isIdentical);
      await mirror.stop();
      copyFileSync(image('copy'), join(folder, 'old.img'));
    }
    {
      await using mirror = await ServerProcess.start(b);
      for (let round = 0; round < 3; round++) await mirrorFile({ primary, place: a }, write('small', randomBytes(500_000)), `small ${round}`);
      await mirror.stop();
    }
    copyFileSync(join(folder, 'old.img'), image('copy'));
    const before = await linkOf(primary);
    await using _mirror = await ServerProcess.start(b);
    const after = await eventually(() => linkOf(primary), isIdentical);
    expect(after.bytesSent - before.bytesSent).toBeLessThan(3 << 20);
    await succeed(b, 'compare', join(folder, 'large'), 'copy:/large');
    await succeed(b, 'volume', 'check', 'copy');
  });

  it('a mirror of another volume says so, keeps what it has, and follows once it was emptied on request', async () => {
    const { folder, a, b, write } = await offices();
    await using _mirror = await ServerProcess.start(b);
    {
      await using primary = await ServerProcess.start(a);
      await mirrorFile({ primary, place: a }, write('file', randomBytes(100_000)), 'file');
    }
    const c = placeIn(folder, 'c');
    await succeed(c, 'volume', 'create', 'work', `${join(folder, 'other.img')}=64M`);
    await using other = await ServerProcess.start(c);
    await succeed(c, 'link', 'work', address);
    const refused = await eventually(() => linkOf(other), ({ state }) => state === 'error');
    expect(refused).toMatchObject({ code: 'peer-wrong-volume' });
    await succeed(b, 'compare', join(folder, 'file'), 'copy:/file');
    expect(codeOf(await runCommand(b, '--json', 'volume', 'reset', 'copy'))).toBe('cancelled');
    expect(codeOf(await runCommand(a, '--json', 'volume', 'reset', 'work', '--yes'))).toBe('volume-is-primary');
    await succeed(b, 'volume', 'reset', 'copy', '--yes');
    await succeed(c, 'pause', 'work', address);
    await succeed(c, 'resume', 'work', address);
    await mirrorFile({ primary: other, place: c }, write('another', randomBytes(100_000)), 'another');
    await succeed(b, 'compare', join(folder, 'another'), 'copy:/another');
  });
});
