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

/** What a place looks like after the restore, by the rules for people. */
function expected(path: string, snapshot: SeenTree, live: SeenTree, choice: CollisionChoice): Seen {
  const [then, now] = [snapshot.get(path), live.get(path)];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const above = path.slice(0, at);
    // Where a folder and something else are in the way of each other, all below stays as it is.
    if (live.has(above) && snapshot.has(above) && isFolder(live.get(above)) !== isFolder(snapshot.get(above))) return now;
  }
  if (then === undefined || now === undefined) return now ?? then;
  if (isFolder(then) || isFolder(now)) return now;
  const isSame = then.kind === now.kind && then.sizeBytes === now.sizeBytes && then.modifiedNs === now.modifiedNs;
  if (choice !== 'replace') return now;
  return isSame ? { ...now, mode: then.mode, uid: then.uid, gid: then.gid } : then;
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
      { numRuns: 25 },
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
      { numRuns: 40 },
    );
  });
});
