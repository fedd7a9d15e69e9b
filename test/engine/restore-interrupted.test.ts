import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MirrorpointError } from '../../src-main/base/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';
import { RestoreLab } from './restore-lab.ts';
import { makeFolder, makeLink, makeSymlink, remove, seeTree, type SeenTree, texts, writeFile } from './volume-trees.ts';

const MiB = 1 << 20;

let lab: RestoreLab;
let volume: Volume;

beforeEach(async () => {
  lab = await RestoreLab.open();
  ({ volume } = lab);
});

/** A folder with something of everything, which the snapshot `tuesday` has; live, half of it is gone or other. */
async function prepare(): Promise<SeenTree> {
  await makeFolder(volume, '/docs/deep');
  await writeFile(volume, '/docs/deep/large', { content: Buffer.alloc(2 * MiB + 7, 'L'), modifiedNs: 3n });
  await writeFile(volume, '/docs/deep/tagged', { content: 'tagged', modifiedNs: 4n, extended: { 'user.tag': 'red' } });
  await makeLink(volume, '/docs/deep/name', '/docs/deep/large');
  await makeSymlink(volume, '/docs/deep/link', 'large', { modifiedNs: 5n });
  await lab.snapshot('tuesday');
  const whole = await seeTree(volume, '/docs');
  await spoil();
  return whole;
}

async function spoil(): Promise<void> {
  for (const path of ['/docs/deep/name', '/docs/deep/link', '/docs/deep/tagged']) await remove(volume, path).catch(() => undefined);
  await writeFile(volume, '/docs/deep/large', { content: 'another', modifiedNs: 1n });
  await writeFile(volume, '/docs/report.txt', { content: 'another', modifiedNs: 9n });
  await remove(volume, '/docs/notes.txt').catch(() => undefined);
}

/** What a person sees of a file, without its times. */
const known = (tree: SeenTree): Map<string, unknown> => new Map([...tree].map(([path, entry]) => [path, entry.kind === 'directory' ? 'folder' : `${String(entry.content)} ${String(entry.target)}`]));

describe('a restore that is cancelled', () => {
  it('at any of its changes leaves every file whole, as it was or as it is to be, and nothing half-way; and can be made again', async () => {
    const whole = known(await prepare());
    const before = known(await seeTree(volume, '/docs'));
    let cancelledCount = 0;
    for (let at = 1, isOver = false; !isOver; at++) {
      let cancelled: Promise<unknown> | undefined;
      const stop = lab.onChange((number) => {
        if (number === at) cancelled = lab.server.client.jobs.cancel({ jobId });
      });
      const jobId = await lab.begin({ at: { snapshot: 'tuesday' }, collisions: 'replace' });
      const job = await lab.ended(jobId);
      stop();
      await cancelled;
      isOver = cancelled === undefined;
      if (job.state === 'cancelled') {
        cancelledCount++;
        expect(job.outcome).toContain('cancelled');
      } else expect(job.state).toBe('done');
      expect(await lab.temporaryNames()).toEqual([]);
      for (const [path, content] of known(await seeTree(volume, '/docs'))) {
        expect([whole.get(path), before.get(path)], `${path} after a cancel at change ${at}`).toContain(content);
      }
      if (isOver) expect(known(await seeTree(volume, '/docs'))).toEqual(whole);
      else await spoil();
    }
    expect(cancelledCount).toBeGreaterThan(5);
    await volume.takeCp();
    expect((await volume.check()).problems).toEqual([]);
    // Two names are one file; the root has no name, and the extended attribute is in an inode of its own.
    expect(volume.status().inodeCount).toBe((await seeTree(volume)).size - 1 + 2);
  });

  it.each([
    {
      why: 'its volume is closed',
      end: () => lab.server.client.volumes.detach({ volume: 'work' }),
      again: () => lab.server.client.volumes.attach({ name: 'work', devices: ['/work.img'], cpIntervalMs: 0 }),
      said: 'Volume work was closed',
    },
    { why: 'the server ends', end: () => lab.server.stop(), again: () => lab.server.start(), said: 'The server ends' },
  ])('because $why has tidied up before', async ({ end, again, said }) => {
    await prepare();
    let ending: Promise<unknown> | undefined;
    lab.onChange((number) => {
      if (number === 6) ending = end();
    });
    await lab.begin({ at: { snapshot: 'tuesday' }, collisions: 'replace' });
    for (let turn = 0; turn < 5000 && ending === undefined; turn++) await lab.server.settle(5);
    expect(ending).toBeDefined();
    await ending;
    await again();
    const { volume: reopened } = await lab.server.engine.shelf.primary('work');
    expect([...(await seeTree(reopened)).keys()].filter((path) => path.includes('mirrorpoint'))).toEqual([]);
    expect((await reopened.check()).problems).toEqual([]);
    const { events } = await lab.server.client.events.list({});
    expect(events.filter(({ text }) => text.includes('was cancelled'))).toMatchObject([{ level: 'warning', text: expect.stringContaining(said) }]);
  });
});

describe('a restore that meets a fault', () => {
  it('of the whole target at any of its changes says it, and leaves nothing half-way', async () => {
    await prepare();
    let failures = 0;
    for (let at = 1, isOver = false; !isOver; at++) {
      let changes = 0;
      const stop = lab.onChange((number) => {
        changes = number;
        if (number === at) throw new MirrorpointError('volume-full', 'Volume work is full.');
      });
      const job = await lab.restore({ at: { snapshot: 'tuesday' }, collisions: 'replace' });
      stop();
      isOver = changes < at;
      // The removal of a name or the end of a handle may meet it too, which the next try makes good.
      if (job.state === 'failed') failures++;
      if (job.state === 'failed') expect(job.fault).toEqual({ code: 'volume-full', message: 'Volume work is full.' });
      if (isOver) expect(job.state).toBe('done');
      else await spoil();
    }
    expect(failures).toBeGreaterThan(10);
    expect(await lab.temporaryNames()).toEqual([]);
  });

  it('because the volume is full stops there, whatever is to come', async () => {
    await writeFile(volume, '/docs/large', { content: Buffer.alloc(20 * MiB, 'x') });
    for (let index = 0; index < 5; index++) await writeFile(volume, `/docs/z${index}`, { content: Buffer.alloc(6 * MiB, 'z') });
    await lab.snapshot('tuesday');
    for (const name of ['large', 'z0', 'z1', 'z2', 'z3', 'z4']) await remove(volume, `/docs/${name}`);
    const job = await lab.restore({ at: { snapshot: 'tuesday' } });
    expect(job).toMatchObject({ state: 'failed', fault: { code: 'volume-full' }, problemCount: 0 });
    expect(await lab.temporaryNames()).toEqual([]);
    const { events } = await lab.server.client.events.list({});
    expect(events.at(-1)).toMatchObject({ subject: 'volume work', level: 'problem', text: expect.stringMatching(/^The restore of work@tuesday:\/docs to its place in work failed\. Volume work is full/) });
  });

  it('of one file leaves that out and restores the rest', async () => {
    await prepare();
    await remove(volume, '/docs/deep/large');
    const tuesday = await volume.openView({ snapshot: 'tuesday' });
    const ino = await tuesday.query((files) => files.resolvePath('/docs/deep/large'));
    await tuesday.close();
    const openView = volume.openView.bind(volume);
    volume.openView = async (at) => {
      const view = await openView(at);
      const readInto = view.readInto.bind(view);
      view.readInto = (file, offset, target) => {
        if (file === ino && offset > 0) return Promise.reject(new MirrorpointError('checksum-mismatch', 'A block is wrong.'));
        return readInto(file, offset, target);
      };
      return view;
    };
    const job = await lab.restore({ at: { snapshot: 'tuesday' } });
    expect(job).toMatchObject({ state: 'done', problemCount: 2 });
    expect(job.problems.map(({ path, code }) => [path, code])).toEqual(expect.arrayContaining([['/docs/deep/large', 'checksum-mismatch'], ['/docs/deep/name', 'checksum-mismatch']]));
    expect(job.outcome).toContain('2 entries were left out.');
    expect(await texts(volume, '/docs')).toMatchObject({ 'notes.txt': 'notes' });
    expect([...(await seeTree(volume, '/docs/deep')).keys()]).toEqual(['/link', '/tagged']);
    expect((await lab.server.client.events.list({})).events.at(-1)).toMatchObject({ level: 'warning' });
  });
});

describe('what is restored from', () => {
  it('stays until the end, though its snapshot is deleted and its blocks are wanted', async () => {
    const whole = known(await prepare());
    let isDeleted = false;
    lab.onChange((number) => {
      if (number !== 3 || isDeleted) return;
      isDeleted = true;
      void lab.server.client.snapshots.delete({ volume: 'work', snapshot: 'tuesday' }).then(() => lab.server.client.cp.now({ volume: 'work' }));
    });
    const job = await lab.restore({ at: { snapshot: 'tuesday' }, collisions: 'replace' });
    expect(job).toMatchObject({ state: 'done', problemCount: 0 });
    expect(known(await seeTree(volume, '/docs'))).toEqual(whole);
    expect(await lab.snapshotNames()).not.toContain('tuesday');
  });

  it('and where to is looked at before anything begins', async () => {
    const begin = (asked: Parameters<RestoreLab['begin']>[0]): Promise<string> => lab.begin(asked).then(() => 'begun', (fault: unknown) => (fault as MirrorpointError).code);
    expect(await begin({ at: { snapshot: 'none' } })).toBe('snapshot-not-found');
    expect(await begin({ target: { kind: 'volume', volume: 'none' } })).toBe('volume-not-found');
    expect(await begin({ target: { kind: 'volume', volume: 'work', folder: '/none' } })).toBe('not-found');
    expect(await begin({ target: { kind: 'local', folder: 'relative' } })).toBe('argument-invalid');
    expect(await begin({ target: { kind: 'local', folder: '/none/of/this' } })).toBe('not-found');
    expect((await lab.server.client.jobs.list({})).jobs).toEqual([]);
  });
});

describe('a restore into a volume whose roles are swapped', () => {
  it('ends before the volume takes no changes any more, so that neither side has anything half-way', async () => {
    const clock = new SettableClock();
    const transport = new MemoryTransport();
    const [a, b] = [new MemoryServer({ clock, transport, seed: 1 }), new MemoryServer({ clock, transport, seed: 2 })];
    for (const server of [a, b]) {
      await server.start();
      onTestFinished(() => server.stop());
    }
    await b.createVolume('copy', { role: 'mirror', listen: ['memory://b'] });
    await a.createVolume('work');
    const { volume: work } = await a.engine.shelf.primary('work');
    await writeFile(work, '/large', { content: Buffer.alloc(24 * MiB, 'L') });
    await a.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await remove(work, '/large');
    await a.client.relationships.link({ volume: 'work', address: 'memory://b' });
    await a.until(() => a.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
    const change = work.change.bind(work);
    let changes = 0;
    let ended: string | undefined;
    const swap = async (): Promise<void> => {
      for await (const event of await a.client.failover.switchOver({ volume: 'work' })) ended = event.type;
    };
    work.change = (...parameters: Parameters<Volume['change']>) => {
      if (++changes === 4) void swap();
      return change(...parameters) as Promise<never>;
    };
    await a.client.restore.start({ source: { volume: 'work', at: { snapshot: 'monday' }, paths: ['/large'] }, target: { kind: 'volume', volume: 'work' }, collisions: 'skip' });
    await a.until(() => ended === 'done', 'a swap of roles');
    expect(a.engine.jobs.all.find(({ kind }) => kind === 'restore')).toMatchObject({ state: 'cancelled' });
    const { volume: leading } = await b.engine.shelf.primary('copy');
    expect([...(await seeTree(leading)).keys()]).toEqual([]);
  });
});
