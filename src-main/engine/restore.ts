import { formatDuration, isFault } from '../base/index.ts';
import { copiedWords, counted, type RestoreRequest, type RestoreSource, type RestoreTarget, sourceWords } from '../contract/index.ts';
import { CollisionChoices, endsCopy, type Placement, placeAsBefore, placeTogether, topPaths } from '../restore/index.ts';
import type { Engine } from './engine.ts';
import { ExportJob, type ExportTop } from './export-job.ts';
import { type ExportSource, openPeerSource, sourceOfRoot } from './export-source.ts';
import type { ImportCounts } from './import-job.ts';
import type { Job, JobEnd } from './job.ts';
import { openWay, type RestoreWay } from './restore-way.ts';
import type { EngineSession } from './session.ts';
import { measureSource } from './source-walk.ts';

/** Who wants to read, and what. */
interface SourceContext {
  readonly engine: Engine;
  readonly session: EngineSession;
}

/** Opens a state here or on a paired server, as it is. */
export async function openSource({ engine, session }: SourceContext, from: RestoreSource): Promise<ExportSource> {
  const { volume, at, peer, address } = from;
  if (peer !== undefined) return openPeerSource(await engine.peerClients.of(session, { peer, address }), { volume, at });
  return sourceOfRoot(await engine.openRoot(volume, at));
}

/** Opens a state that holds still from then on: what is live here is taken into a CP first. */
export async function openStillSource(context: SourceContext, from: RestoreSource): Promise<ExportSource> {
  if (from.peer !== undefined || from.at !== 'live') return openSource(context, from);
  const open = await context.engine.shelf.get(from.volume);
  if (open.role === 'primary') await open.volume.takeCp();
  return openSource(context, { ...from, at: 'last' });
}

export function placementsOf({ source, target }: Pick<RestoreRequest, 'source' | 'target'>): Placement[] {
  const paths = topPaths(source.paths);
  return target.kind === 'volume' && target.folder === undefined ? placeAsBefore(paths) : placeTogether(paths, 'restored');
}

interface Restored {
  readonly counts: ImportCounts;
  readonly collisions: { readonly replaced: number; readonly keptBoth: number; readonly skipped: number };
}

/**
 * Begins a restore, which goes on by itself. What it reads and where it writes
 * is opened before: when that cannot be done, nothing has begun.
 */
export async function startRestore(engine: Engine, request: RestoreRequest): Promise<string> {
  const { source: from, target: to } = request;
  await using opening = new AsyncDisposableStack();
  const session = opening.use(engine.newSession());
  const way = opening.use(await openWay(engine, to));
  const source = opening.use(await openStillSource({ engine, session }, from));
  const uses = [...(from.peer === undefined ? [from.volume] : []), ...(to.kind === 'volume' ? [to.volume] : [])];
  const about = { kind: 'restore' as const, subject: `${sourceWords(from)} to ${targetWords(to)}`, volume: uses.at(-1), uses };
  return engine.jobs.start(
    about,
    async (job) => {
      await using _opened = opening.move();
      return await way.use((one) => restoreOver(one, { source, job, request }));
    },
    (restored, end) => outcomeOf(restored, end, targetWords(to)),
  );
}

async function restoreOver<Folder, Made>(way: RestoreWay<Folder, Made>, work: { source: ExportSource; job: Job; request: RestoreRequest }): Promise<Restored> {
  const { source, job, request } = work;
  const choices = new CollisionChoices(request);
  const rules = { choiceOf: (path: string) => choices.of(path), leavesSame: true, marksMerged: false };
  const exporting = new ExportJob({ source, target: way.target, job, rules });
  const running = { isOver: false };
  let measuring = Promise.resolve();
  try {
    const tops = await openTops(way, source, { placements: placementsOf(request), job });
    measuring = tellTotal(source, tops, { exporting, isWanted: () => !running.isOver });
    const counts = await exporting.run(tops);
    await way.settle();
    return { counts, collisions: exporting.collisions };
  } finally {
    running.isOver = true;
    await measuring;
    job.remarks.push(...way.remarks);
  }
}

/** Counts beside the work how much there is; what cannot be read is the work's to report. */
async function tellTotal<Folder, Made>(
  source: ExportSource,
  tops: readonly ExportTop<Folder>[],
  work: { exporting: ExportJob<Folder, Made>; isWanted: () => boolean },
): Promise<void> {
  try {
    const total = await measureSource(source, tops, work.isWanted);
    if (total !== undefined) work.exporting.expect(total);
  } catch (fault) {
    if (!isFault(fault)) throw fault;
  }
}

/** Where each path goes. What is not there, or has no place, is reported; when that is so of all, it is the fault. */
async function openTops<Folder, Made>(
  way: RestoreWay<Folder, Made>,
  source: ExportSource,
  work: { placements: readonly Placement[]; job: Job },
): Promise<ExportTop<Folder>[]> {
  const tops: ExportTop<Folder>[] = [];
  const faults: { path: string; fault: unknown }[] = [];
  for (const placement of work.placements) {
    const { path, name } = placement;
    work.job.checkCancelled();
    try {
      const entry = await source.entryAt(path);
      tops.push({ path, entry, name, folder: await way.openFolder(placement, source) });
    } catch (fault) {
      if (endsCopy(fault)) throw fault;
      faults.push({ path, fault });
    }
  }
  if (tops.length === 0 && faults[0] !== undefined) throw faults[0].fault;
  for (const { path, fault } of faults) work.job.problem(path, fault);
  return tops;
}

function targetWords(to: RestoreTarget): string {
  if (to.kind === 'local') return to.folder;
  return to.folder === undefined ? `its place in ${to.volume}` : `${to.volume}:${to.folder}`;
}

function outcomeOf({ counts, collisions }: Restored, { durationMs, problemCount }: JobEnd, where: string): string {
  const { replaced, keptBoth, skipped } = collisions;
  const done = counts.files + counts.directories + counts.symlinks + counts.hardLinks;
  const beside = [
    ...(replaced > 0 ? [`${replaced} in the place of what was there`] : []),
    ...(keptBoth > 0 ? [`${keptBoth} beside it`] : []),
  ];
  const more = [
    ...(counts.unchanged > 0 ? [`${counted(counts.unchanged, 'entry', 'entries')} ${counts.unchanged === 1 ? 'was' : 'were'} there already, the same by size and time.`] : []),
    ...(skipped > 0 ? [`${counted(skipped, 'entry', 'entries')} ${skipped === 1 ? 'was' : 'were'} skipped.`] : []),
    ...(problemCount > 0 ? [`${counted(problemCount, 'entry', 'entries')} ${problemCount === 1 ? 'was' : 'were'} left out.`] : []),
  ];
  const first =
    done === 0 && replaced === 0
      ? 'Nothing was restored.'
      : `Restored ${copiedWords(counts)} to ${where} in ${formatDuration(durationMs)}${beside.length === 0 ? '' : `, ${beside.join(' and ')}`}.`;
  return [first, ...more].join(' ');
}
