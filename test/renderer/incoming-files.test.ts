import { describe, expect, it } from 'vitest';
import { type CollisionChoice, type FileAttributes, type MirrorpointClient, MirrorpointError, writeChunkBytesMax } from '../../src-main/contract/index.ts';
import { forEachAtOnce } from '../../src-renderer/views/snapshots/live/at-once.ts';
import { faultInName } from '../../src-renderer/views/snapshots/live/entry-name.ts';
import { freePath, nameBeside } from '../../src-renderer/views/snapshots/live/free-path.ts';
import { findInTheWay, planSending, type SendPlan } from '../../src-renderer/views/snapshots/live/incoming-plan.ts';
import { treeOfFiles } from '../../src-renderer/views/snapshots/live/incoming-tree.ts';
import { incomingEntriesMax } from '../../src-renderer/views/snapshots/live/limits.ts';
import { findTaken, localItem } from '../../src-renderer/views/snapshots/live/put-paths.ts';
import { FileSender, type LeftOut } from '../../src-renderer/views/snapshots/live/send-files.ts';
import { timeLeft } from '../../src-renderer/views/snapshots/live/use-time-left.ts';
import { canReplace, choiceFor, countChoices, type InTheWay, ownChoices } from '../../src-renderer/views/snapshots/restore/collision-rows.ts';

const modifiedMs = 1_700_000_000_000;

function fileOf(name: string, content: string | Uint8Array<ArrayBuffer>): File {
  return new File([content], name, { lastModified: modifiedMs });
}

function attributes(kind: FileAttributes['kind'], sizeBytes: number, atMs = modifiedMs): FileAttributes {
  const ns = BigInt(atMs) * 1_000_000n;
  return { ino: 1, kind, mode: 0o644, linkCount: 1, uid: 0, gid: 0, sizeBytes, sectors: 0, modifiedNs: ns, changedNs: ns, accessedNs: ns, createdNs: ns, generation: 1 };
}

/** A volume that takes files in part by part, as the engine does, and can lose its connection at a step. */
class TakingVolume {
  readonly files = new Map<string, Uint8Array>();
  readonly folders = new Set<string>();
  readonly writes = new Map<string, { path: string; parts: Uint8Array[] }>();
  breakAt = -1;
  line = 0;
  fullAt = Infinity;
  #steps = 0;
  #next = 0;

  #step(): void {
    if (this.#steps++ !== this.breakAt) return;
    this.writes.clear();
    this.line++;
    throw new MirrorpointError('link-closed', 'The connection broke.');
  }

  #known(writeId: string): { path: string; parts: Uint8Array[] } {
    const write = this.writes.get(writeId);
    if (write === undefined) throw new MirrorpointError('argument-invalid', 'There is no such write on this connection.');
    return write;
  }

  get client(): MirrorpointClient['files'] {
    const procedures = {
      makeDirectory: async ({ path }: { path: string }) => {
        this.#step();
        this.folders.add(path);
        return attributes('directory', 0);
      },
      beginWrite: async ({ path }: { path: string }) => {
        this.#step();
        if (path.endsWith('bad')) throw new MirrorpointError('name-invalid', 'Not this name.');
        const writeId = String(this.#next++);
        this.writes.set(writeId, { path, parts: [] });
        return { writeId, isSkipped: false };
      },
      write: async ({ writeId, content }: { writeId: string; content: Blob }) => {
        this.#step();
        if (this.files.size >= this.fullAt) throw new MirrorpointError('volume-full', 'No room.');
        this.#known(writeId).parts.push(new Uint8Array(await content.arrayBuffer()));
        return {};
      },
      endWrite: async ({ writeId }: { writeId: string }) => {
        const { path, parts } = this.#known(writeId);
        this.files.set(path, new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()));
        this.writes.delete(writeId);
        // It may break after the file has got there.
        this.#step();
        return { path, isSkipped: false };
      },
      abandonWrite: async ({ writeId }: { writeId: string }) => {
        this.writes.delete(writeId);
        return {};
      },
      stat: async ({ path }: { path: string }) => {
        const content = this.files.get(path);
        if (content === undefined) throw new MirrorpointError('not-found', 'It is not there.');
        return attributes('file', content.length);
      },
    };
    return procedures as unknown as MirrorpointClient['files'];
  }
}

function send(volume: TakingVolume, plan: SendPlan, signal = new AbortController().signal) {
  const told = { bytes: 0, sent: 0, skipped: 0, leftOut: [] as LeftOut[], reconnected: 0 };
  const sender = new FileSender(volume.client, 'work', {
    signal,
    onBytes: (bytes) => { told.bytes += bytes; },
    onFile: (result) => { told[result]++; },
    onLeftOut: (left) => { told.leftOut.push(left); },
    connected: async () => { told.reconnected++; },
    line: () => volume.line,
  });
  return { told, done: sender.send(plan) };
}

const plan = (...files: [string, File][]): SendPlan => ({ folders: ['/in'], skipped: 0, files: files.map(([path, file]) => ({ path, file, collision: 'keep-both' as const })) });

describe('files that come in from the desktop', () => {
  const long = new Uint8Array(writeChunkBytesMax * 2 + 5).map((_, index) => index % 251);

  it('are sent in parts, and stand there whole', async () => {
    const volume = new TakingVolume();
    const { told, done } = send(volume, plan(['/in/long', fileOf('long', long)], ['/in/empty', fileOf('empty', '')]));
    await done;
    expect(volume.files.get('/in/long')).toEqual(long);
    expect(volume.files.get('/in/empty')).toEqual(new Uint8Array());
    expect([told.bytes, told.sent, [...volume.folders]]).toEqual([long.length, 2, ['/in']]);
  });

  it('get there once, wherever the connection breaks', async () => {
    for (let breakAt = 0; breakAt < 8; breakAt++) {
      const volume = new TakingVolume();
      volume.breakAt = breakAt;
      const { told, done } = send(volume, plan(['/in/long', fileOf('long', long)], ['/in/short', fileOf('short', 'short')]));
      await done;
      expect([...volume.files.keys()].sort(), `broken at step ${breakAt}`).toEqual(['/in/long', '/in/short']);
      expect(volume.files.get('/in/long')).toEqual(long);
      expect([told.sent, told.leftOut, volume.writes.size]).toEqual([2, [], 0]);
    }
  });

  it('that cannot be taken are left out, and the others come in; a full volume ends it', async () => {
    const volume = new TakingVolume();
    const { told, done } = send(volume, plan(['/in/bad', fileOf('bad', 'x')], ['/in/good', fileOf('good', 'good')]));
    await done;
    expect([told.leftOut.map(({ path, code }) => [path, code]), [...volume.files.keys()]]).toEqual([[['/in/bad', 'name-invalid']], ['/in/good']]);
    volume.fullAt = 0;
    await expect(send(volume, plan(['/in/more', fileOf('more', 'more')])).done).rejects.toMatchObject({ code: 'volume-full' });
    expect(volume.writes.size).toBe(0);
  });

  it('leave no half file when they are cancelled', async () => {
    const volume = new TakingVolume();
    const controller = new AbortController();
    const { told, done } = send(volume, plan(['/in/long', fileOf('long', long)]), controller.signal);
    controller.abort();
    await expect(done).rejects.toMatchObject({ code: 'cancelled' });
    expect([volume.files.size, volume.writes.size, told.bytes]).toEqual([0, 0, 0]);
  });
});

describe('what is in the way of files that come in', () => {
  const tree = {
    folders: ['a', 'a/new', 'taken', 'taken/inside'],
    files: ['a/one', 'a/same', 'a/new/two', 'taken/inside/three', 'four'].map((path) => ({ path, file: fileOf(path, 'text') })),
  };
  const there = new Map([
    ['/to/a', attributes('directory', 0)],
    ['/to/a/one', attributes('file', 9)],
    ['/to/a/same', attributes('file', 4)],
    ['/to/taken', attributes('file', 1)],
  ]);
  const looked: string[] = [];
  const lookAt = async (path: string): Promise<FileAttributes | undefined> => {
    looked.push(path);
    return there.get(path);
  };

  it('is found without a look below what is not there', async () => {
    const { inTheWay, same } = await findInTheWay(tree, '/to', lookAt);
    expect(inTheWay.map(({ path }) => path)).toEqual(['a/one', 'taken']);
    expect([...same]).toEqual(['a/same']);
    expect(looked.sort()).toEqual(['/to/a', '/to/a/new', '/to/a/one', '/to/a/same', '/to/four', '/to/taken']);
  });

  it('decides what is sent, and where to', () => {
    const choices: Record<string, CollisionChoice> = { 'a/one': 'replace', 'a/same': 'skip' };
    const sent = planSending(tree, '/to', {
      choiceOf: (path) => choices[path] ?? 'keep-both',
      refusedFolders: new Set(),
      renamed: new Map([['taken', 'taken (2)']]),
    });
    expect(sent.folders).toEqual(['/to/a', '/to/a/new', '/to/taken (2)', '/to/taken (2)/inside']);
    expect(sent.files.map(({ path, collision }) => [path, collision])).toEqual([
      ['/to/a/one', 'replace'],
      ['/to/a/new/two', 'keep-both'],
      ['/to/taken (2)/inside/three', 'keep-both'],
      ['/to/four', 'keep-both'],
    ]);
    const refused = planSending(tree, '/to', { choiceOf: () => 'keep-both', refusedFolders: new Set(['taken']), renamed: new Map() });
    expect([refused.folders, refused.skipped]).toEqual([['/to/a', '/to/a/new'], 1]);
  });

  it('is never replaced where a folder would be lost', () => {
    const folder: InTheWay = { path: 'd', target: '/to/d', incoming: attributes('file', 1), existing: attributes('directory', 0) };
    const file: InTheWay = { path: 'f', target: '/to/f', incoming: attributes('file', 1), existing: attributes('file', 2) };
    const choices = new Map<string, CollisionChoice>([['f', 'skip']]);
    expect([canReplace(folder), canReplace(file), choiceFor(folder, 'replace', choices)]).toEqual([false, true, 'keep-both']);
    expect(countChoices([folder, file], 'replace', choices)).toEqual({ 'keep-both': 1, replace: 0, skip: 1 });
    expect([...ownChoices([folder, file], 'replace', choices)]).toEqual([['d', 'keep-both'], ['f', 'skip']]);
  });
});

describe('names of what comes in', () => {
  it('are found beside those that are taken', async () => {
    expect(nameBeside('report.docx', { attempt: 1, isFolder: false })).toBe('report (2).docx');
    expect(nameBeside('v1.2', { attempt: 2, isFolder: true })).toBe('v1.2 (3)');
    expect(nameBeside('.profile', { attempt: 1, isFolder: false })).toBe('.profile (2)');
    const taken = new Set(['/a/x (2)', '/a/x (3)']);
    expect(await freePath('/a/x', true, async (path) => (taken.has(path) ? attributes('file', 0) : undefined))).toBe('/a/x (4)');
    await expect(freePath('/a/x', true, async () => attributes('file', 0))).rejects.toMatchObject({ code: 'exists' });
  });

  it('are the last parts of paths, whichever way the machine writes them', async () => {
    expect([localItem('/home/ada/notes/').name, localItem('C:\\Users\\ada\\notes').name]).toEqual(['notes', 'notes']);
    const found = await findTaken([localItem('/x/a'), localItem('/x/b')], '/to', async (path) => (path === '/to/b' ? attributes('directory', 0) : undefined));
    expect(found.map(({ path, target, isMerge }) => [path, target, isMerge])).toEqual([['b', '/to/b', true]]);
  });

  it('are refused where they are typed', () => {
    expect(['a', 'ü b', '...'].map(faultInName)).toEqual([undefined, undefined, undefined]);
    for (const name of ['.', '..', 'a/b', 'a\0', '\ud800', 'ü'.repeat(128)]) expect(faultInName(name), name).toBeTypeOf('string');
  });

  it('of too many at once are refused as a whole', () => {
    const many = Array.from({ length: incomingEntriesMax + 1 }, () => fileOf('x', ''));
    expect(() => treeOfFiles(many)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });
});

describe('work at once', () => {
  it('is bounded, and ends with the first fault when what is under way has ended', async () => {
    let [running, most, done] = [0, 0, 0];
    const work = async (item: number): Promise<void> => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      done++;
      if (item === 5) throw new MirrorpointError('not-found', 'five');
    };
    await expect(forEachAtOnce([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 3, work)).rejects.toMatchObject({ code: 'not-found' });
    expect([most, running, done < 13]).toEqual([3, 0, true]);
  });

  it('tells its end by its pace, once that is known', () => {
    expect(timeLeft({ doneBytes: 100, leftBytes: 300, goneMs: 4000 })).toBe(12_000);
    expect(timeLeft({ doneBytes: 100, leftBytes: 300, goneMs: 100 })).toBeUndefined();
    expect(timeLeft({ doneBytes: 0, leftBytes: 300, goneMs: 9000 })).toBeUndefined();
  });
});
