import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SwitchOverEvent } from '../../src-main/contract/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from '../engine/memory-engine.ts';
import { bodyOf, lockBody, WebdavLab } from './webdav-lab.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What would change something, each as a client asks it. */
const changes: [string, Record<string, string>, string][] = [
  ['PUT', {}, 'x'],
  ['DELETE', {}, ''],
  ['MKCOL', {}, ''],
  ['PROPPATCH', {}, '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u"/></prop></set></propertyupdate>'],
  ['MOVE', { destination: '/work/moved' }, ''],
  ['LOCK', { depth: '0' }, lockBody('exclusive')],
  ['UNLOCK', { 'lock-token': '<urn:uuid:x>' }, ''],
];

describe('the snapshots of a share', () => {
  it('are folders that no listing shows, and are only read', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/d');
    await lab.status('PUT', '/work/d/f', { body: 'then' });
    await lab.server.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await lab.server.client.snapshots.create({ volume: 'work', snapshot: 'diens tag' });
    await lab.status('PUT', '/work/d/f', { body: 'now' });
    await lab.status('PUT', '/work/g', { body: 'new' });
    expect(await lab.names('/work/')).toEqual(['/work/', '/work/d/', '/work/g']);
    expect(await lab.names('/work/.snapshot/')).toEqual(['/work/.snapshot/', '/work/.snapshot/monday/', '/work/.snapshot/diens%20tag/']);
    expect(await lab.names('/work/.snapshot/monday/')).toEqual(['/work/.snapshot/monday/', '/work/.snapshot/monday/d/']);
    expect((await lab.ask('GET', '/work/.snapshot/monday/d/f')).body).toBe('then');
    expect((await lab.ask('GET', '/work/d/f')).body).toBe('now');
    expect(await lab.status('GET', '/work/.snapshot/never/d/f')).toBe(404);
    for (const [method, headers, body] of changes) {
      for (const target of ['/work/.snapshot/monday/d/f', '/work/.snapshot/monday', '/work/.snapshot']) {
        const refused = await lab.ask(method, target, { headers, body });
        expect([method, target, refused.status]).toEqual([method, target, 403]);
        if (target.endsWith('f')) expect(refused.body).toContain('work@monday is a state that is only read');
      }
    }
    expect(await lab.status('COPY', '/work/.snapshot/monday/d', { headers: { destination: '/work/d' } })).toBe(204);
    expect((await lab.ask('GET', '/work/d/f')).body).toBe('then');
    // A view that is not used any more does not hold what it showed.
    await lab.server.client.snapshots.delete({ volume: 'work', snapshot: 'diens tag' });
    expect(await lab.names('/work/.snapshot/')).toHaveLength(2);
  });

  it('stay readable to whoever reads them while they are deleted', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: new Uint8Array(4 << 20).fill(5) });
    for (const snapshot of ['one', 'two']) await lab.server.client.snapshots.create({ volume: 'work', snapshot });
    await lab.status('DELETE', '/work/f');
    const answer = await lab.begin('GET', '/work/.snapshot/one/f');
    const { volume } = await lab.server.engine.shelf.primary('work');
    for (const snapshot of ['one', 'two']) await volume.deleteSnapshot(snapshot);
    for (let count = 0; count < 3; count++) await volume.takeCp();
    const body = await bodyOf(answer);
    await answer.close();
    expect(body.every((byte) => byte === 5)).toBe(true);
    expect(body).toHaveLength(4 << 20);
  });
});

/** A primary volume `work` that is shared, and its mirror of that name on another server, shared as well. */
async function pair(): Promise<{ lab: WebdavLab; primary: MemoryServer; mirror: MemoryServer; untilMirrored: (server?: MemoryServer) => Promise<void> }> {
  const clock = new SettableClock();
  const transport = new MemoryTransport();
  const [primary, mirror] = [new MemoryServer({ clock, transport, seed: 1 }), new MemoryServer({ clock, transport, seed: 2 })];
  const lab = await WebdavLab.open(primary);
  await mirror.start();
  onTestFinished(async () => {
    await primary.stop();
    await mirror.stop();
  });
  await mirror.createVolume('work', { role: 'mirror', listen: ['memory://b'] });
  await lab.share('work', mirror);
  await primary.client.relationships.link({ volume: 'work', address: 'memory://b' });
  const untilMirrored = async (server = primary): Promise<void> => {
    await (await server.engine.shelf.primary('work')).volume.takeCp();
    await server.until(() => server.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
  };
  return { lab, primary, mirror, untilMirrored };
}

describe('the share of a mirror', () => {
  it('shows its last CP, request by request, and takes no changes', async () => {
    const { lab, mirror, untilMirrored } = await pair();
    expect((await lab.ask('GET', '/work/f', {}, mirror)).status).toBe(503);
    await lab.status('PUT', '/work/f', { body: 'one' });
    await untilMirrored();
    expect((await lab.ask('GET', '/work/f', {}, mirror)).body).toBe('one');
    const reading = await lab.begin('GET', '/work/f', {}, mirror);
    await lab.status('PUT', '/work/f', { body: 'two' });
    expect((await lab.ask('GET', '/work/f', {}, mirror)).body).toBe('one');
    await untilMirrored();
    expect((await lab.ask('GET', '/work/f', {}, mirror)).body).toBe('two');
    const open = await mirror.engine.shelf.mirror('work');
    expect(open.mirror.neededCps).toHaveLength(1);
    expect((await bodyOf(reading)).toString()).toBe('one');
    await reading.close();
    expect(open.mirror.neededCps).toEqual([]);
    for (const [method, headers, body] of changes) {
      const refused = await lab.ask(method, '/work/f', { headers, body }, mirror);
      expect([method, refused.status, refused.body]).toEqual([method, 403, expect.stringContaining('only read')]);
    }
    expect((await lab.ask('COPY', '/work/f', { headers: { destination: '/work/g' } }, mirror)).status).toBe(403);
    // Nobody uses the view any more, and its CP is not kept when there is a newer one.
    await mirror.pass(10_000);
    await lab.status('PUT', '/work/f', { body: 'three' });
    await untilMirrored();
    expect(open.mirror.neededCps).toEqual([]);
  });

  it('follows a change of the roles, which ends what clients were changing', async () => {
    const { lab, primary, mirror, untilMirrored } = await pair();
    await lab.status('PUT', '/work/f', { body: 'one' });
    await untilMirrored();
    const waits = Promise.withResolvers<undefined>();
    const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield new Uint8Array(2 << 20);
      await waits.promise;
      yield new Uint8Array(1);
    };
    const upload = lab.status('PUT', '/work/large', { body: body() });
    await primary.settle();
    const dropped = vi.waitFor(() => {
      expect(lab.droppedCount).toBe(1);
      waits.resolve(undefined);
    }, { timeout: 30_000 });
    const state = { isOver: false };
    const run = async (): Promise<void> => {
      const events: AsyncIterable<SwitchOverEvent> = await primary.client.failover.switchOver({ volume: 'work' });
      for await (const _ of events);
      state.isOver = true;
    };
    const running = run();
    await dropped;
    expect(await upload).toBe(503);
    for (let turn = 0; turn < 2000 && !state.isOver; turn++) await primary.pass(100, 20);
    await running;
    expect((await lab.ask('PUT', '/work/f', { body: 'two' }, mirror)).status).toBe(204);
    expect((await lab.ask('PUT', '/work/f', { body: 'no' }, primary)).status).toBe(403);
    await untilMirrored(mirror);
    expect((await lab.ask('GET', '/work/f', {}, primary)).body).toBe('two');
    expect(await lab.names('/work/')).toEqual(['/work/', '/work/f']);
  });
});

describe('a share whose volume goes', () => {
  it('ends what is under way, and is gone', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: new Uint8Array(4 << 20) });
    const reading = await lab.begin('GET', '/work/f');
    const detaching = lab.server.client.volumes.detach({ volume: 'work' });
    await vi.waitFor(() => expect(lab.droppedCount).toBe(1));
    await reading.close();
    await detaching;
    expect(lab.server.halls.size).toBe(0);
    expect((await lab.server.client.shares.list({})).shares).toEqual([]);
  });

  it('ends when it is switched off, and begins again with the server that has it in its settings', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'kept' });
    await lab.server.stop();
    expect(lab.server.halls.size).toBe(0);
    await lab.server.start();
    expect((await lab.ask('GET', '/work/f')).body).toBe('kept');
    await lab.server.client.shares.off({ volume: 'work' });
    expect(lab.server.halls.size).toBe(0);
    expect(await lab.server.client.shares.list({})).toEqual({ shares: [], places: [] });
    await expect(lab.server.client.shares.off({ volume: 'work' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(lab.server.client.shares.on({ volume: 'work', users: [{ name: 'nobody', access: 'read' }] })).rejects.toMatchObject({ code: 'not-found' });
    await expect(lab.server.client.shares.on({ volume: 'none', users: [] })).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(lab.server.client.users.add({ user: '../x', password: 'long enough to be one' })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(lab.server.client.users.add({ user: 'carol', password: 'short' })).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});
