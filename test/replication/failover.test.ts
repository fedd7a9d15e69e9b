import { describe, expect, test } from 'vitest';
import { isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { judgeLeadership } from '../../src-main/replication/leadership.ts';
import { createMemoryPair } from '../../src-main/transport/index.ts';
import { FailoverLab } from './failover-lab.ts';
import { contentOf, expectBytes } from './mirror-lab.ts';

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (fault: unknown) => (isFault(fault) ? fault.code : 'uncoded'),
  );

describe('who leads', () => {
  const [low, high] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const own = { role: 'primary', volumeId: new Uint8Array(16).fill(9), setId: low, epoch: 3 } as const;
  const peer = { ...own, setId: high };

  test.each([
    ['a primary of a higher epoch', { ...peer, epoch: 4 }, 'superseded'],
    ['a mirror of a higher epoch', { ...peer, role: 'mirror', epoch: 4 }, 'superseded'],
    ['a primary of a lower epoch', { ...peer, epoch: 2 }, 'supersedes'],
    ['a mirror of the same epoch', { ...peer, role: 'mirror' }, 'undisputed'],
    ['a mirror of a lower epoch', { ...peer, role: 'mirror', epoch: 2 }, 'undisputed'],
    ['an empty mirror', { ...peer, role: 'mirror', epoch: 0, volumeId: new Uint8Array(16) }, 'undisputed'],
    ['a primary of another volume', { ...peer, epoch: 9, volumeId: high }, 'undisputed'],
  ] as const)('against %s', (_, other, leadership) => {
    expect(judgeLeadership(own, other)).toBe(leadership);
  });

  test('of two primaries of one epoch exactly one steps down', () => {
    expect(judgeLeadership(own, peer)).toBe('superseded');
    expect(judgeLeadership(peer, own)).toBe('supersedes');
  });

  test('a mirror claims nothing', () => {
    expect(judgeLeadership({ ...own, role: 'mirror' }, { ...peer, epoch: 9 })).toBe('undisputed');
  });
});

describe.each(['dialing', 'listening'] as const)('with the %s server as the primary', (primaryName) => {
  async function started(): Promise<{ lab: FailoverLab; primary: FailoverLab['dialing']; mirror: FailoverLab['dialing'] }> {
    const lab = new FailoverLab();
    const primary = lab[primaryName];
    await lab.start(primary);
    return { lab, primary, mirror: lab.other(primary) };
  }

  test('the mirror gets its baseline, follows, and catches up after cuts and a restart of the primary', async () => {
    const { lab, primary, mirror } = await started();
    await using _lab = lab;
    const content = lab.random.bytes(300_000);
    await primary.put('one', content);
    await primary.volume!.takeCp();
    await lab.untilIdentical(primary);
    for (let round = 0; round < 5; round++) {
      lab.cut();
      await primary.put(`file ${round}`, lab.random.bytes(50_000));
      await primary.volume!.takeCp();
      await lab.untilIdentical(primary);
    }
    lab.cut();
    await primary.restartPrimary();
    await primary.put('after', content);
    await primary.volume!.takeCp();
    await lab.untilIdentical(primary);
    expect((await mirror.mirror!.check()).problems).toEqual([]);
    await using view = await mirror.mirror!.openView('last');
    expectBytes(await contentOf(view, 'after'), content);
  });

  test('the volume is handed over at exactly the CP that the mirror has, once the mirror has durably agreed', async () => {
    const { lab, primary, mirror } = await started();
    await using _lab = lab;
    await primary.put('file', lab.random.bytes(100_000));
    await primary.volume!.takeCp();
    expect(await code(primary.relationship!.handOver(2))).toBe('peer-not-ready');
    await lab.untilIdentical(primary);
    const sessions = primary.relationship!.sessionCount;
    await primary.relationship!.handOver(2);
    expect(mirror.leads).toEqual([2]);
    // From then on nobody gets through to it as its primary.
    await lab.until(() => mirror.status().state !== 'live', 'the end of the session');
    for (let passed = 0; passed < 20; passed++) {
      lab.clock.pass(1000);
      await lab.until(() => true, 'a turn');
    }
    expect(primary.relationship!.sessionCount).toBe(sessions);
    expect(lab.crashes).toEqual([]);
  });

  test('a mirror that cannot decide stays a mirror, the primary hears so, and can go on', async () => {
    const { lab, primary, mirror } = await started();
    await using _lab = lab;
    mirror.onLead = () => Promise.reject(new MirrorpointError('device-io', 'The settings cannot be stored.'));
    expect(await code(primary.relationship!.handOver(2))).toBe('device-io');
    expect(mirror.leads).toEqual([]);
    await primary.put('file', lab.random.bytes(100_000));
    await primary.volume!.takeCp();
    await lab.untilIdentical(primary);
  });

  test('a hand-over of an epoch that the mirror has already is refused', async () => {
    const { lab, primary, mirror } = await started();
    await using _lab = lab;
    expect(await code(primary.relationship!.handOver(primary.volume!.root.epoch))).toBe('peer-not-ready');
    expect(mirror.leads).toEqual([]);
  });

  test('of two primaries that see each other, the one of the lower epoch hears that it is superseded', async () => {
    const { lab, primary, mirror } = await started();
    await using _lab = lab;
    await mirror.promote(2);
    await lab.until(() => primary.superseding.length > 0, 'word of the higher epoch');
    expect(primary.superseding[0]).toMatchObject({ role: 'primary', epoch: 2, serverName: mirror.name });
    expect(mirror.superseding).toEqual([]);
    expect(mirror.volume!.root.epoch).toBe(2);
    expect(primary.volume!.root.epoch).toBe(1);
  });
});

test('a new link of the peer takes the place of the one that it has given up', async () => {
  const lab = new FailoverLab();
  await using _lab = lab;
  await lab.start(lab.listening);
  const { relationship } = lab.listening;
  const [near, far] = createMemoryPair();
  relationship!.accept(far);
  await lab.until(() => lab.listening.status().state === 'connecting', 'the end of the old session');
  await near.close();
  await lab.untilIdentical(lab.listening);
  await lab.until(() => lab.listening.status().state === 'live', 'another session');
});

test('a paused relationship takes no links, and takes them again when it is resumed', async () => {
  const lab = new FailoverLab();
  await using _lab = lab;
  await lab.start(lab.listening);
  await lab.listening.relationship!.pause();
  lab.clock.pass(20_000);
  await lab.until(() => lab.dialing.status().state === 'connecting', 'the mirror alone');
  expect(lab.listening.status().state).toBe('paused');
  lab.listening.relationship!.resume();
  await lab.until(() => lab.listening.status().state === 'live', 'another session');
});

test('a mirror that was closed opens no more links', async () => {
  const lab = new FailoverLab();
  await using _lab = lab;
  await lab.start(lab.listening);
  await lab.dialing.close();
  const { sessionCount } = lab.listening.relationship!;
  for (let passed = 0; passed < 10; passed++) {
    lab.clock.pass(15_000);
    await lab.until(() => true, 'a turn');
  }
  expect(lab.listening.relationship!.sessionCount).toBe(sessionCount);
});
