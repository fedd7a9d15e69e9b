import { describe, expect, it, vi } from 'vitest';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { lockTimeoutSecondsMax } from '../../src-main/serving/webdav/limits.ts';
import { lockBody, WebdavLab } from './webdav-lab.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A folder with folders and files in it. */
async function makeTree(lab: WebdavLab, root: string, content: string): Promise<void> {
  for (const folder of ['', '/in', '/in/deep']) expect(await lab.status('MKCOL', `/work/${root}${folder}`)).toBe(201);
  for (const file of ['/a', '/in/b', '/in/deep/c']) expect(await lab.status('PUT', `/work/${root}${file}`, { body: `${content}${file}` })).toBe(201);
}

async function treeOf(lab: WebdavLab, root: string): Promise<(string | number)[]> {
  const answers = await Promise.all(['/a', '/in/b', '/in/deep/c'].map((file) => lab.ask('GET', `/work/${root}${file}`)));
  return answers.map(({ status, body }) => (status === 200 ? body : status));
}

const whole = (content: string): string[] => ['/a', '/in/b', '/in/deep/c'].map((file) => `${content}${file}`);
const gone = [404, 404, 404];

describe('a folder', () => {
  it('is moved, over a file or a folder that goes with all that is in it, in one step', async () => {
    await using lab = await WebdavLab.open();
    await makeTree(lab, 'one', '1');
    await makeTree(lab, 'two', '2');
    const to = (name: string, more: Record<string, string> = {}): { headers: Record<string, string> } => ({ headers: { destination: `/work/${name}`, ...more } });
    expect(await lab.status('MOVE', '/work/one', to('two', { overwrite: 'F' }))).toBe(412);
    expect([await treeOf(lab, 'one'), await treeOf(lab, 'two')]).toEqual([whole('1'), whole('2')]);
    const { volume } = await lab.server.engine.shelf.primary('work');
    const before = (await volume.takeCp()).cp;
    expect(await lab.status('MOVE', '/work/one/', to('two/'))).toBe(204);
    expect([await treeOf(lab, 'one'), await treeOf(lab, 'two')]).toEqual([gone, whole('1')]);
    await volume.takeCp();
    expect(volume.root.cp).toBeGreaterThan(before);
    await lab.status('PUT', '/work/file', { body: 'file' });
    expect(await lab.status('MOVE', '/work/two', to('file'))).toBe(204);
    expect(await treeOf(lab, 'file')).toEqual(whole('1'));
    await lab.status('PUT', '/work/other', { body: 'other' });
    expect(await lab.status('MOVE', '/work/other', to('file'))).toBe(204);
    expect((await lab.ask('GET', '/work/file')).body).toBe('other');
    expect(await lab.lastingNames()).toEqual(['file']);
    const report = await volume.check();
    expect(report.problems).toEqual([]);
  });

  it('is copied beside what it replaces, with everything in it or nothing', async () => {
    await using lab = await WebdavLab.open();
    await makeTree(lab, 'one', '1');
    await makeTree(lab, 'two', '2');
    const destination = '/work/two';
    expect(await lab.status('COPY', '/work/one', { headers: { destination } })).toBe(204);
    expect([await treeOf(lab, 'one'), await treeOf(lab, 'two')]).toEqual([whole('1'), whole('1')]);
    expect(await lab.status('COPY', '/work/one', { headers: { destination: '/work/empty', depth: '0' } })).toBe(201);
    expect(await treeOf(lab, 'empty')).toEqual(gone);
    expect(await lab.status('COPY', '/work/one', { headers: { destination, depth: '1' } })).toBe(400);
    expect(await lab.status('COPY', '/work/one', { headers: { destination: '/work/one/in/itself' } })).toBe(403);
    expect(await lab.status('MOVE', '/work/one/in', { headers: { destination: '/work/one' } })).toBe(403);
    expect(await treeOf(lab, 'one')).toEqual(whole('1'));
    expect(await lab.lastingNames()).toEqual(['empty', 'one', 'two']);
  });

  it('that finds no room for its copy leaves none: 507', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/big');
    for (let count = 0; count < 3; count++) expect(await lab.status('PUT', `/work/big/${count}`, { body: new Uint8Array(8 << 20).fill(count + 1) })).toBe(201);
    const copies: number[] = [];
    for (let count = 0; count < 3; count++) copies.push(await lab.status('COPY', '/work/big', { headers: { destination: `/work/copy${count}` } }));
    expect(copies.at(-1)).toBe(507);
    const wholeCopies = copies.filter((status) => status === 201).length;
    expect(await lab.lastingNames()).toEqual(['big', ...Array.from({ length: wholeCopies }, (_, index) => `copy${index}`)]);
    // What was removed makes room, although it is taken apart behind the answer.
    expect(await lab.status('DELETE', '/work/big')).toBe(204);
    expect(await lab.status('PUT', '/work/new', { body: new Uint8Array(4 << 20).fill(9) })).toBe(201);
  });

  it('is removed with all that is in it, out of sight first', async () => {
    await using lab = await WebdavLab.open();
    await makeTree(lab, 'one', '1');
    expect(await lab.status('DELETE', '/work/one', { headers: { depth: '0' } })).toBe(400);
    expect(await lab.status('DELETE', '/work/one/')).toBe(204);
    expect(await lab.names('/work/')).toEqual(['/work/']);
    expect(await lab.lastingNames()).toEqual([]);
    expect(await lab.status('DELETE', '/work/one')).toBe(404);
    expect(await lab.status('DELETE', '/work/')).toBe(403);
  });

  it('has files with several names, each of which is moved for itself', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/one', { body: 'x' });
    const { volume } = await lab.server.engine.shelf.primary('work');
    await volume.change(changeBlocks.create, (files) => {
      files.link(files.lookup(top, 'one').ino, top, 'two');
    });
    expect(await lab.status('MOVE', '/work/one', { headers: { destination: '/work/two' } })).toBe(204);
    expect(await lab.lastingNames()).toEqual(['two']);
    expect((await lab.ask('GET', '/work/two')).body).toBe('x');
  });

  it('of many entries is listed page by page, all of them once', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/many');
    const made = Array.from({ length: 700 }, (_, index) => `/work/many/${String(index).padStart(4, '0')}`);
    for (const target of made) await lab.status('PUT', target, { body: target });
    expect(await lab.names('/work/many')).toEqual(['/work/many/', ...made]);
    expect(await lab.names('/work/many', '0')).toEqual(['/work/many/']);
  });
});

describe('a lock', () => {
  it('keeps all but its owner from what it locks', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/d');
    await lab.status('PUT', '/work/d/f', { body: 'x' });
    const token = await lab.lock('/work/d/f');
    const changes: [string, Record<string, string>][] = [['PUT', {}], ['DELETE', {}], ['PROPPATCH', {}], ['MOVE', { destination: '/work/g' }], ['LOCK', {}]];
    for (const [method, headers] of changes) {
      const body = method === 'PROPPATCH' ? '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u"/></prop></set></propertyupdate>' : method === 'LOCK' ? lockBody('shared') : 'y';
      for (const user of ['ada', 'bob']) expect([method, user, await lab.status(method, '/work/d/f', { user, headers, body })]).toEqual([method, user, 423]);
      // Another user who has seen the token has not got the lock.
      if (method !== 'LOCK') expect(await lab.status(method, '/work/d/f', { user: 'bob', headers: { ...headers, if: `(${token})` }, body })).toBe(423);
    }
    expect(await lab.status('DELETE', '/work/d')).toBe(423);
    expect(await lab.status('MOVE', '/work/d', { headers: { destination: '/work/e' } })).toBe(423);
    await lab.status('PUT', '/work/other', { body: 'z' });
    expect(await lab.status('MOVE', '/work/other', { headers: { destination: '/work/d/f' } })).toBe(423);
    expect((await lab.ask('GET', '/work/d/f', { user: 'bob' })).body).toBe('x');
    expect(await lab.status('PUT', '/work/d/f', { headers: { if: `(${token})` }, body: 'mine' })).toBe(204);
    expect(await lab.status('UNLOCK', '/work/d/f', { user: 'bob', headers: { 'lock-token': token } })).toBe(403);
    expect(await lab.status('UNLOCK', '/work/d/f', { headers: { 'lock-token': '<urn:uuid:none>' } })).toBe(409);
    expect(await lab.status('UNLOCK', '/work/d/f', { headers: { 'lock-token': token } })).toBe(204);
    expect(await lab.status('PUT', '/work/d/f', { user: 'bob', body: 'y' })).toBe(204);
  });

  it('is had by one client only: two that ask at once', async () => {
    await using lab = await WebdavLab.open();
    const tokens = await Promise.all([lab.lock('/work/f', { user: 'ada' }), lab.lock('/work/f', { user: 'bob' })]);
    expect(tokens.filter((token) => token.startsWith('<urn:uuid:'))).toHaveLength(1);
    expect(tokens.filter((token) => token.startsWith('none: 423'))).toHaveLength(1);
    // The name that nothing had is an empty file now.
    expect(await lab.ask('GET', '/work/f')).toMatchObject({ status: 200, body: '' });
  });

  it('that is shared is had by several', async () => {
    await using lab = await WebdavLab.open();
    const tokens = [await lab.lock('/work/f', { scope: 'shared' }), await lab.lock('/work/f', { scope: 'shared', user: 'bob' })];
    expect(new Set(tokens).size).toBe(2);
    expect(await lab.lock('/work/f')).toContain('423');
    expect(await lab.status('PUT', '/work/f', { user: 'bob', headers: { if: `(${tokens[1]})` } })).toBe(204);
    const { body } = await lab.ask('PROPFIND', '/work/f', { headers: { depth: '0' } });
    expect(body.match(/<D:activelock>/g)).toHaveLength(2);
    expect(body).toContain('me &amp; you');
  });

  it('of a folder holds for what comes into it', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/d');
    const token = await lab.lock('/work/d', { depth: 'infinity' });
    for (const method of ['PUT', 'MKCOL']) expect(await lab.status(method, '/work/d/new', { user: 'bob' })).toBe(423);
    expect(await lab.lock('/work/d/new', { user: 'bob' })).toContain('423');
    expect(await lab.status('PUT', '/work/d/new', { headers: { if: `</work/d> (${token})` } })).toBe(201);
    expect(await lab.status('MOVE', '/work/d', { headers: { destination: '/work/e', if: `</work/d> (${token})` } })).toBe(201);
    expect(await lab.status('PUT', '/work/e/new', { user: 'bob' })).toBe(204);
  });

  it('that comes during an upload keeps the upload from its name', async () => {
    await using lab = await WebdavLab.open();
    let token = '';
    const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield Buffer.from('late');
      token = await lab.lock('/work/f', { user: 'bob' });
    };
    expect(await lab.status('PUT', '/work/f', { body: body() })).toBe(423);
    expect(token).toContain('urn:uuid:');
    expect((await lab.ask('GET', '/work/f')).body).toBe('');
  });

  it('ends with its time, unless it is renewed', async () => {
    await using lab = await WebdavLab.open();
    const token = await lab.lock('/work/f', { timeout: 'Infinite, Second-4100000000' });
    await lab.server.pass((lockTimeoutSecondsMax - 10) * 1000, 1_000_000);
    expect(await lab.status('LOCK', '/work/f', { user: 'bob', headers: { if: `(${token})` } })).toBe(412);
    const renewed = await lab.ask('LOCK', '/work/f', { headers: { if: `(${token})`, timeout: 'Second-60' } });
    expect(renewed).toMatchObject({ status: 200, body: expect.stringContaining('Second-60') });
    await lab.server.pass(59_000);
    expect(await lab.status('PUT', '/work/f', { user: 'bob' })).toBe(423);
    await lab.server.pass(2000);
    expect(await lab.status('PUT', '/work/f', { user: 'bob' })).toBe(204);
    expect(await lab.status('LOCK', '/work/f', { headers: { if: `(${token})` } })).toBe(412);
  });

  it.each(['', '<a/>', '<lockinfo xmlns="DAV:"/>', '<lockinfo xmlns="DAV:"><lockscope><exclusive/><shared/></lockscope><locktype><write/></locktype></lockinfo>'])('is not had by asking for %j', async (body) => {
    await using lab = await WebdavLab.open();
    expect(await lab.status('LOCK', '/work/f', { body })).toBe(body === '' ? 412 : 400);
    expect(await lab.status('GET', '/work/f')).toBe(404);
  });
});
