import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CollisionChoice } from '../../src-main/contract/index.ts';
import { drive, type Step, steps } from '../files/drive.ts';
import { PosixModel } from '../files/posix-model.ts';
import { RestoreLab } from './restore-lab.ts';
import { makeFolder, seeTree, type SeenTree } from './volume-trees.ts';

/** Changes the volume at random. Every change has a time of its own. */
async function change(lab: RestoreLab, model: PosixModel, all: readonly Step[]): Promise<void> {
  const { volume, server } = lab;
  await drive(
    {
      blockSizeBytes: 4096,
      change: (costBlocks, operation) => volume.change(costBlocks, operation),
      sync: () => volume.sync(),
      setTime: () => {
        server.clock.pass(1);
      },
    },
    model,
    all,
  );
}

/** An empty volume, whose root is the model's. */
async function emptyLab(): Promise<RestoreLab> {
  const lab = await RestoreLab.open();
  await lab.server.createVolume('other');
  return lab.on('other');
}

type Seen = Record<string, unknown> | undefined;

const isFolder = (entry: Seen): boolean => entry?.kind === 'directory';

/** Whether the two count as the same, by which what is there stays and only its mode and owner are set. */
const isSame = (then: Seen, now: Seen): boolean => then !== undefined && now !== undefined && !isFolder(now) && then.kind === now.kind && then.sizeBytes === now.sizeBytes && then.modifiedNs === now.modifiedNs;

/** What stays where it is. Mode and owner are the file's, whichever of its names they were put back for. */
function staying(path: string, snapshot: SeenTree, live: SeenTree, choice: CollisionChoice): Seen {
  const now = live.get(path);
  if (choice !== 'replace' || now === undefined) return now;
  const first = now.sameAs ?? path;
  const names = [...live].filter(([name, entry]) => (entry.sameAs ?? name) === first);
  const back = names.map(([name, entry]) => isSame(snapshot.get(name), entry) && snapshot.get(name)).find(Boolean);
  return back ? { ...now, mode: back.mode, uid: back.uid, gid: back.gid } : now;
}

/** What a place looks like after the restore, by the rules for people. */
function expected(path: string, snapshot: SeenTree, live: SeenTree, choice: CollisionChoice): Seen {
  const [then, now] = [snapshot.get(path), live.get(path)];
  const left = staying(path, snapshot, live, choice);
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const above = path.slice(0, at);
    // Where a folder and something else are in the way of each other, all below stays as it is.
    if (live.has(above) && snapshot.has(above) && isFolder(live.get(above)) !== isFolder(snapshot.get(above))) return left;
  }
  if (then === undefined || now === undefined) return left ?? then;
  if (isFolder(then) || isFolder(now)) return now;
  return choice !== 'replace' || isSame(then, now) ? left : then;
}

/** Without what follows from other entries: times of folders, and which names are one file. */
const plain = (entry: Seen): Seen => entry && { ...entry, sameAs: undefined, ...(isFolder(entry) && { modifiedNs: undefined, sizeBytes: undefined }) };

describe('a restore of random trees', () => {
  it('into an empty folder is the tree, with everything that it had', async () => {
    await fc.assert(
      fc.asyncProperty(steps(60), steps(30), async (first, second) => {
        const lab = await emptyLab();
        const model = new PosixModel();
        await change(lab, model, first);
        await lab.snapshot('then');
        await change(lab, model, second);
        await using view = await lab.volume.openView({ snapshot: 'then' });
        const snapshot = await seeTree(view);
        await makeFolder(lab.volume, '/restored of it');
        const job = await lab.restore({ at: { snapshot: 'then' }, paths: ['/'], target: { kind: 'volume', volume: 'other', folder: '/restored of it' } });
        expect(job).toMatchObject({ state: 'done', problemCount: 0 });
        expect(await seeTree(lab.volume, '/restored of it')).toEqual(snapshot);
        await lab.volume.takeCp();
        expect((await lab.volume.check()).problems).toEqual([]);
        await lab.server.stop();
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it('back to where it was is what the rules say, place by place', async () => {
    await fc.assert(
      fc.asyncProperty(steps(60), steps(30), fc.constantFrom<CollisionChoice>('replace', 'skip', 'keep-both'), async (first, second, collisions) => {
        const lab = await emptyLab();
        const model = new PosixModel();
        await change(lab, model, first);
        await lab.snapshot('then');
        await change(lab, model, second);
        await using view = await lab.volume.openView({ snapshot: 'then' });
        const [snapshot, live] = [await seeTree(view), await seeTree(lab.volume)];
        const job = await lab.restore({ at: { snapshot: 'then' }, paths: ['/'], collisions });
        expect(job.state).toBe('done');
        const after = await seeTree(lab.volume);
        for (const path of new Set([...snapshot.keys(), ...live.keys()])) {
          expect(plain(after.get(path)), `${path} by ${collisions}`).toEqual(plain(expected(path, snapshot, live, collisions)));
        }
        const more = [...after.keys()].filter((path) => !snapshot.has(path) && !live.has(path));
        expect(more.every((path) => collisions === 'keep-both' && path.includes('(restored'))).toBe(true);
        await lab.volume.takeCp();
        expect((await lab.volume.check()).problems).toEqual([]);
        await lab.server.stop();
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
