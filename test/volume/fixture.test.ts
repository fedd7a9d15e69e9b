import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { checksumOf } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { formatVersion } from '../../src-main/format/index.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { type Contents, contentsOf, fixtureBytes, fixtureOptions } from '../fixtures/fixture-volume.ts';

const folder = new URL('../fixtures/', import.meta.url);
const images = readdirSync(folder).filter((name) => name.endsWith('.img.gz'));
const digest = (bytes: Uint8Array): string => checksumOf(bytes).toString(16);

test('there is a fixture of every format version up to the present one', () => {
  expect(images.sort()).toEqual(Array.from({ length: formatVersion }, (_, index) => `volume-format-${index + 1}.img.gz`));
});

test.each(images)('%s opens, is whole, and holds what it held when it was made', async (name) => {
  const device = new MemoryDevice({ sizeBytes: fixtureBytes });
  await device.write(0, [gunzipSync(readFileSync(new URL(name, folder)))]);
  const states = JSON.parse(readFileSync(new URL(name.replace('.img.gz', '.json'), folder), 'utf8')) as Record<string, Contents>;

  await using volume = await Volume.open(await DeviceSet.open([device]), fixtureOptions());
  expect(volume.recovery?.replayedRequests).toBeGreaterThan(0);
  expect((await volume.check()).problems).toEqual([]);
  expect(await contentsOf(volume, digest)).toEqual(states.live);
  const snapshots = await volume.listSnapshots();
  expect(snapshots.map((snapshot) => snapshot.name)).toEqual(Object.keys(states).filter((state) => state !== 'live'));
  for (const snapshot of snapshots) {
    await using view = await volume.openView({ snapshot: snapshot.name });
    expect(await contentsOf(view, digest)).toEqual(states[snapshot.name]);
  }
  await volume.createSnapshot('today');
  await volume.snapshots.release('second', 'fixture');
  for (const { name: doomed } of await volume.listSnapshots()) await volume.deleteSnapshot(doomed);
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});
