import { describe, expect, it, onTestFinished } from 'vitest';
import { isFault, MirrorpointError } from '../../src-main/base/index.ts';
import type { SwitchOverEvent } from '../../src-main/contract/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const address = 'memory://b';

interface Pair {
  readonly a: MemoryServer;
  readonly b: MemoryServer;
}

/** A primary volume `work` on a, and its mirror `copy` on b, which listens; identical when it resolves. */
async function pair(): Promise<Pair> {
  const clock = new SettableClock();
  const transport = new MemoryTransport();
  const [a, b] = [new MemoryServer({ clock, transport, seed: 1 }), new MemoryServer({ clock, transport, seed: 2 })];
  for (const server of [a, b]) {
    await server.start();
    onTestFinished(() => server.stop());
  }
  await b.createVolume('copy', { role: 'mirror', listen: [address] });
  await a.createVolume('work');
  await a.client.relationships.link({ volume: 'work', address });
  await a.touch('work', 'first');
  await untilIdentical(a);
  return { a, b };
}

async function untilIdentical(primary: MemoryServer): Promise<void> {
  const volume = primary.engine.book.current.volumes[0]!.name;
  await (await primary.engine.shelf.primary(volume)).volume.takeCp();
  await primary.until(() => primary.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
}

const roleOf = (server: MemoryServer): string => server.engine.book.current.volumes[0]!.role;

const transitionOf = (server: MemoryServer): string | undefined => server.engine.book.current.volumes[0]!.transition?.kind;

/** Runs a switch-over while time passes; resolves to its steps and the code of the fault that ended it. */
async function switchOver(server: MemoryServer, volume: string): Promise<{ steps: string[]; code: string | undefined }> {
  const steps: string[] = [];
  let outcome: { code: string | undefined } | undefined;
  const run = async (): Promise<void> => {
    const events: AsyncIterable<SwitchOverEvent> = await server.client.failover.switchOver({ volume });
    for await (const event of events) if (event.type === 'step') steps.push(event.step);
  };
  run().then(
    () => (outcome = { code: undefined }),
    (fault: unknown) => (outcome = { code: isFault(fault) ? fault.code : `uncoded: ${String(fault)}` }),
  );
  for (let turn = 0; turn < 2000 && outcome === undefined; turn++) await server.pass(100, 20);
  return { steps, code: outcome?.code ?? (outcome === undefined ? 'never ended' : undefined) };
}

const code = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (fault: unknown) => (isFault(fault) ? fault.code : 'uncoded'),
  );

function failingWrites(server: MemoryServer): () => void {
  const { settings } = server;
  const write = settings.write.bind(settings);
  settings.write = () => Promise.reject(new MirrorpointError('device-full', 'The settings cannot be stored.'));
  return () => {
    settings.write = write;
  };
}

describe('a switch-over', () => {
  it('swaps the roles, and says so in the events of both servers', async () => {
    const { a, b } = await pair();
    expect(await switchOver(a, 'work')).toEqual({ steps: ['stopping-changes', 'last-cp', 'handing-over'], code: undefined });
    expect([roleOf(a), roleOf(b), transitionOf(a), transitionOf(b)]).toEqual(['mirror', 'primary', undefined, undefined]);
    await b.touch('copy', 'second');
    await untilIdentical(b);
    expect(await code(a.touch('work', 'no'))).toBe('volume-read-only');
    expect(a.engine.events.all.map(({ text }) => text).join()).toContain('Not the primary any more');
    expect(b.engine.events.all.map(({ text }) => text).join()).toContain('This server is the primary from now on');
    expect(await switchOver(b, 'copy')).toMatchObject({ code: undefined });
    expect([roleOf(a), roleOf(b)]).toEqual(['primary', 'mirror']);
    await a.touch('work', 'third');
    await untilIdentical(a);
  });

  it('that the mirror cannot note does not happen: the primary takes changes again', async () => {
    const { a, b } = await pair();
    const mend = failingWrites(b);
    expect((await switchOver(a, 'work')).code).toBe('device-full');
    mend();
    expect([roleOf(a), roleOf(b), transitionOf(a)]).toEqual(['primary', 'mirror', undefined]);
    await a.touch('work', 'second');
    await untilIdentical(a);
    expect((await switchOver(a, 'work')).code).toBeUndefined();
  });

  it('that the primary cannot note is not asked for', async () => {
    const { a, b } = await pair();
    const mend = failingWrites(a);
    expect((await switchOver(a, 'work')).code).toBe('device-full');
    mend();
    expect([roleOf(a), roleOf(b)]).toEqual(['primary', 'mirror']);
    expect(b.engine.events.all.map(({ text }) => text).join()).not.toContain('primary from now on');
    await a.touch('work', 'second');
  });

  it('of which nobody knows what came of it keeps the volume read-only, over a restart too, until the mirror is seen', async () => {
    const { a, b } = await pair();
    await a.engine.book.change((now) => ({
      ...now,
      volumes: now.volumes.map((one) => ({ ...one, transition: { kind: 'handing-over', epoch: 2, relationship: now.relationships[0]!.id } })),
    }));
    await b.stop();
    await a.stop();
    await a.start();
    await a.pass(30_000);
    expect(await code(a.touch('work', 'no'))).toBe('volume-read-only');
    expect(await code(a.client.cp.now({ volume: 'work' }))).toBe('volume-read-only');
    expect((await a.client.volumes.inspect({ volume: 'work' })).transition).toBe('handing-over');
    expect(a.engine.alerts.current.map(({ kind }) => kind)).toContain('handing-over');
    expect((await switchOver(a, 'work')).code).toBe('volume-read-only');
    expect(await code(a.client.failover.abort({ volume: 'work' }))).toBe('peer-not-ready');
    await b.start();
    await a.until(() => transitionOf(a) === undefined, 'the end of the hand-over');
    expect(roleOf(a)).toBe('primary');
    expect(a.engine.alerts.has('handing-over', 'volume work')).toBe(false);
    await a.touch('work', 'second');
    await untilIdentical(a);
  });

  it('that was given up by force goes on here; the mirror that leads after all is followed once it is seen', async () => {
    const { a, b } = await pair();
    await b.stop();
    const [settingsOfA] = a.engine.book.current.relationships;
    await a.engine.book.change((now) => ({
      ...now,
      volumes: now.volumes.map((one) => ({ ...one, transition: { kind: 'handing-over', epoch: 2, relationship: settingsOfA!.id } })),
    }));
    await a.stop();
    await a.start();
    await a.client.failover.abort({ volume: 'work', force: true });
    await a.touch('work', 'only on a');
    await (await a.engine.shelf.primary('work')).volume.takeCp();
    expect(await code(a.client.failover.abort({ volume: 'work', force: true }))).toBe('not-found');
    // What the mirror had noted before it was cut off.
    const settings = JSON.parse(b.settings.text!) as { volumes: Record<string, unknown>[] };
    Object.assign(settings.volumes[0]!, { role: 'primary', transition: { kind: 'promoting', epoch: 2 } });
    b.settings.text = JSON.stringify(settings);
    await b.start();
    expect([roleOf(b), transitionOf(b)]).toEqual(['primary', undefined]);
    await a.until(() => roleOf(a) === 'mirror' && transitionOf(a) === undefined, 'stepping down');
    await b.until(() => b.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
    const session = a.engine.newSession();
    await using root = await a.engine.openRoot('work', { snapshot: 'before-epoch-2' });
    expect(await root.query((files) => files.resolvePath('/only on a'))).toBeGreaterThan(0);
    await session.close();
  });
});

describe('promoting', () => {
  it('is refused while the primary is connected, and goes ahead when forced: the primary steps down', async () => {
    const { a, b } = await pair();
    expect(await b.client.failover.prospect({ volume: 'copy' })).toMatchObject({ isConnected: true, primaryName: 'office', epoch: 1 });
    expect(await code(b.client.failover.promote({ volume: 'copy' }))).toBe('peer-connected');
    await b.client.failover.promote({ volume: 'copy', force: true });
    expect(await code(b.client.failover.promote({ volume: 'copy' }))).toBe('volume-is-primary');
    await a.until(() => roleOf(a) === 'mirror', 'stepping down');
    await b.until(() => b.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
  });

  it('at a snapshot goes on there; one that is not there changes nothing', async () => {
    const { a, b } = await pair();
    await a.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await a.touch('work', 'tuesday');
    await untilIdentical(a);
    await a.stop();
    expect(await code(b.client.failover.promote({ volume: 'copy', at: { snapshot: 'never' }, force: true }))).toBe('snapshot-not-found');
    expect(roleOf(b)).toBe('mirror');
    await b.client.failover.promote({ volume: 'copy', at: { snapshot: 'monday' }, force: true });
    const { entries } = await b.client.files.list({ volume: 'copy', path: '/' });
    expect(entries.map(({ name }) => name)).toEqual(['first']);
  });

  it('that cannot be noted leaves the mirror what it was', async () => {
    const { a, b } = await pair();
    const mend = failingWrites(b);
    expect(await code(b.client.failover.promote({ volume: 'copy', force: true }))).toBe('device-full');
    mend();
    expect(roleOf(b)).toBe('mirror');
    await a.touch('work', 'second');
    await untilIdentical(a);
  });
});

describe.each(['old primary', 'mirror'] as const)('a switch-over in which the %s is killed', (who) => {
  it.each(['before', 'after'] as const)('%s any write of its settings ends with exactly one primary, and nothing lost', async (when) => {
    const killed: number[] = [];
    for (let nth = 1; killed.length === nth - 1; nth++) {
      const { a, b } = await pair();
      const victim = who === 'mirror' ? b : a;
      let writes = 0;
      victim.onStore = (moment) => {
        if (moment !== when || ++writes !== nth) return;
        killed.push(nth);
        void victim.kill();
      };
      const ended = switchOver(a, 'work');
      for (let turn = 0; turn < 300; turn++) await a.settle(1);
      await a.until(() => killed.includes(nth) || (roleOf(a) === 'mirror' && transitionOf(a) === undefined), 'the end, or the kill');
      victim.onStore = () => undefined;
      if (killed.includes(nth)) {
        await victim.settle();
        await victim.start();
      }
      await ended;
      const isSettled = (): boolean => roleOf(a) !== roleOf(b) && transitionOf(a) === undefined && transitionOf(b) === undefined;
      await a.until(isSettled, `one primary after a kill at write ${nth}`);
      const [leader, volume] = roleOf(a) === 'primary' ? ([a, 'work'] as const) : ([b, 'copy'] as const);
      await leader.touch(volume, 'second');
      await untilIdentical(leader);
      for (const [server, name] of [[a, 'work'], [b, 'copy']] as const) {
        const { entries } = await server.client.files.list({ volume: name, path: '/' });
        expect(entries.map((entry) => entry.name)).toEqual(['first', 'second']);
      }
      expect(nth, 'writes of the settings in one switch-over').toBeLessThan(10);
    }
    expect(killed.length).toBeGreaterThan(1);
  });
});
