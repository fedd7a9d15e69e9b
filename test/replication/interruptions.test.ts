import { describe, expect, test } from 'vitest';
import { contentOf, expectBytes, MirrorLab, namesOf } from './mirror-lab.ts';

/** A workload of a few CPs with changes of every kind; the mirror follows meanwhile. */
async function work(lab: MirrorLab): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const put = async (name: string, bytes: number): Promise<void> => {
    const content = lab.random.bytes(bytes);
    if (files.has(name)) await lab.overwrite(name, content);
    else await lab.put(name, content);
    files.set(name, content);
  };
  await put('a', 300_000);
  await put('b', 50_000);
  await lab.primary.takeCp();
  await lab.settle(20);
  await put('a', 300_000);
  await lab.primary.createSnapshot('early');
  await lab.settle(20);
  await lab.remove('b');
  files.delete('b');
  await put('c', 700_000);
  await lab.primary.takeCp();
  await lab.settle(20);
  await put('c', 700_000);
  await lab.primary.takeCp();
  return files;
}

async function expectFollowed(lab: MirrorLab, files: Map<string, Uint8Array>): Promise<void> {
  await lab.untilIdentical();
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expect(await namesOf(view)).toEqual([...files.keys()].sort());
  for (const [name, content] of files) expectBytes(await contentOf(view, name), content);
}

async function messagesOfWork(): Promise<number> {
  await using lab = new MirrorLab();
  await lab.start();
  await expectFollowed(lab, await work(lab));
  return lab.messages;
}

/** 24 MiB, and what was on the link when it was cut: messages of 1 MiB each; without resuming it would be 40. */
const resumedBytesMax = 30 << 20;

/** Begins to catch up with a CP of 24 MiB whose link is cut after 16; returns the bytes sent before. */
async function startLargeCatchUp(lab: MirrorLab): Promise<number> {
  await lab.start();
  await lab.untilIdentical();
  expect(lab.mirror.committed?.cp).toBe(2);
  await lab.relationship.pause();
  await lab.put('large', lab.random.bytes(24 << 20));
  await lab.primary.takeCp();
  const before = lab.bytesFromPrimary;
  lab.cutAtBytes = before + (16 << 20);
  lab.relationship.resume();
  return before;
}

describe('the link', () => {
  test('may be cut at every message boundary: the mirror shows whole CPs only, and catches up', async () => {
    const messages = await messagesOfWork();
    expect(messages).toBeGreaterThan(20);
    for (let cutAt = 1; cutAt <= messages; cutAt++) {
      await using lab = new MirrorLab();
      lab.cutAtMessage = cutAt;
      await lab.start();
      await expectFollowed(lab, await work(lab));
      expect(lab.messages, `no cut at message ${cutAt}`).toBeGreaterThan(cutAt);
    }
  });

  test.each(['delayedMessage', 'repeatedMessage'] as const)('may deliver any one message late or twice: the mirror shows whole CPs only, and catches up (%s)', async (which) => {
    const messages = await messagesOfWork();
    for (let number = 1; number <= messages; number++) {
      await using lab = new MirrorLab();
      lab[which] = number;
      await lab.start();
      await expectFollowed(lab, await work(lab));
      expect(lab.messages, `${which} ${number}`).toBeGreaterThanOrEqual(number);
      expect(lab.crashes).toEqual([]);
    }
  });

  test('may be cut in the middle of a large CP: what has arrived does not travel again', async () => {
    await using lab = new MirrorLab({ primaryBytes: 128 << 20 });
    const before = await startLargeCatchUp(lab);
    await lab.untilIdentical();
    expect(lab.wasCutAtBytes).toBe(true);
    expect(lab.bytesFromPrimary - before).toBeLessThan(resumedBytesMax);
    expect((await lab.mirror.check()).problems).toEqual([]);
  });

  test('may be dead without a word: silence ends the session, and the next one catches up', async () => {
    await using lab = new MirrorLab();
    await lab.start();
    await lab.untilIdentical();
    const letGo = lab.stallPrimary();
    await lab.put('unheard', lab.random.bytes(100_000));
    await lab.primary.takeCp();
    await lab.until(() => lab.service.status().state === 'connecting', 'the end of the silent session');
    expect(lab.service.status()).toMatchObject({ code: 'link-timeout' });
    letGo();
    await lab.untilIdentical();
  });
});

describe('the mirror', () => {
  test('may be killed at any moment: it opens at a whole CP, and nothing that arrived travels again', async () => {
    for (let kill = 3; kill < 26; kill += 2) {
      await using lab = new MirrorLab();
      lab.cutAtMessage = kill;
      await lab.start();
      const files = await work(lab);
      const served = lab.mirror.committedBytes;
      await lab.restartMirror();
      if (served !== undefined) expect(lab.mirror.committed?.cp).toBeGreaterThan(0);
      await expectFollowed(lab, files);
    }
  });

  test('is killed in the middle of a large CP and finds its blocks again', async () => {
    await using lab = new MirrorLab({ primaryBytes: 128 << 20 });
    const cp = 2;
    const before = await startLargeCatchUp(lab);
    await lab.until(() => lab.wasCutAtBytes, 'two thirds of the catch-up');
    await lab.restartMirror();
    expect(lab.mirror.committed?.cp).toBe(cp);
    await lab.untilIdentical();
    expect(lab.bytesFromPrimary - before).toBeLessThan(resumedBytesMax);
  });

  test('that hangs costs the primary nothing: CPs go on, and the newest is what it catches up to', async () => {
    await using lab = new MirrorLab();
    await lab.start();
    await lab.untilIdentical();
    const letGo = lab.stallPrimary();
    const { cp } = lab.primary.root;
    const before = lab.bytesFromPrimary;
    await lab.put('hot', lab.random.bytes(1 << 20));
    for (let round = 0; round < 20; round++) {
      await lab.overwrite('hot', lab.random.bytes(1 << 20));
      await lab.primary.takeCp();
    }
    expect(lab.primary.root.cp).toBeGreaterThanOrEqual(cp + 20);
    expect(lab.relationship.status()).toMatchObject({ mirrorCp: cp, lagCps: lab.primary.root.cp - cp });
    expect(lab.relationship.status().lagBytes).toBeGreaterThan(20 << 20);
    letGo();
    await lab.untilIdentical();
    // Of twenty versions, the two on their way when it hung and the last one travel.
    expect(lab.bytesFromPrimary - before).toBeLessThan(5 << 20);
    expect((await lab.mirror.check()).problems).toEqual([]);
  });

  test('that comes back after an absence gets the newest CP, not what was overwritten meanwhile', async () => {
    await using lab = new MirrorLab();
    await lab.start();
    await lab.put('hot', lab.random.bytes(1 << 20));
    await lab.primary.takeCp();
    await lab.untilIdentical();
    await lab.relationship.pause();
    expect(lab.relationship.status().state).toBe('paused');
    for (let round = 0; round < 10; round++) {
      await lab.overwrite('hot', lab.random.bytes(1 << 20));
      await lab.primary.takeCp();
    }
    const before = lab.bytesFromPrimary;
    lab.relationship.resume();
    await lab.untilIdentical();
    expect(lab.bytesFromPrimary - before).toBeLessThan(2 << 20);
  });
});

describe('the primary', () => {
  test('may be killed: what the mirror has stays kept, and it goes on from there', async () => {
    for (let kill = 4; kill < 26; kill += 2) {
      await using lab = new MirrorLab();
      lab.cutAtMessage = kill;
      await lab.start();
      await lab.put('kept', lab.random.bytes(200_000));
      await lab.primary.takeCp();
      await lab.settle(10);
      await lab.put('lost', lab.random.bytes(200_000));
      await lab.settle(10);
      await lab.restartPrimary();
      expect((await lab.primary.check()).problems).toEqual([]);
      const content = lab.random.bytes(400_000);
      await lab.overwrite('kept', content);
      await lab.primary.takeCp();
      await lab.untilIdentical();
      expect((await lab.mirror.check()).problems).toEqual([]);
      await using view = await lab.mirror.openView('last');
      expectBytes(await contentOf(view, 'kept'), content);
    }
  });
});
