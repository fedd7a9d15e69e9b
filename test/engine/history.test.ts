import { describe, expect, it, onTestFinished } from 'vitest';
import type { HistorySpan } from '../../src-main/contract/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const minute = 60_000;

/** A primary and its mirror, which follows. */
async function mirrored(): Promise<{ primary: MemoryServer; mirror: MemoryServer }> {
  const [clock, transport] = [new SettableClock(), new MemoryTransport()];
  const [primary, mirror] = [new MemoryServer({ clock, transport }), new MemoryServer({ clock, transport, seed: 2 })];
  for (const server of [primary, mirror]) {
    await server.start();
    onTestFinished(() => server.stop());
  }
  await mirror.createVolume('copy', { role: 'mirror', listen: ['memory://copy'] });
  await primary.createVolume('work');
  await primary.client.relationships.link({ volume: 'work', address: 'memory://copy' });
  await primary.until(() => primary.engine.relationshipStatuses()[0]?.identical === true, 'the mirror');
  return { primary, mirror };
}

async function samplesOf(server: MemoryServer, span: HistorySpan = 'hour'): Promise<{ wallMs: number; sentPerSecond: number; receivedPerSecond: number; lagMs?: number | undefined }[]> {
  const [status] = server.engine.relationshipStatuses();
  return (await server.client.history.relationship({ volume: status!.volume, address: status!.address, span })).samples;
}

async function cpsOf(server: MemoryServer): Promise<number> {
  const { samples } = await server.client.history.cps({ volume: 'work', span: 'hour' });
  return samples.reduce((sum, { count }) => sum + count, 0);
}

describe('the history of a server', () => {
  it('is told by both ends of a relationship, and of the CPs by the primary', async () => {
    const { primary, mirror } = await mirrored();
    await primary.touch('work', 'file');
    await primary.client.cp.now({ volume: 'work' });
    await primary.pass(minute, 1000);
    expect((await samplesOf(primary)).length).toBeGreaterThanOrEqual(6);
    expect((await samplesOf(primary)).some(({ sentPerSecond }) => sentPerSecond > 0)).toBe(true);
    expect((await samplesOf(mirror)).some(({ receivedPerSecond }) => receivedPerSecond > 0)).toBe(true);
    expect([(await samplesOf(mirror)).at(-1)?.lagMs, (await samplesOf(mirror, 'week')).length]).toEqual([0, 1]);
    const { records } = await primary.client.cp.history({ volume: 'work' });
    expect([await cpsOf(primary), (await mirror.client.history.cps({ volume: 'copy', span: 'hour' })).samples]).toEqual([records.length, []]);
  });

  it('goes on after a restart and after a crash, with a gap in between', async () => {
    const { primary } = await mirrored();
    await primary.pass(3 * minute, 1000);
    const before = await samplesOf(primary);
    const stoppedMs = primary.clock.wallMs();
    await primary.stop();
    primary.clock.setWall(5 * minute);
    await primary.start();
    await primary.pass(3 * minute, 1000);
    await primary.touch('work', 'file');
    await primary.client.cp.now({ volume: 'work' });
    const after = await samplesOf(primary);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.filter(({ wallMs }) => wallMs > stoppedMs && wallMs + 10_000 < stoppedMs + 5 * minute)).toEqual([]);
    expect(after.length).toBeGreaterThanOrEqual(before.length + 17);
    const killedMs = primary.clock.wallMs();
    await primary.kill();
    await primary.start();
    const kept = await samplesOf(primary);
    expect(after.slice(0, kept.length - 1)).toEqual(kept.slice(0, -1));
    expect(killedMs - kept.at(-1)!.wallMs).toBeLessThanOrEqual(minute + 10_000);
    await primary.pass(2000, 1000);
    const { records } = await primary.client.cp.history({ volume: 'work' });
    expect(await cpsOf(primary)).toBe(records.length);
  });

  it('is forgotten by unlinking and detaching, and asked in vain of what is not there', async () => {
    const { primary } = await mirrored();
    await primary.pass(2 * minute, 1000);
    const { history, relationships, volumes } = primary.client;
    const asked = { volume: 'work', address: 'memory://copy', span: 'hour' } as const;
    expect((await history.relationship(asked)).samples).not.toEqual([]);
    await expect(history.relationship({ ...asked, address: 'memory://other' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(history.relationship({ ...asked, volume: 'other' })).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(history.cps({ volume: 'other', span: 'hour' })).rejects.toMatchObject({ code: 'volume-not-found' });
    await relationships.unlink({ volume: 'work' });
    await expect(history.relationship(asked)).rejects.toMatchObject({ code: 'not-found' });
    await relationships.link({ volume: 'work', address: 'memory://copy' });
    expect((await history.relationship(asked)).samples).toEqual([]);
    await relationships.unlink({ volume: 'work' });
    await volumes.detach({ volume: 'work' });
    await primary.pass(2 * minute, 1000);
    expect(primary.log('measured').lines).toEqual([]);
  });

  it('is told without a server too, and measured by servers alone', async () => {
    const { primary } = await mirrored();
    await primary.pass(2 * minute, 1000);
    const before = await samplesOf(primary);
    await primary.stop();
    const written = [...primary.log('measured').lines];
    await primary.start({ serve: false });
    expect((await primary.client.history.relationship({ volume: 'work', address: 'memory://copy', span: 'hour' })).samples).toEqual(before);
    await primary.pass(3 * minute, 1000);
    await primary.stop();
    expect(primary.log('measured').lines).toEqual(written);
    await primary.start();
  });
});
