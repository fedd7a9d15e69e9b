import { type CollisionChoice, isFault, type JobStatus, type MirrorpointClient } from '../../../../src-main/contract/index.ts';
import { choiceFor, countChoices, type InTheWay } from '../restore/collision-rows.ts';
import { freePath } from './free-path.ts';
import { findInTheWay, type LookAt, placeIn, planSending } from './incoming-plan.ts';
import { bytesOf, type IncomingTree } from './incoming-tree.ts';
import { findTaken, type LocalItem, putOne } from './put-paths.ts';
import { FileSender, type SendWatch } from './send-files.ts';

interface Where {
  readonly api: MirrorpointClient;
  readonly lookAt: LookAt;
  readonly volume: string;
  readonly folder: string;
}

interface Answer {
  readonly all: CollisionChoice;
  readonly choices: ReadonlyMap<string, CollisionChoice>;
}

/** Something that can be brought in, once it is known what to do with what is in the way. */
export interface IncomingWork {
  readonly inTheWay: readonly InTheWay[];
  readonly total: Pick<JobStatus['progress'], 'filesTotal' | 'bytesTotal'>;
  readonly watch: SendWatch & { onProgress(progress: JobStatus['progress']): void };
  begin(answer: Answer, watch: IncomingWork['watch']): Promise<void>;
}

type Prepared = Omit<IncomingWork, 'watch'>;

/** What a browser reads, sent part by part. */
export async function workWithTree(tree: IncomingTree, where: Where): Promise<Prepared> {
  const { api, lookAt, volume, folder } = where;
  const { inTheWay, same } = await findInTheWay(tree, folder, lookAt);
  const rows = new Map(inTheWay.map((row) => [row.path, row]));
  return {
    inTheWay,
    total: { filesTotal: tree.files.length, bytesTotal: bytesOf(tree) },
    async begin({ all, choices }, watch) {
      const choiceOf = (path: string): CollisionChoice => {
        if (same.has(path)) return 'skip';
        const row = rows.get(path);
        return row === undefined ? 'keep-both' : choiceFor(row, all, choices);
      };
      const taken = inTheWay.filter(({ incoming }) => incoming.kind === 'directory');
      const renamed = new Map<string, string>();
      for (const { path, target } of taken) {
        if (choiceOf(path) === 'keep-both') renamed.set(path, (await freePath(target, true, lookAt)).slice(placeIn(folder, '').length));
      }
      const refusedFolders = new Set(taken.filter(({ path }) => choiceOf(path) === 'skip').map(({ path }) => path));
      const plan = planSending(tree, folder, { choiceOf, refusedFolders, renamed });
      for (let skipped = 0; skipped < plan.skipped; skipped++) watch.onFile('skipped');
      await new FileSender(api.files, volume, watch).send(plan);
    },
  };
}

/** What the machine has at a path, brought in by the server itself. */
export async function workWithItems(items: readonly LocalItem[], where: Where): Promise<Prepared> {
  const { api, lookAt, volume, folder } = where;
  const inTheWay = await findTaken(items, folder, lookAt);
  const rows = new Map(inTheWay.map((row) => [row.path, row]));
  return {
    inTheWay,
    total: {},
    async begin({ all, choices }, watch) {
      for (const { local, name } of items) {
        const row = rows.get(name);
        const choice = row === undefined ? 'replace' : choiceFor(row, all, choices);
        const target = placeIn(folder, name);
        if (choice === 'skip') {
          watch.onFile('skipped');
          continue;
        }
        const path = choice === 'keep-both' ? await freePath(target, row?.existing.kind === 'directory', lookAt) : target;
        await putOne(api.files.put, { volume, path, local }, {
          signal: watch.signal,
          onEvent: (event) => {
            if (event.type === 'progress') watch.onProgress(event);
            else if (event.type === 'problem') watch.onLeftOut({ path: event.path, code: event.code, message: event.message });
            else for (let file = 0; file < event.files; file++) watch.onFile('sent');
          },
        });
      }
    },
  };
}

/** Names of one moment that are tried for a snapshot. */
const snapshotNamesTriedMax = 20;

/** Keeps the volume as it is, before the first thing is replaced; resolves to what to say of that. */
export async function keepBefore(inTheWay: readonly InTheWay[], { all, choices }: Answer, { api, volume }: Pick<Where, 'api' | 'volume'>): Promise<string | undefined> {
  if (countChoices(inTheWay, all, choices).replace === 0) return undefined;
  const moment = new Date().toISOString().slice(0, 19).replaceAll(':', '.');
  for (let attempt = 1; ; attempt++) {
    const snapshot = `before-adding-${moment}Z${attempt === 1 ? '' : `-${attempt}`}`;
    try {
      await api.snapshots.create({ volume, snapshot });
      return `${volume} as it was before is the snapshot ${snapshot}.`;
    } catch (thrown) {
      if (!isFault(thrown, 'snapshot-exists') || attempt === snapshotNamesTriedMax) throw thrown;
    }
  }
}
