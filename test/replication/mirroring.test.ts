import { expect, test } from 'vitest';
import { contentOf, expectBytes, MirrorLab, namesOf } from './mirror-lab.ts';

test('a new mirror receives its baseline and proves every block of it', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  const large = lab.random.bytes(6 << 20);
  await lab.put('large', large);
  for (let index = 0; index < 300; index++) await lab.put(`small-${index}`, lab.random.bytes(index * 13));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'large'), large);
  expect(await namesOf(view)).toEqual(await namesOf(lab.primary));
  expect(lab.relationship.status()).toMatchObject({ state: 'live', lagCps: 0, lagBytes: 0, lagMs: 0 });
});

test('a mirror that is up to date gets a CP while it runs, and asks for nothing', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  const { blocksPulled } = lab.relationship.status();
  const content = lab.random.bytes(3 << 20);
  await lab.put('live', content);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  const status = lab.relationship.status();
  expect(status.blocksPulled).toBe(blocksPulled);
  expect(status.blocksPushed).toBeGreaterThan(3 << 8);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'live'), content);
});
