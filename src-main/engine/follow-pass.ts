import { isFault } from '../base/index.ts';
import { unsureIdentity, type WaitingFolder } from '../following/index.ts';
import { FollowGround, type GroundParts, partsOf, splitRelative } from './follow-ground.ts';
import { notMade } from './follow-hands.ts';
import { FollowScan, type ScanTask } from './follow-scan.ts';
import { FollowSettle } from './follow-settle.ts';
import { makeFolder } from './make-folder.ts';
import { existingEntry, inodeAt } from './readable-root.ts';

/** What a pass looks at: all, or what waits. */
export type PassSubject = 'all' | readonly WaitingFolder[];

/** The folder of the volume that is to be like the followed one; a missing one is made, but not in a dry run. */
export async function openTarget(parts: Pick<GroundParts, 'volume' | 'hands' | 'root'>, path: string): Promise<number> {
  const { volume, hands, root } = parts;
  if (!hands.isDry) return makeFolder(volume, { path, parents: true, attributesOf: async () => root.stat });
  return volume.query((files) => {
    try {
      return inodeAt(files, path, { follow: true });
    } catch (fault) {
      if (isFault(fault, 'not-found')) return notMade;
      throw fault;
    }
  });
}

/**
 * Goes once over a followed folder: looks, settles what was renamed, looks into
 * what came of that, and at the end removes what went.
 */
export async function runPass(parts: GroundParts, subject: PassSubject, target: number): Promise<FollowGround> {
  const ground = new FollowGround(parts);
  const scan = new FollowScan(ground);
  const settle = new FollowSettle(ground, scan);
  if (subject === 'all') scan.waiting.push({ path: '', ino: target, stat: parts.root.stat, names: 'all', isDeep: true, isNew: target === notMade });
  else scan.waiting.push(...(await tasksOf(ground, subject, target)));
  while (scan.waiting.length > 0) {
    await scan.run();
    await settle.round();
  }
  await settle.finish();
  await ground.settle();
  return ground;
}

/** Takes for certainly taken what the record says was about to be put somewhere when the server was killed. */
export async function resolveIntended({ volume, record }: Pick<GroundParts, 'volume' | 'record'>, target: number): Promise<void> {
  for (const path of record.intended) {
    const { folder, name } = splitRelative(path);
    const found = await volume.query((files) => {
      const parent = folderBelow(target, folder, (ino, part) => existingEntry(files, ino, part));
      return parent === undefined ? undefined : existingEntry(files, parent, name);
    });
    if (found !== undefined && record.identityOf(found) === undefined) record.take({ ino: found.ino, generation: found.generation, identity: unsureIdentity });
  }
}

function folderBelow(target: number, path: string, look: (ino: number, name: string) => { ino: number; kind: string } | undefined): number | undefined {
  let ino = target;
  for (const part of partsOf(path)) {
    const found = look(ino, part);
    if (found?.kind !== 'directory') return undefined;
    ({ ino } = found);
  }
  return ino;
}

/** The folders that wait, as both sides have them. Where one side has none, the folder around it is asked for the name. */
async function tasksOf(ground: FollowGround, waiting: readonly WaitingFolder[], target: number): Promise<ScanTask[]> {
  const { volume, rules } = ground.parts;
  const wanted = new Map(waiting.map(({ folder, names }) => [folder, names === 'all' ? names : new Set(names)]));
  const tasks: ScanTask[] = [];
  // A folder comes after those in it, so that what it is asked for by them is known.
  for (const folder of [...wanted.keys()].sort((one, other) => other.length - one.length)) {
    for (let path = folder; wanted.has(path); ) {
      const names = wanted.get(path)!;
      wanted.delete(path);
      if (rules.ignores(partsOf(path), true)) break;
      const here = path;
      const ino = await volume.query((files) => folderBelow(target, here, (at, name) => existingEntry(files, at, name)));
      const stat = await ground.statOf(path);
      const isBoth = ino !== undefined && stat?.kind === 'directory';
      // Another folder may have come under the name, which is seen from the folder around it.
      if (isBoth && (path === '' || (await ground.isTakenFrom(ino, stat)))) {
        tasks.push({ path, ino, stat, names: names === 'all' ? names : [...names], isDeep: false, isNew: false });
        break;
      }
      if (path === '') break;
      const up = splitRelative(path);
      const known = wanted.get(up.folder);
      if (known === undefined) wanted.set(up.folder, new Set([up.name]));
      else if (known !== 'all') known.add(up.name);
      path = up.folder;
    }
  }
  return tasks;
}
