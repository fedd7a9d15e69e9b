import { describe, expect, it, onTestFinished } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { judgeSnapshots, refuseNeeded } from '../../src-main/engine/snapshot-retention.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const address = 'memory://mirror';
const hourMs = 3600 * 1000;
const none = { keepAllForMs: 0, last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

interface Pair {
  readonly primary: MemoryServer;
  readonly mirror: MemoryServer;
  untilSame(): Promise<void>;
}

/** Two servers, with volume `work` on the one and its mirror `copy` on the other. */
async function linkedPair(): Promise<Pair> {
  const clock = new SettableClock();
  const transport = new MemoryTransport();
  const primary = new MemoryServer({ clock, transport, seed: 1 });
  const mirror = new MemoryServer({ clock, transport, seed: 2 });
  await primary.start();
  await mirror.start();
  onTestFinished(async () => {
    await primary.stop();
    await mirror.stop();
  });
  await primary.createVolume('work');
  await mirror.createVolume('copy', { role: 'mirror', listen: [address] });
  await primary.client.relationships.link({ volume: 'work', address });
  const untilSame = async (): Promise<void> => {
    await primary.client.cp.now({ volume: 'work' });
    await primary.until(() => primary.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
  };
  await untilSame();
  return { primary, mirror, untilSame };
}

async function namesOn(server: MemoryServer, volume: string): Promise<string[]> {
  return (await server.snapshots(volume)).map(({ name }) => name);
}

async function keep(server: MemoryServer, snapshot: string): Promise<void> {
  await server.touch('work', `before ${snapshot}`);
  await server.client.snapshots.create({ volume: 'work', snapshot });
}

function needed(fault: unknown): boolean {
  return isFault(fault, 'snapshot-needed') && /mirror at memory:\/\/mirror has too.*Take a newer one first/.test(fault.message);
}

describe('the newest snapshot that a mirror has too', () => {
  it('cannot be deleted until the mirror has a newer one, or is linked no more', async () => {
    const { primary, mirror, untilSame } = await linkedPair();
    const remove = (snapshot: string): Promise<unknown> => primary.client.snapshots.delete({ volume: 'work', snapshot });
    await keep(primary, 'one');
    await untilSame();
    await expect(remove('one')).rejects.toSatisfy(needed);
    await primary.client.relationships.pause({ volume: 'work', address });
    await keep(primary, 'two');
    await keep(primary, 'three');
    // The mirror has neither, so that the first is still what both sides have.
    await expect(remove('one')).rejects.toSatisfy(needed);
    await remove('two');
    await primary.client.relationships.resume({ volume: 'work', address });
    await untilSame();
    await remove('one');
    await expect(remove('three')).rejects.toSatisfy(needed);
    await untilSame();
    expect(await namesOn(mirror, 'copy')).toEqual(['three']);
    await primary.client.relationships.unlink({ volume: 'work', address });
    await remove('three');
    expect(await namesOn(primary, 'work')).toEqual([]);
  });

  it('cannot be deleted after a restart either, while the mirror is away, and a name beside another can', async () => {
    const { primary, mirror, untilSame } = await linkedPair();
    await primary.touch('work', 'a');
    await Promise.all(['one', 'alias'].map((snapshot) => primary.client.snapshots.create({ volume: 'work', snapshot })));
    await untilSame();
    await mirror.stop();
    await primary.stop();
    await primary.start();
    await primary.client.snapshots.delete({ volume: 'work', snapshot: 'alias' });
    await expect(primary.client.snapshots.delete({ volume: 'work', snapshot: 'one' })).rejects.toSatisfy(needed);
    await primary.client.snapshots.hold({ volume: 'work', snapshot: 'one', label: 'audit' });
    const removal = primary.client.snapshots.delete({ volume: 'work', snapshot: 'one' });
    await expect(removal).rejects.toSatisfy((fault: unknown) => isFault(fault, 'snapshot-held'));
  });

  it('cannot be deleted when the base was given up, when it is what is left to go back to, also after a restart', async () => {
    const { primary, mirror, untilSame } = await linkedPair();
    await keep(primary, 'common');
    await untilSame();
    await mirror.stop();
    await keep(primary, 'newer');
    await primary.client.holds.release({ volume: 'work', address });
    for (let round = 0; round < 2; round++) {
      await primary.client.cp.now({ volume: 'work' });
      await expect(primary.client.snapshots.delete({ volume: 'work', snapshot: 'common' })).rejects.toSatisfy(needed);
      await primary.stop();
      await primary.start();
    }
    await primary.client.snapshots.delete({ volume: 'work', snapshot: 'newer' });
    expect(await namesOn(primary, 'work')).toEqual(['common']);
  });

  it('is not taken by the rules of a schedule while the mirror is away, and afterwards both sides keep the same', async () => {
    const { primary, mirror, untilSame } = await linkedPair();
    await primary.touch('work', 'a');
    await primary.client.schedule.set({ volume: 'work', schedule: { everyMs: hourMs, keep: { ...none, last: 2 } } });
    await untilSame();
    const [common] = await namesOn(primary, 'work');
    expect(await namesOn(mirror, 'copy')).toEqual([common]);
    await primary.client.relationships.pause({ volume: 'work', address });
    for (let run = 0; run < 6; run++) {
      await primary.touch('work', `away ${run}`);
      await primary.sleep(hourMs);
    }
    const away = await namesOn(primary, 'work');
    expect([away.length, away[0]]).toEqual([3, common]);
    await primary.client.relationships.resume({ volume: 'work', address });
    await untilSame();
    expect(await namesOn(mirror, 'copy')).toEqual(away);
    await primary.touch('work', 'together');
    await primary.sleep(hourMs);
    await untilSame();
    const together = await namesOn(primary, 'work');
    expect([together.length, together.includes(common!)]).toEqual([2, false]);
    expect(await namesOn(mirror, 'copy')).toEqual(together);
    const view = await mirror.client.files.list({ volume: 'copy', at: { snapshot: together[0]! }, path: '/' });
    expect(view.entries.map(({ name }) => name)).toContain('away 5');
  });
});

it('a schedule that waited on a mirror runs there from when the mirror leads, and waits where it ran', async () => {
  const { primary, mirror, untilSame } = await linkedPair();
  const schedule = { everyMs: hourMs, keep: { ...none, last: 10 } };
  await primary.touch('work', 'a');
  await primary.client.schedule.set({ volume: 'work', schedule });
  await mirror.client.schedule.set({ volume: 'copy', schedule });
  await untilSame();
  let isDone = false;
  const run = async (): Promise<void> => {
    for await (const _step of await primary.client.failover.switchOver({ volume: 'work' }));
    isDone = true;
  };
  void run();
  await primary.until(() => isDone, 'the switch-over');
  await mirror.touch('copy', 'b');
  await mirror.sleep(hourMs);
  const onNew = await namesOn(mirror, 'copy');
  expect([onNew.length, onNew[0]?.startsWith('auto-')]).toEqual([2, true]);
  expect((await mirror.client.schedule.show({ volume: 'copy' })).isActive).toBe(true);
  expect((await primary.client.schedule.show({ volume: 'work' })).isActive).toBe(false);
  expect([...primary.engine.alerts.current, ...mirror.engine.alerts.current].filter(({ kind }) => kind === 'schedule-failed')).toEqual([]);
});

it('the newest snapshot without damage cannot be deleted once damage is known, nor is it taken by rules', async () => {
  await using volume = await new MemoryHome().create();
  for (const name of ['older', 'good', 'bad', 'worse']) await volume.createSnapshot(name);
  const facts = { nowMs: 0, mirrors: [], damaged: new Set(['bad', 'worse']) };
  await expect(refuseNeeded(volume, 'good', facts)).rejects.toSatisfy(
    (fault: unknown) => isFault(fault, 'snapshot-needed') && fault.message.includes('Restore what is damaged from it'),
  );
  for (const name of ['older', 'bad', 'worse']) await refuseNeeded(volume, name, facts);
  // Damage in the live volume alone: the newest snapshot is what it can be restored from.
  const live = { ...facts, damaged: new Set<string>() };
  await expect(refuseNeeded(volume, 'worse', live)).rejects.toSatisfy((fault: unknown) => isFault(fault, 'snapshot-needed'));
  await refuseNeeded(volume, 'worse', { ...facts, damaged: undefined });
  const verdicts = await judgeSnapshots(volume, none, facts);
  expect(verdicts.map(({ reasons }) => reasons.includes('last-good'))).toEqual([false, true, false, false]);
});

it('what a scrub found lost in snapshots is known after a restart when one is to be deleted', async () => {
  await using server = new MemoryServer();
  await server.start();
  await server.createVolume('work');
  await keep(server, 'good');
  await keep(server, 'bad');
  const { setId } = (await server.engine.shelf.primary('work')).volume;
  await server.stop();
  const counts = { verifiedBlocks: 9, healedBlocks: 0, servedBlocks: 0, lostBlocks: 1, mendedCopies: 0 };
  const last = { startedWallMs: 1, endedWallMs: 2, ...counts, files: [{ path: '/a', states: ['live', '@bad'] }], maps: [] };
  server.log(`scrub-${Buffer.from(setId).toString('hex')}`).lines = [JSON.stringify({ sinceWallMs: server.clock.wallMs(), last })];
  await server.start();
  const remove = (snapshot: string): Promise<unknown> => server.client.snapshots.delete({ volume: 'work', snapshot });
  await expect(remove('good')).rejects.toSatisfy((fault: unknown) => isFault(fault, 'snapshot-needed'));
  await remove('bad');
});

it('the last snapshot of a volume without a mirror may be deleted by hand, and is not taken by rules', async () => {
  await using server = new MemoryServer();
  await server.start();
  await server.createVolume('work');
  await server.touch('work', 'a');
  await server.client.schedule.set({ volume: 'work', schedule: { everyMs: hourMs, keep: { ...none, keepAllForMs: hourMs } } });
  const [only] = await namesOn(server, 'work');
  await server.sleep(30 * hourMs);
  await server.client.schedule.prune({ volume: 'work' });
  expect(await namesOn(server, 'work')).toEqual([only]);
  await server.client.snapshots.delete({ volume: 'work', snapshot: only! });
  expect(await namesOn(server, 'work')).toEqual([]);
});
