import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchRun, quietly } from './bench-run.ts';
import { applyChanges, type ChangeSet, DataSet, FolderTarget } from './data-set.ts';
import { type FigureName, type Figures } from './figures.ts';
import { measureCpLimit, measureImportLimit } from './limit.ts';
import { MirroredPair, type PairStep } from './mirrored-pair.ts';
import { Btrfs, copyToExt4, type CopyingPeer, missing, type PeerPlace, type PeerStep, Rsync } from './peers.ts';
import { median } from './stopwatch.ts';

const seed = 2026;
const gib = 2 ** 30;

/** Changes that each round takes to the copies, one after another; a small run needs one. */
const incrementalsPerRound = 2;

const ownSteps = ['import', 'baseline', 'incremental', 'resync'] as const;
type OwnStep = (typeof ownSteps)[number];

/** Everything measured, one value for each time. A peer that is missing has none. */
interface Samples {
  readonly ours: Readonly<Record<OwnStep, PairStep[]>>;
  /** In use on the primary when the two were compared. */
  readonly usedBytes: number[];
  readonly memoryPeakBytes: { primary: number; mirror: number }[];
  readonly cp: number[];
  /** What the machine alone needs for an import. */
  readonly importLimit: number[];
  /** What the devices alone need for the CP of an incremental. */
  readonly cpLimit: number[];
  readonly rsync: { readonly baseline: PeerStep[]; readonly incremental: PeerStep[]; readonly compare: PeerStep[] };
  readonly btrfs: { readonly baseline: PeerStep[]; readonly incremental: PeerStep[] };
}

/** What the figures do not say of the same work. */
export interface RoundsDetails {
  /** Of both servers together. */
  readonly processorSeconds: Readonly<Partial<Record<OwnStep, number>>>;
  /** Bytes that the primary sent. */
  readonly wireBytes: Readonly<Partial<Record<OwnStep, number>>>;
  readonly memoryPeakBytes: { readonly primary: number; readonly mirror: number };
}

const stepsOfFigures: Partial<Record<FigureName, OwnStep>> = {
  import_vs_cp: 'import',
  import_vs_limit: 'import',
  baseline_vs_btrfs: 'baseline',
  baseline_vs_rsync: 'baseline',
  incremental_vs_btrfs: 'incremental',
  incremental_vs_rsync: 'incremental',
  incremental_vs_limit: 'incremental',
  wire_vs_btrfs: 'incremental',
  resync_bytes: 'resync',
  compare_vs_rsync: 'resync',
};

interface Round extends BenchRun {
  readonly data: DataSet;
  readonly folder: string;
  readonly totalBytes: number;
  readonly sizeBytes: number;
  readonly samples: Samples;
  readonly steps: ReadonlySet<OwnStep>;
  readonly wanted: ReadonlySet<FigureName>;
}

/** Runs the steps of ours and of the peers on the whole data set in turn, several times over. */
export async function measureRounds(bench: BenchRun, wanted: ReadonlySet<FigureName>): Promise<{ figures: Figures; rounds: RoundsDetails }> {
  const { work, share, rounds, say } = bench;
  const data = new DataSet({ seed, share });
  const samples: Samples = {
    ours: { import: [], baseline: [], incremental: [], resync: [] },
    usedBytes: [],
    memoryPeakBytes: [],
    cp: [],
    importLimit: [],
    cpLimit: [],
    rsync: { baseline: [], incremental: [], compare: [] },
    btrfs: { baseline: [], incremental: [] },
  };
  const steps = new Set([...wanted].map((name) => stepsOfFigures[name]).filter((step) => step !== undefined));
  const folder = join(work, 'data');
  say(`making ${data.fileCount} files`);
  const totalBytes = data.make(folder);
  const sizeBytes = Math.max(2 * gib, (8 * gib) / share);
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    await measureRound({ ...bench, data, folder, totalBytes, sizeBytes, samples, steps, wanted });
  }
  return { figures: figuresOf(samples), rounds: detailsOf(samples) };
}

async function measureRound(round: Round): Promise<void> {
  const { data, work, folder, samples, steps, say } = round;
  const own = async (what: OwnStep, step: () => Promise<PairStep>): Promise<void> => {
    const taken = await quietly(round, step);
    samples.ours[what].push(taken);
    say(`  ${what}: ${taken.seconds.toFixed(2)} s, processor ${taken.processorSeconds.toFixed(2)} s`);
  };
  const theirs = async (what: string, taken: PeerStep[], step: () => Promise<PeerStep>): Promise<void> => {
    taken.push(await quietly(round, step));
    say(`  ${what}: ${taken.at(-1)!.seconds.toFixed(2)} s`);
  };
  const place: PeerPlace = { data: folder, work: join(work, 'peers'), sizeBytes: round.sizeBytes };
  mkdirSync(place.work, { recursive: true });
  if (round.withPeers && missing.cp === undefined && steps.has('import')) {
    samples.cp.push(await quietly(round, () => copyToExt4(place)));
    say(`  cp: ${samples.cp.at(-1)!.toFixed(2)} s`);
  }
  if (round.wanted.has('import_vs_limit')) {
    samples.importLimit.push(await quietly(round, () => measureImportLimit(round, round)));
    say(`  an import's bytes alone: ${samples.importLimit.at(-1)!.toFixed(2)} s`);
  }
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await MirroredPair.open(round));
  await own('import', () => pair.import(folder, data.probe));
  if (steps.has('baseline')) await own('baseline', () => pair.baseline(data.probe));
  const { rsync, peers } = await openPeers(stack, place, round);
  for (const { name, peer, baseline } of peers) await theirs(`${name} baseline`, baseline, () => peer.baseline());
  for (let count = 0; steps.has('incremental') && count < (round.share === 1 ? incrementalsPerRound : 1); count++) {
    const changes: ChangeSet = data.nextChanges();
    await applyChanges(changes, new FolderTarget(folder));
    await own('incremental', () => pair.incremental(changes));
    const { bytes } = (await pair.primary.call('cps')).at(-1)!;
    samples.cpLimit.push(await quietly(round, () => measureCpLimit(work, bytes)));
    say(`  its ${bytes} bytes alone: ${samples.cpLimit.at(-1)!.toFixed(2)} s`);
    for (const { name, peer, incremental } of peers) await theirs(`${name} incremental`, incremental, () => peer.incremental(changes));
  }
  if (steps.has('resync')) {
    const changes: ChangeSet = data.nextChanges();
    await applyChanges(changes, new FolderTarget(folder));
    await own('resync', () => pair.resync(changes));
    samples.usedBytes.push(await pair.primary.call('usedBytes'));
    if (rsync !== undefined) await theirs('rsync compare', samples.rsync.compare, () => rsync.compare());
  }
  const problems = await pair.check();
  if (problems.length > 0) throw new Error(`The mirror is damaged: ${problems.join('; ')}`);
  samples.memoryPeakBytes.push(await pair.memoryPeakBytes());
}

interface NamedPeer {
  readonly name: string;
  readonly peer: CopyingPeer;
  readonly baseline: PeerStep[];
  readonly incremental: PeerStep[];
}

/** Those that have something to do in the wanted steps. */
async function openPeers(
  stack: AsyncDisposableStack,
  place: PeerPlace,
  { samples, steps, withPeers }: Round,
): Promise<{ peers: NamedPeer[]; rsync: Rsync | undefined }> {
  const peers: NamedPeer[] = [];
  const isCopying = withPeers && (steps.has('baseline') || steps.has('incremental'));
  let rsync: Rsync | undefined;
  if (missing.rsync === undefined && withPeers && (isCopying || steps.has('resync'))) {
    rsync = stack.use(new Rsync(place));
    peers.push({ name: 'rsync', peer: rsync, ...samples.rsync });
  }
  if (missing.btrfs === undefined && isCopying) peers.push({ name: 'btrfs', peer: stack.use(await Btrfs.make(place)), ...samples.btrfs });
  return { peers, rsync };
}

const seconds = ({ seconds: value }: { readonly seconds: number }): number => value;
const wire = ({ wireBytes }: { readonly wireBytes: number }): number => wireBytes;

function figuresOf({ ours, usedBytes, cp, importLimit, cpLimit, rsync, btrfs }: Samples): Figures {
  const beside = (taken: readonly number[], why: string | undefined): readonly number[] | string => (taken.length > 0 ? taken : (why ?? 'left out'));
  const [baseline, incremental] = [ours.baseline.map(seconds), ours.incremental.map(seconds)];
  return {
    incremental_vs_btrfs: { ours: incremental, peer: beside(btrfs.incremental.map(seconds), missing.btrfs) },
    incremental_vs_rsync: { ours: incremental, peer: beside(rsync.incremental.map(seconds), missing.rsync) },
    incremental_vs_limit: { ours: incremental, peer: cpLimit },
    wire_vs_btrfs: { ours: ours.incremental.map(wire), peer: beside(btrfs.incremental.map(wire), missing.btrfs) },
    baseline_vs_btrfs: { ours: baseline, peer: beside(btrfs.baseline.map(seconds), missing.btrfs) },
    baseline_vs_rsync: { ours: baseline, peer: beside(rsync.baseline.map(seconds), missing.rsync) },
    import_vs_cp: { ours: ours.import.map(seconds), peer: beside(cp, missing.cp) },
    import_vs_limit: { ours: ours.import.map(seconds), peer: beside(importLimit, undefined) },
    resync_bytes: { ours: ours.resync.map(({ wireBytes, answeredBytes }) => wireBytes + answeredBytes), peer: usedBytes },
    compare_vs_rsync: { ours: ours.resync.map(seconds), peer: beside(rsync.compare.map(seconds), missing.rsync) },
  };
}

function detailsOf({ ours, memoryPeakBytes }: Samples): RoundsDetails {
  const middles = (value: (step: PairStep) => number): Partial<Record<OwnStep, number>> =>
    Object.fromEntries(ownSteps.filter((step) => ours[step].length > 0).map((step) => [step, median(ours[step].map(value))]));
  return {
    processorSeconds: middles(({ processorSeconds }) => processorSeconds),
    wireBytes: middles(wire),
    memoryPeakBytes: {
      primary: Math.max(...memoryPeakBytes.map(({ primary }) => primary)),
      mirror: Math.max(...memoryPeakBytes.map(({ mirror }) => mirror)),
    },
  };
}
