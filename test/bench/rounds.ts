import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { applyChanges, type ChangeSet, type DataSet, FolderTarget } from './data-set.ts';
import { MirroredPair, type PairStep } from './mirrored-pair.ts';
import { Btrfs, copyToExt4, type CopyingPeer, missing, type PeerPlace, type PeerStep, Rsync } from './peers.ts';

/** Changes that each round takes to the copies, one after another. */
const incrementalsPerRound = 2;

/** Everything measured, one value for each time. A peer that is missing has none. */
export interface Samples {
  readonly import: PairStep[];
  readonly cp: number[];
  readonly baseline: PairStep[];
  readonly incremental: PairStep[];
  readonly rsync: { readonly baseline: PeerStep[]; readonly incremental: PeerStep[] };
  readonly btrfs: { readonly baseline: PeerStep[]; readonly incremental: PeerStep[] };
  memoryPeakBytes: { primary: number; mirror: number };
}

export interface RoundsOptions {
  readonly data: DataSet;
  readonly work: string;
  /** Of each volume and each peer's image. */
  readonly sizeBytes: number;
  /** How often everything is done. */
  readonly roundCount: number;
  readonly nodeArguments: readonly string[];
  /** Without them, only our own figures. */
  readonly withPeers: boolean;
  /** Ends the run between two steps, so that everything is taken down in order. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Runs every step of ours and of the peers in turn, several times over. */
export async function measureRounds(options: RoundsOptions): Promise<Samples> {
  const { data, say, work, roundCount } = options;
  const samples: Samples = {
    import: [],
    cp: [],
    baseline: [],
    incremental: [],
    rsync: { baseline: [], incremental: [] },
    btrfs: { baseline: [], incremental: [] },
    memoryPeakBytes: { primary: 0, mirror: 0 },
  };
  const folder = join(work, 'data');
  say(`making ${data.fileCount} files`);
  data.make(folder);
  for (let round = 1; round <= roundCount; round++) {
    say(`round ${round} of ${roundCount}`);
    await measureRound({ ...options, folder, samples });
  }
  return samples;
}

async function measureRound(options: RoundsOptions & { folder: string; samples: Samples }): Promise<void> {
  const { data, work, sizeBytes, folder, samples, say, signal } = options;
  // Lets what was written before reach the disk, so that it is not counted with what comes next.
  const quietly = async <T>(step: () => Promise<T>): Promise<T> => {
    await run('sync', '-f', work);
    signal.throwIfAborted();
    return step();
  };
  const show = (what: string, seconds: number): void => {
    say(`  ${what}: ${seconds.toFixed(2)} s`);
  };
  const own = async (what: 'import' | 'baseline' | 'incremental', step: () => Promise<PairStep>): Promise<void> => {
    const taken = await quietly(step);
    samples[what].push(taken);
    say(`  ${what}: ${taken.seconds.toFixed(2)} s, processor ${taken.processorSeconds.toFixed(2)} s`);
  };
  const place: PeerPlace = { data: folder, work: join(work, 'peers'), sizeBytes };
  mkdirSync(place.work, { recursive: true });
  if (options.withPeers && missing.cp === undefined) {
    samples.cp.push(await quietly(() => copyToExt4(place)));
    show('cp', samples.cp.at(-1)!);
  }
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await MirroredPair.open(options));
  await own('import', () => pair.import(folder));
  await own('baseline', () => pair.baseline());
  const peers = options.withPeers ? await openPeers(stack, place, samples) : [];
  for (const { name, peer, baseline } of peers) {
    baseline.push(await quietly(() => peer.baseline()));
    show(`${name} baseline`, baseline.at(-1)!.seconds);
  }
  for (let count = 0; count < incrementalsPerRound; count++) {
    const changes: ChangeSet = data.nextChanges();
    await applyChanges(changes, new FolderTarget(folder));
    await own('incremental', () => pair.incremental(changes));
    for (const { name, peer, incremental } of peers) {
      incremental.push(await quietly(() => peer.incremental(changes)));
      show(`${name} incremental`, incremental.at(-1)!.seconds);
    }
  }
  const problems = await pair.check();
  if (problems.length > 0) throw new Error(`The mirror is damaged: ${problems.join('; ')}`);
  const peaks = await pair.memoryPeakBytes();
  samples.memoryPeakBytes = {
    primary: Math.max(samples.memoryPeakBytes.primary, peaks.primary),
    mirror: Math.max(samples.memoryPeakBytes.mirror, peaks.mirror),
  };
}

interface NamedPeer {
  readonly name: string;
  readonly peer: CopyingPeer;
  readonly baseline: PeerStep[];
  readonly incremental: PeerStep[];
}

async function openPeers(stack: AsyncDisposableStack, place: PeerPlace, samples: Samples): Promise<NamedPeer[]> {
  const peers: NamedPeer[] = [];
  if (missing.rsync === undefined) peers.push({ name: 'rsync', peer: stack.use(new Rsync(place)), ...samples.rsync });
  if (missing.btrfs === undefined) peers.push({ name: 'btrfs', peer: stack.use(await Btrfs.make(place)), ...samples.btrfs });
  return peers;
}
