import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelationshipStatus } from '../../src-main/contract/index.ts';
import { type Place, ServerProcess } from '../shells/server-process.ts';
import { eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const mirrors = ['near', 'far'] as const;

async function statusOf(primary: ServerProcess, mirror: string): Promise<RelationshipStatus> {
  const { relationships } = await primary.client.relationships.list({});
  return relationships.find(({ address }) => address === `ipc://${mirror}`)!;
}

/** A folder of files, written anew with each call. */
function fillFolder(folder: string): string {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  for (let index = 0; index < 8; index++) writeFileSync(join(source, `file ${index}`), randomBytes(512 << 10));
  return source;
}

describe('one primary with several mirrors', () => {
  it('serves each at its own pace: one that is slow, then killed, holds up neither the other nor the writer', async () => {
    const folder = testFolder();
    const primaryPlace = placeIn(folder, 'primary');
    const places = new Map<string, Place>(mirrors.map((name) => [name, placeIn(folder, name)]));
    for (const [name, place] of places) {
      await succeed(place, 'volume', 'create', 'copy', `${join(folder, `${name}.img`)}=128M`, '--role', 'mirror', '--listen', `ipc://${name}`);
    }
    await succeed(primaryPlace, 'volume', 'create', 'work', `${join(folder, 'work.img')}=128M`, '--interval', '1s');
    await using _near = await ServerProcess.start(places.get('near')!);
    const far = await ServerProcess.start(places.get('far')!);
    await using primary = await ServerProcess.start(primaryPlace);
    for (const name of mirrors) await succeed(primaryPlace, 'link', 'work', `ipc://${name}`);
    for (const name of mirrors) await eventually(() => statusOf(primary, name), ({ identical }) => identical);
    await succeed(primaryPlace, 'limits', 'set', 'work', 'ipc://far', '--rate', '16K');

    const source = fillFolder(folder);
    await succeed(primaryPlace, 'put', source, 'work:/files');
    await succeed(primaryPlace, 'cp', 'now', 'work');
    const near = await eventually(() => statusOf(primary, 'near'), ({ identical }) => identical);
    expect(near.lagCps).toBe(0);
    const slow = await statusOf(primary, 'far');
    expect(slow).toMatchObject({ identical: false });
    expect(slow.mirrorCp).toBeLessThan(near.mirrorCp);
    await succeed(places.get('near')!, 'compare', source, 'copy:/files');

    await far.kill();
    fillFolder(folder);
    await succeed(primaryPlace, 'put', source, 'work:/files');
    await succeed(primaryPlace, 'cp', 'now', 'work');
    await eventually(() => statusOf(primary, 'near'), ({ identical }) => identical);
    await succeed(places.get('near')!, 'compare', source, 'copy:/files');
    expect((await statusOf(primary, 'far')).hold?.heldBytes).toBeGreaterThan(0);

    await succeed(primaryPlace, 'limits', 'set', 'work', 'ipc://far', '--clear');
    await using _far = await ServerProcess.start(places.get('far')!);
    await eventually(() => statusOf(primary, 'far'), ({ identical }) => identical);
    await succeed(places.get('far')!, 'compare', source, 'copy:/files');
    for (const place of places.values()) await succeed(place, 'volume', 'check', 'copy');
  });
});
