import { expect, test } from 'vitest';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { rootChecksumOf } from '../../src-main/format/index.ts';
import { createMemoryPair } from '../../src-main/transport/index.ts';
import { WireSession } from '../../src-main/wire/index.ts';
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

/** A device whose flushes can be held up. */
class SlowDevice extends MemoryDevice {
  mayFlush: Promise<unknown> | undefined;

  override async flush(): Promise<void> {
    await this.mayFlush;
    await super.flush();
  }
}

test('lag is known on both sides, and is nothing when they are equal', async () => {
  const device = new SlowDevice({ name: 'slow', sizeBytes: 64 << 20 });
  await using lab = new MirrorLab({ wrapMirror: () => device });
  await lab.start();
  await lab.untilIdentical();
  const { cp } = lab.primary.root;
  await lab.pass(2000);
  const { promise, resolve: letGo } = Promise.withResolvers<undefined>();
  device.mayFlush = promise;
  for (let round = 0; round < 3; round++) {
    await lab.put(`file-${round}`, lab.random.bytes(100_000));
    await lab.primary.takeCp();
    await lab.settle();
  }
  await lab.pass(5000);
  const behind = [lab.relationship.status(), lab.service.status()];
  letGo(undefined);
  for (const status of behind) {
    expect(status).toMatchObject({ primaryCp: cp + 3, mirrorCp: cp, lagCps: 3, identical: false });
    expect(status.lagBytes).toBeGreaterThan(300_000);
    // Since the first CP that it lacks, not since its own: nothing had happened for two seconds.
    expect(status.lagMs).toBeGreaterThanOrEqual(5000);
    expect(status.lagMs).toBeLessThan(7000);
  }
  await lab.untilIdentical();
  await lab.pass(2000);
  for (const status of [lab.relationship.status(), lab.service.status()]) {
    expect(status).toMatchObject({ state: 'live', lagCps: 0, lagBytes: 0, lagMs: 0, identical: true });
    expect(status.lastCommittedWallMs).toBe(lab.primary.root.wallMs);
    expect(status.rootChecksum).toBe(rootChecksumOf(lab.primary.rootBytes).toString(16).padStart(16, '0'));
    expect(status.clockAheadMs).toBe(0);
  }
});

test('a CP that ends while a session comes about is mirrored without another change', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.untilIdentical();
  for (let turns = 0; turns < 24; turns++) {
    await lab.relationship.pause();
    await lab.put(`file-${turns}`, lab.random.bytes(50_000));
    lab.relationship.resume();
    await lab.settle(turns);
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('two mirrors of one volume follow each at its own pace', async () => {
  await using lab = new MirrorLab({ primaryBytes: 32 << 20 });
  await lab.start();
  await using second = await lab.addMirror();
  const { mirror: other, relationship } = second;
  await lab.put('file', lab.random.bytes(2 << 20));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.until(() => relationship.status().identical, 'the second mirror');
  const { cp } = other.committed!;
  await relationship.pause();
  for (let round = 0; round < 8; round++) {
    await lab.overwrite('file', lab.random.bytes(2 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
  }
  // What the absent one shows is whole all the while.
  other.cache.clear();
  expect((await other.check()).problems).toEqual([]);
  expect(lab.primary.bases).toContain(cp);
  relationship.resume();
  await lab.until(() => relationship.status().identical && lab.relationship.status().identical, 'both mirrors');
  expect((await other.check()).problems).toEqual([]);
  expect((await lab.mirror.check()).problems).toEqual([]);
  expect((await lab.primary.check()).problems).toEqual([]);
  expect(lab.crashes).toEqual([]);
});

test('many small files and deep trees travel without waiting for each of them', async () => {
  await using lab = new MirrorLab({ primaryBytes: 96 << 20 });
  await lab.start();
  for (let index = 0; index < 3000; index++) await lab.put(`small-${index}`, lab.random.bytes(1000));
  await lab.put('tall', lab.random.bytes(8 << 20));
  await lab.relationship.pause();
  await lab.primary.takeCp();
  const before = lab.messages;
  lab.relationship.resume();
  await lab.untilIdentical();
  // Wants and answers together: about one each per MiB, and a few per level.
  expect(lab.messages - before).toBeLessThan(150);
  expect((await lab.mirror.check()).problems).toEqual([]);
});

test('blocks of 64 KiB are mirrored as well', async () => {
  await using lab = new MirrorLab({ blockSizeBytes: 65536, primaryBytes: 256 << 20 });
  await lab.start();
  const content = lab.random.bytes(5_000_000);
  await lab.put('file', content);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.overwrite('file', content.toReversed());
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'file'), content.toReversed());
});

test('a wrong clock on one side is seen on both, and changes neither order nor lag', async () => {
  const mirrorAheadMs = 3_600_000;
  await using lab = new MirrorLab({ mirrorAheadMs });
  await lab.start();
  await lab.untilIdentical();
  await lab.put('file', lab.random.bytes(100_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.pass(3000);
  expect(lab.relationship.status()).toMatchObject({ identical: true, lagMs: 0, clockAheadMs: mirrorAheadMs });
  expect(lab.service.status()).toMatchObject({ identical: true, lagMs: 0, clockAheadMs: -mirrorAheadMs });
});

test('a mirror takes the two for identical by the checksum of the root, not by its number', async () => {
  await using lab = new MirrorLab();
  await lab.start();
  await lab.put('file', lab.random.bytes(100_000));
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.relationship.close();
  const { id, setId, root, rootBytes } = lab.primary;
  const [link, other] = createMemoryPair();
  const serving = lab.service.accept(other);
  const { blockSizeBytes, blockCount, epoch } = root;
  const session = new WireSession({ role: 'primary', hello: { serverId: new Uint8Array(16).fill(1), serverName: 'attic', volumeId: id, setId, blockSizeBytes, blockCount, epoch } });
  await link.send(session.start());
  while (session.peer === undefined) for (const _message of session.receive((await link.receive())!));
  const hear = async (lastRootChecksum: bigint): Promise<void> => {
    await link.send(session.send({ type: 'heartbeat', sentWallMs: 1, lastCp: root.cp, lastCpWallMs: root.wallMs, pendingBytes: 0, receivedBytes: 0, lastRootChecksum }));
    await lab.settle();
  };
  await lab.until(() => lab.service.status().state === 'live', 'the session');
  expect(lab.service.status()).toMatchObject({ identical: false });
  await hear(rootChecksumOf(rootBytes) ^ 1n);
  expect(lab.service.status()).toMatchObject({ mirrorCp: root.cp, primaryCp: root.cp, identical: false });
  await hear(rootChecksumOf(rootBytes));
  expect(lab.service.status()).toMatchObject({ mirrorCp: root.cp, primaryCp: root.cp, identical: true });
  await link.close();
  await serving;
});
