import { describe, expect, it } from 'vitest';
import type { JobStatus, MirrorpointClient, RestoreRequest } from '../../src-main/contract/index.ts';
import { pieceBytes, piecesAtOnce } from '../../src-main/engine/export-source.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { mirrored, type TestServer, untilIdentical } from './peer-servers.ts';
import { makeFolder, makeLink, makeSymlink, remove, seeTree, texts, writeFile } from './volume-trees.ts';

const MiB = 1 << 20;

async function ended(client: MirrorpointClient, jobId: string): Promise<JobStatus> {
  const look = async (): Promise<JobStatus | undefined> => (await client.jobs.list({})).jobs.find((job) => job.jobId === jobId && job.state !== 'running');
  await expect.poll(look, { timeout: 30_000 }).toBeDefined();
  return (await look())!;
}

function fromMirror(asked: Partial<RestoreRequest> & { paths?: string[] }): RestoreRequest {
  const { paths = ['/tree'], ...rest } = asked;
  return { source: { volume: 'copy', at: { snapshot: 'tuesday' }, paths, peer: 'b' }, target: { kind: 'volume', volume: 'work' }, collisions: 'replace', choices: [], ...rest };
}

async function prepared(largeBytes = 3 * MiB + 9): Promise<{ a: TestServer; b: TestServer; volume: Volume }> {
  const { a, b } = await mirrored();
  const { volume } = await a.engine.shelf.primary('work');
  await makeFolder(volume, '/tree', { mode: 0o710, uid: 12 });
  await writeFile(volume, '/tree/large', { content: Buffer.alloc(largeBytes, 'L'), mode: 0o600, modifiedNs: 123n, extended: Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`user.${index}`, `value ${index}`.repeat(9)])) });
  await makeLink(volume, '/tree/same', '/tree/large');
  await makeSymlink(volume, '/tree/link', 'large');
  await writeFile(volume, '/tree/small', { content: 'small', modifiedNs: 5n });
  await a.client.snapshots.create({ volume: 'work', snapshot: 'tuesday' });
  await untilIdentical(a);
  return { a, b, volume };
}

describe('a restore from the mirror of a paired server', () => {
  it('brings back everything that the volume had, over the link, and a snapshot of before', async () => {
    const { a, volume } = await prepared();
    const before = await seeTree(volume);
    for (const name of ['same', 'link', 'large']) await remove(volume, `/tree/${name}`);
    await writeFile(volume, '/tree/small', { content: 'changed', modifiedNs: 6n });
    expect(await a.client.restore.preview(fromMirror({}))).toMatchObject({ files: 4, collisions: [{ path: '/tree/small', target: 'work:/tree/small' }], isPart: false });
    const { jobId } = await a.client.restore.start(fromMirror({}));
    const job = await ended(a.client, jobId);
    expect(job).toMatchObject({ state: 'done', problemCount: 0, subject: 'copy@tuesday:/tree on b to its place in work', volume: 'work' });
    const after = await seeTree(volume);
    for (const tree of [before, after]) delete tree.get('/tree')?.modifiedNs;
    expect(after).toEqual(before);
    expect((await a.client.snapshots.list({ volume: 'work' })).snapshots.map(({ name }) => name)).toEqual(['monday', 'tuesday', expect.stringMatching(/^before-restore-/)]);
  });

  it('that is cut off in the midst of a file fails clearly, and leaves nothing of it', async () => {
    // More than is read ahead.
    const { a, b, volume } = await prepared((piecesAtOnce + 2) * pieceBytes);
    for (const name of ['same', 'link', 'large', 'small']) await remove(volume, `/tree/${name}`);
    const change = volume.change.bind(volume);
    let revoked: Promise<unknown> | undefined;
    volume.change = (...parameters: Parameters<Volume['change']>) => {
      revoked ??= b.engine.trust.revoke(a.engine.trust.identity);
      return change(...parameters) as Promise<never>;
    };
    const { jobId } = await a.client.restore.start(fromMirror({}));
    const job = await ended(a.client, jobId);
    await revoked;
    expect(job.state).toBe('failed');
    expect(['link-closed', 'peer-unknown']).toContain(job.fault?.code);
    const left = [...(await seeTree(volume, '/tree')).keys()];
    expect(left.filter((name) => name.includes('mirrorpoint'))).toEqual([]);
    expect(left).not.toContain('/large');
    await expect(a.client.restore.start(fromMirror({}))).rejects.toMatchObject({ code: 'peer-unknown' });
  });

  it('of another volume than the two share is refused before it begins', async () => {
    const { a } = await prepared();
    await expect(a.client.restore.start(fromMirror({ source: { ...fromMirror({}).source, volume: 'none' } }))).rejects.toMatchObject({ code: 'volume-not-found' });
    await expect(a.client.restore.start(fromMirror({ source: { ...fromMirror({}).source, peer: 'nobody' } }))).rejects.toMatchObject({ code: 'peer-unknown' });
    await expect(a.client.restore.preview(fromMirror({ source: { ...fromMirror({}).source, at: { snapshot: 'none' } } }))).rejects.toMatchObject({ code: 'snapshot-not-found' });
    expect(await texts((await a.engine.shelf.primary('work')).volume, '/tree')).toMatchObject({ small: 'small' });
    expect((await a.client.jobs.list({})).jobs).toEqual([]);
  });

  it('that goes round in a circle, or is of another version, is not believed', async () => {
    const { a } = await prepared();
    const session = a.engine.newSession();
    const honest = await a.engine.peerClients.of(session, { peer: 'b' });
    const { openPeerSource } = await import('../../src-main/engine/export-source.ts');
    const { roots } = honest;
    const circling = { ...honest, roots: { open: roots.open, entry: roots.entry, page: (question: Parameters<typeof roots.page>[0]) => roots.page({ ...question, after: undefined }), read: roots.read, extended: roots.extended, close: roots.close } };
    await using source = await openPeerSource(circling, { volume: 'copy', at: 'last' });
    const tree = await source.entryAt('/tree');
    const first = await source.page(tree.ino, { after: undefined, limit: 2 });
    await expect(source.page(tree.ino, { after: first.at(-1)?.name, limit: 2 })).rejects.toMatchObject({ code: 'message-invalid' });
    await session.close();
  });
});
