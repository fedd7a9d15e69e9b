import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MirrorpointError } from '../../src-main/base/index.ts';
import { downloadAddress, type RestoreSource } from '../../src-main/contract/index.ts';
import { handleDownload } from '../../src-main/shells/headless/download-handler.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { RestoreLab } from '../engine/restore-lab.ts';
import { makeFolder, makeSymlink, writeFile } from '../engine/volume-trees.ts';
import { readZip } from './zip-reader.ts';

const MiB = 1 << 20;

const hasUnzip = spawnSync('unzip', ['-v']).status === 0;
if (!hasUnzip) console.warn('archives are not read by unzip: it is not installed here');

let lab: RestoreLab;
let volume: Volume;
let port: number;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  lab = await RestoreLab.open();
  ({ volume } = lab);
  const { engine } = lab.server;
  const session = engine.newSession();
  port = await listen(
    createServer((request, response) => {
      void handleDownload(request, response, { engine, session });
    }),
  );
});

type Asked = Partial<RestoreSource>;

const addressOf = ({ volume: name = 'work', at = { snapshot: 'monday' }, paths = ['/docs/report.txt'], ...rest }: Asked): string => `http://127.0.0.1:${port}${downloadAddress({ volume: name, at, paths, ...rest })}`;

const get = (asked: Asked, init: RequestInit = {}): Promise<Response> => fetch(addressOf(asked), init);

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

const jobs = async (): Promise<{ state: string; kind: string; subject: string; outcome?: string | undefined }[]> => (await lab.server.client.jobs.list({})).jobs;

describe('a download of one file', () => {
  it('is the file as it is, to be stored under its name and not to be shown', async () => {
    await writeFile(volume, '/docs/Übersicht "2" 100%.html', { content: '<script>alert(1)</script>' });
    await lab.snapshot('tuesday');
    const response = await get({ at: { snapshot: 'tuesday' }, paths: ['/docs/Übersicht "2" 100%.html'] });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '25',
      'content-disposition': `attachment; filename="_bersicht _2_ 100_.html"; filename*=UTF-8''%C3%9Cbersicht%20%222%22%20100%25.html`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'accept-ranges': 'bytes',
    });
    expect(await response.text()).toBe('<script>alert(1)</script>');
    expect(await jobs()).toMatchObject([{ kind: 'download', state: 'done', outcome: 'Sent 1 file, 25 B.' }]);
    const head = await get({}, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '12', '']);
  });

  it('comes in parts, whose sum is the file, as long as it is the same one', async () => {
    const bytes = randomBytes(3 * MiB + 17);
    await writeFile(volume, '/docs/large', { content: bytes });
    const asked = { at: 'live', paths: ['/docs/large'] } as const;
    const part = async (range: string, more: Record<string, string> = {}): Promise<Response> => get({ ...asked, paths: [...asked.paths] }, { headers: { range, ...more } });
    const first = await part('bytes=0-1499999');
    expect([first.status, first.headers.get('content-range')]).toEqual([206, `bytes 0-1499999/${bytes.length}`]);
    const tag = first.headers.get('etag')!;
    const rest = await part('bytes=1500000-', { 'if-range': tag });
    expect(Buffer.concat([await bytesOf(first), await bytesOf(rest)]).equals(bytes)).toBe(true);
    expect((await bytesOf(await part('bytes=-20'))).equals(bytes.subarray(-20))).toBe(true);
    expect((await bytesOf(await part('bytes=2097150-2097153'))).equals(bytes.subarray(2_097_150, 2_097_154))).toBe(true);
    const beyond = await part(`bytes=${bytes.length}-`);
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
    for (const odd of ['bytes=5-2', 'bytes=a-b', 'items=0-1', 'bytes=0-1,5-6', 'bytes=-']) expect([odd, (await part(odd)).status]).toEqual([odd, 200]);
    expect((await get({ ...asked, paths: [...asked.paths] }, { headers: { 'if-none-match': tag } })).status).toBe(304);
    lab.server.clock.pass(5);
    await writeFile(volume, '/docs/large', { content: Buffer.concat([bytes.subarray(0, -1), Buffer.from('!')]) });
    const changed = await part('bytes=1500000-', { 'if-range': tag });
    expect([changed.status, changed.headers.get('etag') === tag]).toEqual([200, false]);
    expect((await bytesOf(changed)).length).toBe(bytes.length);
  });

  it('of no bytes is a file too', async () => {
    await writeFile(volume, '/docs/empty', {});
    const response = await get({ at: 'live', paths: ['/docs/empty'] });
    expect([response.status, response.headers.get('content-length'), (await bytesOf(response)).length]).toEqual([200, '0', 0]);
    expect((await get({ at: 'live', paths: ['/docs/empty'] }, { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  it('that cannot be is an answer with its reason', async () => {
    const refusal = async (response: Response): Promise<[number, string]> => [response.status, (await response.text()).replace(/^.*(\[.*\])\n$/s, '$1')];
    expect(await refusal(await get({ paths: ['/none'] }))).toEqual([404, '[not-found]']);
    expect(await refusal(await get({ paths: ['/docs', '/none'] }))).toEqual([404, '[not-found]']);
    expect(await refusal(await get({ at: { snapshot: 'none' } }))).toEqual([404, '[snapshot-not-found]']);
    expect(await refusal(await get({ volume: 'none' }))).toEqual([404, '[volume-not-found]']);
    expect(await refusal(await get({ peer: 'nobody' }))).toEqual([403, '[peer-unknown]']);
    for (const odd of ['/download', '/download?what=', '/download?what=%%%', '/download?what=e30', '//', '?']) {
      const response = await fetch(`http://127.0.0.1:${port}/x`.replace('/x', odd.startsWith('/') ? odd : `/${odd}`));
      expect([odd, ...(await refusal(response))]).toEqual([odd, 400, '[argument-invalid]']);
    }
    const post = await get({}, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(post.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await jobs()).toEqual([]);
  });
});

describe('a download of a folder', () => {
  async function fill(): Promise<void> {
    await makeFolder(volume, '/docs/deep');
    await makeFolder(volume, '/docs/deep/nothing');
    await writeFile(volume, '/docs/deep/large', { content: Buffer.concat([Buffer.alloc(2 * MiB, 'text '), randomBytes(2 * MiB)]), mode: 0o640, modifiedNs: 1_700_000_001_000_000_000n });
    await writeFile(volume, '/docs/deep/run.sh', { content: 'echo '.repeat(1000), mode: 0o755 });
    await writeFile(volume, '/docs/deep/empty', {});
    await writeFile(volume, '/docs/deep/ö\\..\\😀', { content: 'odd' });
    await makeSymlink(volume, '/docs/deep/link', 'run.sh');
    await lab.snapshot('tuesday');
  }

  it('is an archive with all below it, with modes, times and links', async () => {
    await fill();
    const response = await get({ at: { snapshot: 'tuesday' }, paths: ['/docs'] });
    expect([response.status, response.headers.get('content-type'), response.headers.get('content-disposition')]).toEqual([200, 'application/zip', `attachment; filename="docs.zip"; filename*=UTF-8''docs.zip`]);
    const archive = await bytesOf(response);
    const entries = readZip(archive);
    expect(entries.map(({ name }) => name)).toEqual(['docs/', 'docs/deep/', 'docs/deep/empty', 'docs/deep/large', 'docs/deep/link', 'docs/deep/nothing/', 'docs/deep/run.sh', 'docs/deep/ö%5C..%5C😀', 'docs/notes.txt', 'docs/report.txt']);
    const of = (name: string): ReturnType<typeof readZip>[number] => entries.find((entry) => entry.name === name)!;
    expect(of('docs/deep/large')).toMatchObject({ mode: 0o100640, modifiedSeconds: 1_700_000_001, sizeBytes: 4 * MiB });
    expect(of('docs/deep/run.sh')).toMatchObject({ mode: 0o100755 });
    expect([of('docs/deep/link').mode, of('docs/deep/link').content.toString()]).toEqual([0o120777, 'run.sh']);
    expect([of('docs/').mode, of('docs/deep/nothing/').sizeBytes]).toEqual([0o040750, 0]);
    expect(of('docs/report.txt').content.toString()).toBe('as on monday');
    // What begins with text is packed, and random bytes become hardly larger by that.
    expect(archive.length).toBeGreaterThan(2 * MiB);
    expect(archive.length).toBeLessThan(2.1 * MiB);
    expect(await jobs()).toMatchObject([{ kind: 'download', state: 'done', subject: 'work@tuesday:/docs', outcome: expect.stringMatching(/^Sent 7 files, 4\.0 MiB\.$/) }]);
  });

  it.skipIf(!hasUnzip)('is unpacked by unzip to what it was', async () => {
    await fill();
    const folder = mkdtempSync(join(tmpdir(), 'mp-zip-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    writeFileSync(join(folder, 'docs.zip'), await bytesOf(await get({ at: { snapshot: 'tuesday' }, paths: ['/docs'] })));
    expect(execFileSync('unzip', ['-t', join(folder, 'docs.zip')], { encoding: 'utf8' })).toContain('No errors detected');
    execFileSync('unzip', ['-q', 'docs.zip'], { cwd: folder });
    expect(readFileSync(join(folder, 'docs/report.txt'), 'utf8')).toBe('as on monday');
    const large = statSync(join(folder, 'docs/deep/large'));
    expect([large.size, large.mode & 0o777, large.mtimeMs]).toEqual([4 * MiB, 0o640, 1_700_000_001_000]);
    expect([lstatSync(join(folder, 'docs/deep/link')).isSymbolicLink(), readlinkSync(join(folder, 'docs/deep/link'))]).toEqual([true, 'run.sh']);
    expect(statSync(join(folder, 'docs/deep/nothing')).isDirectory()).toBe(true);
  });

  it('of several things has each once, under names of their own', async () => {
    await makeFolder(volume, '/other');
    await writeFile(volume, '/other/report.txt', { content: 'the other' });
    await lab.snapshot('tuesday');
    const response = await get({ at: { snapshot: 'tuesday' }, paths: ['/docs', '/docs/notes.txt', '/other/report.txt', '/docs/report.txt'] });
    expect(response.headers.get('content-disposition')).toContain('filename="work@tuesday.zip"');
    expect(readZip(await bytesOf(response)).map(({ name }) => name)).toEqual(['docs/', 'docs/notes.txt', 'docs/report.txt', 'report.txt']);
    const two = readZip(await bytesOf(await get({ at: { snapshot: 'tuesday' }, paths: ['/other/report.txt', '/docs/report.txt'] })));
    expect(two.map(({ name, content }) => [name, content.toString()])).toEqual([
      ['report.txt', 'the other'],
      ['report (2).txt', 'as on monday'],
    ]);
    const whole = readZip(await bytesOf(await get({ at: 'live', paths: ['/'] })));
    expect(whole.map(({ name }) => name)).toEqual(['docs/', 'docs/notes.txt', 'docs/report.txt', 'other/', 'other/report.txt']);
  });

  it('of the live state is as it was at one moment', async () => {
    await writeFile(volume, '/docs/large', { content: Buffer.alloc(6 * MiB, 'a') });
    const response = await get({ at: 'live', paths: ['/docs'] });
    await writeFile(volume, '/docs/large', { content: Buffer.alloc(6 * MiB, 'b') });
    await lab.server.client.cp.now({ volume: 'work' });
    const { content } = readZip(await bytesOf(response)).find(({ name }) => name === 'docs/large')!;
    expect(content.equals(Buffer.alloc(6 * MiB, 'a'))).toBe(true);
  });
});

describe('a download that does not come to its end', () => {
  /** Fails the reads of files from an offset on. */
  function failReads(at: number): void {
    const openView = volume.openView.bind(volume);
    volume.openView = async (which) => {
      const view = await openView(which);
      const readInto = view.readInto.bind(view);
      view.readInto = (ino, offset, target) => (offset >= at ? Promise.reject(new MirrorpointError('checksum-mismatch', 'A block is wrong.')) : readInto(ino, offset, target));
      return view;
    };
  }

  it.each([['/docs/large'], ['/docs']])('breaks the connection, and is no whole file or archive: %s', async (path) => {
    await writeFile(volume, '/docs/large', { content: randomBytes(4 * MiB) });
    await lab.snapshot('tuesday');
    failReads(2 * MiB);
    const got: Buffer[] = [];
    const response = await get({ at: { snapshot: 'tuesday' }, paths: [path] });
    expect(response.status).toBe(200);
    const reading = (async (): Promise<void> => {
      for await (const piece of response.body!) got.push(Buffer.from(piece));
    })();
    await expect(reading).rejects.toThrow();
    expect(Buffer.concat(got).length).toBeGreaterThan(0);
    expect(Buffer.concat(got).length).toBeLessThan(4 * MiB);
    if (path === '/docs') expect(() => readZip(Buffer.concat(got))).toThrow('no whole archive');
    await expect.poll(jobs).toMatchObject([{ kind: 'download', state: 'failed', fault: { code: 'checksum-mismatch' } }]);
  });

  it('because it is cancelled breaks the connection', async () => {
    await writeFile(volume, '/docs/large', { content: randomBytes(20 * MiB) });
    await lab.snapshot('tuesday');
    const response = await get({ at: { snapshot: 'tuesday' }, paths: ['/docs'] });
    const [job] = (await lab.server.client.jobs.list({})).jobs;
    expect(job).toMatchObject({ state: 'running', isDetached: false });
    expect(await lab.server.client.jobs.cancel({ jobId: job!.jobId })).toMatchObject({ state: 'cancelled' });
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('because nobody takes it holds back, and ends with the connection, and lets the state go', async () => {
    await writeFile(volume, '/docs/large', { content: randomBytes(30 * MiB) });
    await lab.snapshot('tuesday');
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${new URL(addressOf({ at: { snapshot: 'tuesday' }, paths: ['/docs'] })).href.slice(`http://127.0.0.1:${port}`.length)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    socket.pause();
    await expect.poll(async () => (await lab.server.client.jobs.list({})).jobs[0]?.progress.bytes ?? 0).toBeGreaterThan(0);
    let [before, after] = [-1, 0];
    // Until what lies between the two is full.
    for (; before !== after; ) {
      before = after;
      await new Promise((resolve) => setTimeout(resolve, 100));
      after = (await lab.server.client.jobs.list({})).jobs[0]!.progress.bytes;
    }
    expect(after).toBeLessThan(30 * MiB);
    socket.destroy();
    await expect.poll(jobs).toMatchObject([{ state: 'cancelled', outcome: expect.stringContaining('ended the connection') }]);
    await lab.server.client.snapshots.delete({ volume: 'work', snapshot: 'tuesday' });
    expect(volume.bases).toEqual([]);
  });

  it('leaves the connection in order for the next one when it was refused', async () => {
    const agentless = (path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        httpRequest({ port, host: '127.0.0.1', path }, (response) => {
          response.resume().on('end', () => {
            resolve(response.statusCode!);
          });
        })
          .on('error', reject)
          .end();
      });
    expect(await agentless('/download?what=x')).toBe(400);
    expect(await agentless(downloadAddress({ volume: 'work', at: 'live', paths: ['/docs'] }))).toBe(200);
  });
});
