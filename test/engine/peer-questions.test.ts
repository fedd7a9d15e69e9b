import { linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src-main/base/index.ts';
import type { MirrorpointClient, PeerClient } from '../../src-main/contract/index.ts';
import { linksPerPeerMax, Questioner } from '../../src-main/control/index.ts';
import { clientOf } from '../../src-main/engine/index.ts';
import { openPeerSource } from '../../src-main/engine/export-source.ts';
import type { Job } from '../../src-main/engine/job.ts';
import { takeOut } from '../../src-main/engine/take-out.ts';
import { jobEvents } from './job-lab.ts';
import { addressOf, createVolume, gather, mirrored, pair, serve, untilIdentical } from './peer-servers.ts';

async function textOf(client: MirrorpointClient, place: { volume: string; at: 'last' | { snapshot: string }; path: string }): Promise<string> {
  const { readId, sizeBytes } = await client.remote.files.openRead({ peer: 'b', ...place });
  const blob = await client.remote.files.read({ peer: 'b', readId, offsetBytes: 0, lengthBytes: 1 << 20 });
  expect(blob.size).toBe(sizeBytes);
  await client.remote.files.closeRead({ peer: 'b', readId });
  return blob.text();
}

describe('a paired server', () => {
  it('is asked for the snapshots, folders and files of the volume that the two share', async () => {
    const { a } = await mirrored();
    const { snapshots, files, server } = a.client.remote;
    const at = { snapshot: 'monday' };
    expect((await snapshots.list({ peer: 'b', volume: 'copy' })).snapshots).toMatchObject([{ name: 'monday' }]);
    expect((await files.list({ peer: 'b', volume: 'copy', at, path: '/' })).entries.map(({ name }) => name)).toEqual(['note']);
    expect(await files.stat({ peer: 'b', volume: 'copy', at, path: '/note' })).toMatchObject({ kind: 'file', sizeBytes: 14 });
    expect(await textOf(a.client, { volume: 'copy', at, path: '/note' })).toBe('what was noted');
    expect(await textOf(a.client, { volume: 'copy', at: 'last', path: '/note' })).toBe('what was noted');
    const about = await server.about({ peer: 'b' });
    expect(about).toMatchObject({ serverName: 'b', volumes: [{ name: 'copy', role: 'mirror', state: 'open' }], relationships: [{ identical: true, verdict: { level: 'good' } }] });
    // What is no matter of a peer's stays at home.
    expect(JSON.stringify(about)).not.toContain('.img');
  });

  it('gives files and folders out as they were in one CP, whatever comes meanwhile', async () => {
    const { a } = await mirrored();
    const [source, target] = [join(a.folder, 'source'), join(a.folder, 'target')];
    mkdirSync(join(source, 'inner'), { recursive: true });
    writeFileSync(join(source, 'large'), Buffer.alloc(3_000_000, 'x'));
    writeFileSync(join(source, 'inner', 'small'), 'small');
    linkSync(join(source, 'large'), join(source, 'inner', 'same'));
    symlinkSync('large', join(source, 'pointer'));
    await gather(a.client.files.put({ volume: 'work', path: '/tree', local: source }));
    await a.client.cp.now({ volume: 'work' });
    await untilIdentical(a);
    const session = a.engine.newSession();
    const client = await a.engine.peerClients.of(session, { peer: 'b' });
    {
      await using root = await openPeerSource(client, { volume: 'copy', at: 'live' });
      await gather(a.client.files.remove({ volume: 'work', path: '/tree', recursive: true }));
      await a.client.cp.now({ volume: 'work' });
      await untilIdentical(a);
      await expect(a.client.remote.files.stat({ peer: 'b', volume: 'copy', path: '/tree' })).rejects.toMatchObject({ code: 'not-found' });
      const { localTree: tree } = a.engine.ports;
      const events = await jobEvents((job: Job) => takeOut(root, { path: '/tree', local: target, overwrite: false }, { tree, job }));
      expect(events.at(-1)).toMatchObject({ type: 'done', files: 2, directories: 2, symlinks: 1, hardLinks: 1, problemCount: 0 });
    }
    await session.close();
    expect(readFileSync(join(target, 'inner', 'same')).equals(readFileSync(join(source, 'large')))).toBe(true);
    expect([readFileSync(join(target, 'inner', 'small'), 'utf8'), readlinkSync(join(target, 'pointer'))]).toEqual(['small', 'large']);
    expect(statSync(join(target, 'large')).ino).toBe(statSync(join(target, 'inner', 'same')).ino);
    const got = await gather(a.client.remote.files.get({ peer: 'b', volume: 'copy', at: { snapshot: 'monday' }, path: '/note', local: join(a.folder, 'note') }));
    expect(got.at(-1)).toMatchObject({ type: 'done', files: 1, bytes: 14 });
    await expect(gather(a.client.remote.files.get({ peer: 'b', volume: 'other', path: '/', local: target }))).rejects.toMatchObject({ code: 'volume-not-found' });
  });

  it.each(['../outside', '..', '.', '', 'a/b', 'a\\b', 'a\0b'])('that names a file %j brings nothing of it here', async (name) => {
    const { a } = await mirrored();
    const session = a.engine.newSession();
    const honest = await a.engine.peerClients.of(session, { peer: 'b' });
    const page: PeerClient['roots']['page'] = async (question) => {
      const { entries } = await honest.roots.page(question);
      return { entries: entries.map((entry) => ({ ...entry, name })) };
    };
    const hostile = { ...honest, roots: { open: honest.roots.open, entry: honest.roots.entry, page, read: honest.roots.read, extended: honest.roots.extended, close: honest.roots.close } };
    const target = join(a.folder, 'deep', 'target');
    mkdirSync(join(a.folder, 'deep'));
    const { localTree: tree } = a.engine.ports;
    await using source = await openPeerSource(hostile, { volume: 'copy', at: 'last' });
    const events = await jobEvents((job: Job) => takeOut(source, { path: '/', local: target, overwrite: true }, { tree, job }));
    expect(events.filter((event) => event.type === 'problem')).toMatchObject([{ code: 'name-invalid' }]);
    expect([readdirSync(join(a.folder, 'deep')), readdirSync(target)]).toEqual([['target'], []]);
    await session.close();
  });

  it('answers faults with their codes', async () => {
    const { a } = await mirrored();
    const { files } = a.client.remote;
    await expect(files.stat({ peer: 'b', volume: 'copy', path: '/nothing' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(files.openRead({ peer: 'b', volume: 'copy', path: '/' })).rejects.toMatchObject({ code: 'is-a-directory' });
    await expect(files.list({ peer: 'b', volume: 'copy', at: { snapshot: 'none' }, path: '/' })).rejects.toMatchObject({ code: 'snapshot-not-found' });
    await expect(files.read({ peer: 'b', readId: 'none', offsetBytes: 0, lengthBytes: 1 })).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(files.list({ peer: 'nobody', volume: 'copy', path: '/' })).rejects.toMatchObject({ code: 'peer-unknown' });
  });

  it('says nothing of volumes that the two do not share, not even whether they exist', async () => {
    const { a, b } = await mirrored();
    await createVolume(b, 'secret', 'primary');
    await createVolume(b, 'other', 'mirror');
    const refusals = await Promise.all(
      ['secret', 'other', 'nothing'].map((volume) => a.client.remote.files.list({ peer: 'b', volume, path: '/' }).catch((fault: unknown) => (fault as Error).message.replace(volume, 'X'))),
    );
    expect(new Set(refusals).size).toBe(1);
    await expect(a.client.remote.snapshots.list({ peer: 'b', volume: 'secret' })).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(a.client.remote.files.stat({ peer: 'b', volume: 'secret', path: '/' })).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(a.client.remote.files.openRead({ peer: 'b', volume: 'secret', path: '/x' })).rejects.toMatchObject({ code: 'volume-not-found' });
    expect((await a.client.remote.server.about({ peer: 'b' })).volumes.map(({ name }) => name)).toEqual(['copy']);
  });

  it('answers nothing but what reads, whatever is asked', async () => {
    const { a, b, address } = await mirrored();
    const link = await a.engine.trust.connectToControl(address, b.engine.trust.identity);
    await using asker = new Questioner(link, { clock: systemClock });
    const ask = async (path: string, json: unknown): Promise<number> =>
      (await asker.ask(new Request(`http://peer${path}`, { method: 'POST', body: JSON.stringify({ json }), headers: { 'content-type': 'application/json' } }))).status;
    expect(await ask('/server/about', {})).toBe(200);
    const { contract } = await import('../../src-main/contract/index.ts');
    const allowed = new Set(['files/list', 'files/stat', 'files/openRead', 'files/read', 'files/closeRead', 'snapshots/list', 'explore/versions', 'explore/deleted', 'explore/search', 'explore/differences']);
    const paths = Object.entries(contract).flatMap(([room, procedures]) => Object.keys(procedures).map((name) => `${room}/${name}`));
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths.filter((one) => !allowed.has(one))) expect([path, await ask(`/${path}`, { volume: 'copy' })]).toEqual([path, 404]);
    for (const path of ['//server/stop', '/../server/stop', '/%73erver/stop', '/remote/files/list', '/__proto__', '/constructor']) expect([path, await ask(path, {})]).toEqual([path, 404]);
  });

  it('is not asked by a stranger, and a revoked one is cut off at once', async () => {
    const { a, b, address } = await mirrored();
    const stranger = await serve('c');
    await stranger.engine.trust.peers.add({ identity: b.engine.trust.identity, name: 'b', role: 'mirror', wallMs: 0 });
    await expect(stranger.client.remote.files.list({ peer: `b`, address, volume: 'copy', path: '/' })).rejects.toMatchObject({ code: 'peer-unknown' });
    const { readId } = await a.client.remote.files.openRead({ peer: 'b', volume: 'copy', path: '/note' });
    await b.engine.trust.revoke(a.engine.trust.identity);
    const read = a.client.remote.files.read({ peer: 'b', readId, offsetBytes: 0, lengthBytes: 1 });
    await expect(read).rejects.toMatchObject({ code: expect.stringMatching(/^(link-closed|peer-unknown)$/) });
    await expect(a.client.remote.server.about({ peer: 'b' })).rejects.toMatchObject({ code: 'peer-unknown' });
    await a.engine.trust.revoke('b');
    await expect(a.client.remote.server.about({ peer: 'b' })).rejects.toMatchObject({ code: 'peer-revoked' });
  });

  it('that is trusted, but whose link was ended, learns nothing any more', async () => {
    const { a, b, address: old } = await mirrored();
    await a.client.relationships.pause({ volume: 'work', address: old });
    await b.client.relationships.unlink({ volume: 'copy', address: a.engine.trust.identity });
    const stranger = await serve('c');
    await pair(stranger, b);
    await createVolume(b, 'third', 'mirror');
    const address = await addressOf(b, 'third');
    expect((await stranger.client.remote.server.about({ peer: 'b', address })).volumes).toEqual([]);
    expect((await a.client.remote.server.about({ peer: 'b', address })).volumes).toEqual([]);
  });

  it('is not known where no link of a volume tells, and gives its reads up with the caller', async () => {
    const { a, b } = await mirrored();
    await expect(b.client.remote.server.about({ peer: 'a' })).rejects.toMatchObject({ code: 'argument-invalid', message: expect.stringContaining('a@tls://') });
    const session = a.engine.newSession();
    const other = clientOf(a.engine, session);
    await other.remote.files.openRead({ peer: 'b', volume: 'copy', at: { snapshot: 'monday' }, path: '/note' });
    const copy = await b.engine.shelf.mirror('copy');
    expect(copy.mirror.neededCps).toHaveLength(1);
    await session.close();
    await expect.poll(() => copy.mirror.neededCps).toEqual([]);
  });

  it('serves few links of one peer at a time', async () => {
    const { a, b, address } = await mirrored();
    const links = await Promise.all(Array.from({ length: linksPerPeerMax + 1 }, () => a.engine.trust.connectToControl(address, b.engine.trust.identity)));
    onTestFinished(async () => {
      await Promise.all(links.map((link) => link.close()));
    });
    const ends = links.map(async (link) => (await link.receive().catch(() => undefined)) === undefined);
    expect(await Promise.race(ends)).toBe(true);
  });
});
