import { describe, expect, it, vi } from 'vitest';
import { changeBlocks, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import { davOptions } from '../../src-main/serving/index.ts';
import { xmlBytesMax } from '../../src-main/serving/webdav/limits.ts';
import { propfind, WebdavLab } from './webdav-lab.ts';

vi.setConfig({ testTimeout: 120_000 });

const windowsNames = ['._photo.jpg', 'desktop.ini', 'Thumbs.db', 'ends with a dot.', 'ends with space ', 'back\\slash', 'CON', 'grüße 你好 😀', '100%25 sure', "it's (a) [name]; yes & no", '.DS_Store'];

describe('files by WebDAV', () => {
  it('are put, read, listed and removed, under the names that clients invent', async () => {
    await using lab = await WebdavLab.open();
    for (const name of windowsNames) expect(await lab.status('PUT', `/work/${encodeURIComponent(name)}`, { body: name })).toBe(201);
    const hrefs = await lab.names('/work/');
    expect(hrefs.slice(1).map((href) => decodeURIComponent(href.replace('/work/', ''))).sort()).toEqual([...windowsNames].sort());
    for (const name of windowsNames) {
      const target = `/work/${encodeURIComponent(name)}`;
      expect(await lab.ask('GET', target)).toMatchObject({ status: 200, body: name });
      expect(await lab.status('DELETE', target)).toBe(204);
      expect(await lab.status('GET', target)).toBe(404);
    }
    expect(await lab.lastingNames()).toEqual([]);
  });

  it('are read in parts, and only when they are what the client has the rest of', async () => {
    await using lab = await WebdavLab.open();
    const { etag } = (await lab.ask('PUT', '/work/f', { body: '0123456789' })).headers;
    const part = async (range: string, more: Record<string, string> = {}): Promise<(number | string | undefined)[]> => {
      const { status, body, headers } = await lab.ask('GET', '/work/f', { headers: { range, ...more } });
      return [status, body, headers['content-range']];
    };
    expect(await part('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
    expect(await part('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await part('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await part('bytes=5-100')).toEqual([206, '56789', 'bytes 5-9/10']);
    expect((await part('bytes=10-'))[0]).toBe(416);
    expect((await part('bytes=10-'))[2]).toBe('bytes */10');
    expect((await part('bytes=4-2'))[0]).toBe(200);
    expect((await part('bytes=0-1,4-5'))[0]).toBe(200);
    expect((await part('lines=0-1'))[0]).toBe(200);
    expect((await part('bytes=2-4', { 'if-range': etag! }))[0]).toBe(206);
    expect((await part('bytes=2-4', { 'if-range': '"other"' }))[0]).toBe(200);
    expect(await lab.ask('HEAD', '/work/f')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '10', etag } });
    expect(await lab.status('GET', '/work/f', { headers: { 'if-none-match': etag! } })).toBe(304);
    expect(await lab.status('GET', '/work/f', { headers: { 'if-modified-since': new Date(lab.server.clock.wallMs() + 5000).toUTCString() } })).toBe(304);
    expect(await lab.status('GET', '/work/f', { headers: { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' } })).toBe(lab.server.clock.wallMs() < 1000 ? 200 : 412);
  });

  it('are replaced only when the conditions hold, also at the end of the upload', async () => {
    await using lab = await WebdavLab.open();
    const put = (headers: Record<string, string>, body: Parameters<typeof lab.ask>[2] = {}): Promise<number> => lab.status('PUT', '/work/f', { headers, body: 'x', ...body });
    expect(await put({ 'if-match': '*' })).toBe(412);
    expect(await put({ 'if-none-match': '*' })).toBe(201);
    expect(await put({ 'if-none-match': '*' })).toBe(412);
    const { etag } = (await lab.ask('HEAD', '/work/f')).headers;
    expect(await put({ if: `([${etag}])` })).toBe(204);
    expect(await put({ 'if-match': etag! })).toBe(412);
    expect(await put({ if: '(<DAV:no-lock>)' })).toBe(412);
    expect(await put({ if: '(Not <DAV:no-lock>)' })).toBe(204);
    expect(await put({ if: '</work/g> (["nothing"]) (Not ["nothing"])' })).toBe(204);
    expect(await put({ if: '(nonsense)' })).toBe(400);
    const now = (await lab.ask('HEAD', '/work/f')).headers.etag!;
    const slow = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield Buffer.from('half');
      await lab.ask('PUT', '/work/f', { body: 'of another' });
      yield Buffer.from('half');
    };
    expect(await put({ 'if-match': now }, { body: slow() })).toBe(412);
    expect((await lab.ask('GET', '/work/f')).body).toBe('of another');
  });

  it('keep their mode and properties when they are replaced', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'one' });
    const { volume } = await lab.server.engine.shelf.primary('work');
    await volume.change(changeBlocks.extendedAttribute(4096), (files) => {
      files.setExtendedAttribute(files.lookup(top, 'f').ino, 'user.note', Buffer.from('kept'));
    });
    await volume.change(0, (files) => {
      files.setAttributes(files.lookup(top, 'f').ino, { mode: 0o600, uid: 7 });
    });
    expect(await lab.status('PUT', '/work/f', { body: 'two', headers: { 'x-oc-mtime': '1700000000' } })).toBe(204);
    const after = await volume.query((files) => {
      const { ino } = files.lookup(top, 'f');
      const { mode, uid, modifiedNs } = files.stat(ino);
      return { mode, uid, modifiedNs, note: Buffer.from(files.getExtendedAttribute(ino, 'user.note')).toString() };
    });
    expect(after).toEqual({ mode: 0o600, uid: 7, modifiedNs: 1_700_000_000n * 1_000_000_000n, note: 'kept' });
  });

  it('are not put in part: a range would replace the file', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'whole' });
    expect(await lab.status('PUT', '/work/f', { body: 'x', headers: { 'content-range': 'bytes 0-0/5' } })).toBe(400);
    expect((await lab.ask('GET', '/work/f')).body).toBe('whole');
  });

  it('of a client that goes away in the middle leave nothing', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'old' });
    const goes = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield new Uint8Array(3 << 20).fill(1);
      const seen = await lab.rootNames();
      expect(seen).toEqual(['.mirrorpoint-webdav', 'f']);
      expect(await lab.names('/work/')).toEqual(['/work/', '/work/f']);
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    };
    await expect(lab.ask('PUT', '/work/f', { body: goes() })).rejects.toThrow('aborted');
    const { share } = lab.server.engine.book.current.volumes[0]!;
    expect(share).toBeDefined();
    expect((await lab.ask('GET', '/work/f')).body).toBe('old');
    const { entries } = await lab.server.client.files.list({ volume: 'work', path: '/.mirrorpoint-webdav' });
    expect(entries).toEqual([]);
  });

  it('that a killed server was taking in are cleared away when it starts again', async () => {
    const lab = await WebdavLab.open();
    const { server } = lab;
    const hangs = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield new Uint8Array(2 << 20).fill(1);
      await (await server.engine.shelf.primary('work')).volume.takeCp();
      await server.kill();
      await new Promise(() => undefined);
    };
    void lab.begin('PUT', '/work/f', { body: hangs() }).catch(() => undefined);
    await vi.waitFor(async () => {
      expect(await lab.server.settings.read()).toContain('work');
      await expect(server.engine.shelf.primary('work').then(({ volume }) => volume.takeCp())).rejects.toThrow();
    });
    await server.start();
    await vi.waitFor(async () => {
      expect(await lab.rootNames()).toEqual([]);
    });
    await server.stop();
  });

  it('do not fit into a full volume: 507, nothing half there, and the old one stays', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'old' });
    const endless = async function* (): AsyncGenerator<Uint8Array, void, void> {
      const part = new Uint8Array(1 << 20);
      for (let count = 0; count < 100; count++) yield part.fill(count);
    };
    expect(await lab.status('PUT', '/work/f', { body: endless() })).toBe(507);
    expect((await lab.ask('GET', '/work/f')).body).toBe('old');
    expect(await lab.names('/work/')).toEqual(['/work/', '/work/f']);
    expect(await lab.status('PUT', '/work/g', { body: 'small' })).toBe(201);
  });
});

describe('addresses', () => {
  it('are decoded once, and lead out of nothing', async () => {
    await using lab = await WebdavLab.open();
    const put = async (targets: string[], status: number): Promise<void> => {
      for (const target of targets) expect([target, await lab.status('PUT', target, { body: 'x' })]).toEqual([target, status]);
    };
    await put(['/work/%2e%2e/x', '/work/../x', '/work/a/%2E./x', '/%2e%2e/work', '/work/a%2fb', '/work/%00', '/work/%zz', '/work/%ff', '/work/f#part'], 400);
    await put([`/work/${'x'.repeat(256)}`], 400);
    await put([`/work/${'x/'.repeat(9000)}`], 414);
    await put(['/other/f', '/..work/f', '/work/.snapshot/f'], 404);
    await put(['/work/.mirrorpoint-webdav/f', '/work/.snapshot'], 403);
    expect(await lab.lastingNames()).toEqual([]);
    await put(['/work/%252e%252e', '/work/..%5c..%5cx', '//work//doubled', '/work/query?x=/../y'], 201);
    expect((await lab.lastingNames()).sort()).toEqual(['%2e%2e', '..\\..\\x', 'doubled', 'query']);
  });

  const destinations: [string, number][] = [
    ['http://elsewhere.example/work/g', 502],
    ['http://files.example@elsewhere.example/work/g', 502],
    ['http://files.example:81/work/g', 502],
    ['ftp://files.example/work/g', 502],
    ['//elsewhere.example/work/g', 400],
    ['/other/g', 502],
    ['work/g', 400],
    ['/work/%2e%2e/g', 400],
    ['/work/.snapshot/x/g', 403],
    ['/work/.mirrorpoint-webdav/g', 403],
    ['/work/missing/g', 409],
    ['/work/f', 403],
    ['/work/', 403],
    ['http://files.example/work/g', 201],
    ['HTTPS://FILES.EXAMPLE/work/g', 201],
    ['/work/g', 201],
  ];

  it('as a Destination are of this share, or refused', async () => {
    await using lab = await WebdavLab.open();
    for (const [destination, status] of destinations) {
      for (const method of ['COPY', 'MOVE']) {
        await lab.status('PUT', '/work/f', { body: 'x' });
        expect([method, destination, await lab.status(method, '/work/f', { headers: { destination } })]).toEqual([method, destination, status]);
        await lab.status('DELETE', '/work/g');
      }
    }
    await lab.status('PUT', '/work/f');
    expect(await lab.status('COPY', '/work/f')).toBe(400);
  });

  it('of symbolic links lead to what is in the volume, and never out of it', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('MKCOL', '/work/folder');
    await lab.status('PUT', '/work/folder/f', { body: 'inside' });
    const { volume } = await lab.server.engine.shelf.primary('work');
    const own = { mode: 0o777, uid: 0, gid: 0 };
    for (const [name, target] of [['in', 'folder'], ['out', '../../../../etc'], ['absolute', '/etc/passwd'], ['up', '/../folder/f'], ['round', 'round']] as const) {
      await volume.change(changeBlocks.symlink, (files) => files.symlink(top, name, target, own));
    }
    expect((await lab.ask('GET', '/work/in/f')).body).toBe('inside');
    expect((await lab.ask('GET', '/work/up')).body).toBe('inside');
    for (const path of ['out', 'out/passwd', 'absolute', 'round']) expect(await lab.status('GET', `/work/${path}`)).toBe(404);
    expect(await lab.names('/work/')).toEqual(['/work/', '/work/folder/', '/work/in/', '/work/up']);
    expect(await lab.status('DELETE', '/work/in')).toBe(204);
    expect((await lab.ask('GET', '/work/folder/f')).body).toBe('inside');
  });
});

describe('requests that are too much', () => {
  it('are refused: listings without end, XML that is large or bad, methods that there are not', async () => {
    await using lab = await WebdavLab.open();
    const infinite = await lab.ask('PROPFIND', '/work/', { headers: { depth: 'infinity' } });
    expect(infinite).toMatchObject({ status: 403, body: expect.stringContaining('propfind-finite-depth') });
    expect(await lab.status('PROPFIND', '/work/')).toBe(403);
    expect(await lab.status('PROPFIND', '/work/', { headers: { depth: '2' } })).toBe(400);
    const laughs = '<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><prop><a>&b;</a></prop></propfind>';
    for (const body of [laughs, '<propfind xmlns="DAV:"/>', '<a/>', 'x', '<propfind xmlns="DAV:"><prop><b:c xmlns:b=""/></prop></propfind>']) {
      expect(await lab.status('PROPFIND', '/work/', { headers: { depth: '0' }, body })).toBe(400);
    }
    expect(await lab.status('PROPFIND', '/work/', { headers: { depth: '0' }, body: `<a>${' '.repeat(xmlBytesMax)}</a>` })).toBe(413);
    expect(await lab.status('PATCH', '/work/f')).toBe(405);
    expect(await lab.status('constructor', '/work/f')).toBe(405);
    expect(await lab.status('MKCOL', '/work/x', { body: 'body' })).toBe(415);
  });

  it('are told what there is', async () => {
    await using lab = await WebdavLab.open();
    expect((await lab.ask('OPTIONS', '/work/')).headers).toMatchObject(davOptions);
    expect((await lab.ask('OPTIONS', '/')).headers).toMatchObject({ dav: '1, 2' });
    expect(await lab.names('/')).toEqual(['/', '/work/']);
    expect(await lab.status('GET', '/work/')).toBe(405);
  });
});

describe('properties', () => {
  it('say what a file is, and how much room there is', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f.txt', { body: 'text' });
    const { body } = await lab.ask('PROPFIND', '/work/f.txt', { headers: { depth: '0' } });
    for (const part of ['<D:getcontentlength>4<', '<D:getcontenttype>text/plain<', '<D:resourcetype/>', '<D:getetag>', '<D:supportedlock>', '<D:creationdate>']) expect(body).toContain(part);
    const room = await lab.ask('PROPFIND', '/work/', { headers: { depth: '0' }, body: propfind('<D:quota-available-bytes/>', '<D:quota-used-bytes/>', '<D:getcontentlength/>') });
    const { freeBlockCount, blockSizeBytes } = await lab.server.client.volumes.inspect({ volume: 'work' });
    expect(room.body).toContain(`<D:quota-available-bytes>${freeBlockCount * blockSizeBytes}<`);
    expect(room.body).toContain('404 Not Found');
  });

  it('of clients are kept with the file, all changes or none, and go along with a copy', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'x' });
    const update = (inside: string): string => `<D:propertyupdate xmlns:D="DAV:" xmlns:z="urn:z">${inside}</D:propertyupdate>`;
    const set = await lab.ask('PROPPATCH', '/work/f', { body: update('<D:set xml:lang="de"><D:prop><z:a>ü<z:b c="1"/></z:a><none xmlns="">&#x10000;</none></D:prop></D:set>') });
    expect(set).toMatchObject({ status: 207, body: expect.stringContaining('200 OK') });
    const mixed = await lab.ask('PROPPATCH', '/work/f', { body: update('<D:remove><D:prop><z:a/></D:prop></D:remove><D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>') });
    expect(mixed.body).toContain('403 Forbidden');
    expect(mixed.body).toContain('424 Failed Dependency');
    await lab.status('COPY', '/work/f', { headers: { destination: '/work/g' } });
    await lab.status('MOVE', '/work/f', { headers: { destination: '/work/h' } });
    for (const path of ['/work/g', '/work/h']) {
      const { body } = await lab.ask('PROPFIND', path, { headers: { depth: '0' }, body: propfind('<a xmlns="urn:z"/>', '<none xmlns=""/>') });
      expect(body).toContain('<a xmlns="urn:z" xml:lang="de">ü<b xmlns="urn:z" c="1"/></a>');
      expect(body).toContain('\u{10000}');
    }
    const large = await lab.ask('PROPPATCH', '/work/g', { body: update(`<D:set><D:prop><z:c>${'y'.repeat(70_000)}</z:c></D:prop></D:set>`) });
    expect(large.body).toContain('507 Insufficient Storage');
    expect((await lab.ask('PROPFIND', '/work/g', { headers: { depth: '0' } })).body).toContain('ü');
    await lab.ask('PROPPATCH', '/work/g', { body: update('<D:remove><D:prop><z:a/><none xmlns=""/></D:prop></D:remove>') });
    const names = await lab.ask('PROPFIND', '/work/g', { headers: { depth: '0' }, body: '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>' });
    expect(names.body).not.toContain('urn:z');
  });

  it('take up the time that Windows gives a file', async () => {
    await using lab = await WebdavLab.open();
    await lab.status('PUT', '/work/f', { body: 'x' });
    const body = '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>Tue, 14 Nov 2023 22:13:20 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>';
    expect(await lab.status('PROPPATCH', '/work/f', { body })).toBe(207);
    expect((await lab.ask('HEAD', '/work/f')).headers['last-modified']).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
  });
});
