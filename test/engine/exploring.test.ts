import { describe, expect, it, onTestFinished } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { Hand } from '../explore/explore-lab.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const address = 'memory://mirror';

/** A primary `work`, in which something happened, and its mirror `copy`. */
async function linkedPair(): Promise<{ primary: MemoryServer; mirror: MemoryServer; hand: Hand; untilSame: () => Promise<void> }> {
  const clock = new SettableClock();
  const transport = new MemoryTransport();
  const [primary, mirror] = [new MemoryServer({ clock, transport, seed: 1 }), new MemoryServer({ clock, transport, seed: 2 })];
  for (const server of [primary, mirror]) {
    await server.start();
    onTestFinished(() => server.stop());
  }
  await primary.createVolume('work');
  await mirror.createVolume('copy', { role: 'mirror', listen: [address] });
  await primary.client.relationships.link({ volume: 'work', address });
  const { volume } = await primary.engine.shelf.primary('work');
  const untilSame = async (): Promise<void> => {
    await primary.client.cp.now({ volume: 'work' });
    await primary.until(() => primary.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
  };
  const hand = new Hand(volume);
  const keep = async (snapshot: string): Promise<void> => {
    clock.pass(60_000);
    await primary.client.snapshots.create({ volume: 'work', snapshot });
  };
  await hand.folder('/plans');
  await hand.file('/plans/Budget.txt', 'a first budget');
  await hand.file('/plans/draft.txt');
  await keep('monday');
  await hand.write('/plans/Budget.txt', 'a budget that grew');
  await hand.remove('/plans/draft.txt');
  await keep('tuesday');
  await hand.folder('/old');
  await hand.move('/plans/Budget.txt', '/old/budget of May.txt');
  await untilSame();
  return { primary, mirror, hand, untilSame };
}

/** What is told of a volume, without what tells the sides apart: the newest state is live on one and the last CP on the other. */
async function allOf(client: MirrorpointClient, volume: string): Promise<unknown> {
  const { versions } = await client.explore.versions({ volume, path: '/plans/Budget.txt' });
  const { entries } = await client.explore.deleted({ volume, path: '/plans' });
  const { matches, state } = await client.explore.search({ volume, path: '/', text: 'BUDGET', isOverAll: true });
  const { differences } = await client.explore.differences({ volume, older: { snapshot: 'monday' }, newer: 'live' });
  const newest = (at: unknown): unknown => (at === 'live' || at === 'last' ? 'newest' : at);
  return {
    versions: versions.map((version) => ({ ...version, newest: newest(version.newest.at), oldest: newest(version.oldest.at) })),
    entries: entries.map(({ entry, last }) => [entry.name, entry.sizeBytes, last.at]),
    matches: matches.map((match) => [match.path, match.entry.name, newest(match.state.at)]),
    state,
    differences,
  };
}

describe('exploring a volume', () => {
  it('tells the same on its primary and on its mirror', async () => {
    const { primary, mirror } = await linkedPair();
    const onPrimary = await allOf(primary.client, 'work');
    expect(await allOf(mirror.client, 'copy')).toEqual(onPrimary);
    const attributes = expect.objectContaining({ kind: 'file', mode: 0o644, linkCount: 1 }) as unknown;
    expect(onPrimary).toMatchObject({
      versions: [
        { newest: 'newest', oldest: 'newest', stateCount: 1 },
        { newest: { snapshot: 'tuesday' }, stateCount: 1, entry: { sizeBytes: 'a budget that grew'.length } },
        { newest: { snapshot: 'monday' }, stateCount: 1, entry: { sizeBytes: 'a first budget'.length } },
      ],
      entries: [
        ['Budget.txt', 'a budget that grew'.length, { snapshot: 'tuesday' }],
        ['draft.txt', '/plans/draft.txt'.length, { snapshot: 'monday' }],
      ],
      matches: [
        ['/old/budget of May.txt', 'budget of May.txt', 'newest'],
        ['/plans/Budget.txt', 'Budget.txt', { snapshot: 'tuesday' }],
      ],
      state: 'monday',
      differences: [
        { what: 'added', path: '/old' },
        { what: 'renamed', path: '/old/budget of May.txt', from: '/plans/Budget.txt', before: attributes, after: attributes },
        { what: 'removed', path: '/plans/draft.txt', before: attributes },
      ],
    });
  });

  it('names the newest state of a primary live and that of a mirror its last CP, unless that is a snapshot', async () => {
    const { primary, mirror, untilSame } = await linkedPair();
    const newest = async (client: MirrorpointClient, volume: string): Promise<unknown> => (await client.explore.versions({ volume, path: '/' })).versions[0]!.newest;
    expect(await newest(primary.client, 'work')).toMatchObject({ at: 'live', cp: 0 });
    const { cp } = (await mirror.engine.shelf.mirror('copy')).mirror.committed!;
    expect(await newest(mirror.client, 'copy')).toMatchObject({ at: 'last', cp });
    await primary.client.snapshots.create({ volume: 'work', snapshot: 'now' });
    await untilSame();
    await primary.touch('work', 'later');
    expect((await primary.client.explore.versions({ volume: 'work', path: '/' })).versions[1]!.newest).toMatchObject({ at: { snapshot: 'now' } });
  });

  it('goes on from step to step through the contract', async () => {
    const { primary } = await linkedPair();
    const paths: string[] = [];
    for (let after: string | undefined; ; ) {
      const request = { volume: 'work', older: { snapshot: 'monday' }, newer: 'live' as const, limit: 1 };
      const { differences, next } = await primary.client.explore.differences({ ...request, ...(after !== undefined && { after }) });
      paths.push(...differences.map(({ path }) => path));
      if (next === undefined) break;
      after = next;
    }
    expect(paths).toEqual(['/old', '/old/budget of May.txt', '/plans/draft.txt']);
    const first = await primary.client.explore.versions({ volume: 'work', path: '/plans/Budget.txt', limit: 1 });
    const second = await primary.client.explore.versions({ volume: 'work', path: '/plans/Budget.txt', limit: 1, before: first.next! });
    expect([first.versions.length, second.versions[0]!.newest.at]).toEqual([1, { snapshot: 'tuesday' }]);
  });

  it('refuses what is not there, and a place to go on from that no answer gave, by their codes', async () => {
    const { primary } = await linkedPair();
    const { explore } = primary.client;
    const codeOf = async (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (fault: unknown) => (isFault(fault) ? fault.code : String(fault)));
    const volume = 'work';
    expect(await codeOf(explore.versions({ volume: 'never', path: '/' }))).toBe('volume-not-found');
    expect(await codeOf(explore.deleted({ volume, path: '/never' }))).toBe('not-found');
    expect(await codeOf(explore.deleted({ volume, path: '/old/budget of May.txt' }))).toBe('not-a-directory');
    expect(await codeOf(explore.deleted({ volume, path: '/', after: 'garbled' }))).toBe('argument-invalid');
    expect(await codeOf(explore.search({ volume, path: '/', text: 'a', at: { snapshot: 'never' } }))).toBe('snapshot-not-found');
    expect(await codeOf(explore.search({ volume, path: '/', text: 'a', after: 'given /\0/' }))).toBe('argument-invalid');
    expect(await codeOf(explore.differences({ volume, older: { snapshot: 'never' }, newer: 'live' }))).toBe('snapshot-not-found');
    expect(await codeOf(explore.differences({ volume, older: { cp: 7000 }, newer: 'live' }))).toBe('snapshot-not-found');
    expect(await codeOf(explore.differences({ volume, older: 'last', newer: 'live', after: 'newer 1' }))).toBe('argument-invalid');
    expect(await codeOf(explore.versions({ volume, path: `/${'n'.repeat(300)}` }))).toBe('name-too-long');
  });
});
