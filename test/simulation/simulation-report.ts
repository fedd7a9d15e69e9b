/** What a simulation did and met. */
export interface SimulationReport {
  seed: number;
  virtualMs: number;
  events: number;
  changes: number;
  syncs: number;
  consistencyPoints: number;
  mirrorCommits: number;
  snapshots: { made: number; deleted: number; givenUp: number };
  crashes: { primary: number; mirror: number };
  stops: { primary: number; mirror: number };
  faults: FaultCounts;
  /** Blocks that were wrong and are right again. */
  heals: number;
  /** Mirrors that had nothing in common with the primary any more, and were told to follow. */
  resyncs: number;
  probes: number;
  views: number;
  quietPoints: number;
  failovers: number;
  /** Quiet points at which the other side still had what only it had when it lost the lead. */
  setAside: number;
  /** Of everything noted, and of the roots at the end: two runs that did the same have the same. */
  fingerprint: string;
  violation?: string;
  /** The last things that happened before a violation. */
  trace?: string[];
}

export interface FaultCounts {
  cuts: number;
  stalls: number;
  splits: number;
  pauses: number;
  deviceErrors: number;
  fullDevices: number;
  lostWrites: number;
  tornWrites: number;
  /** Writes of mirrors that were acknowledged and lost, done elsewhere, or done wrongly. */
  silentWrites: number;
  rottenBlocks: number;
  mirrorsLost: number;
  mirrorsLeftBehind: number;
  basesDropped: number;
  oldImages: number;
}

export function emptyReport(seed: number): SimulationReport {
  return {
    seed,
    virtualMs: 0,
    events: 0,
    changes: 0,
    syncs: 0,
    consistencyPoints: 0,
    mirrorCommits: 0,
    snapshots: { made: 0, deleted: 0, givenUp: 0 },
    crashes: { primary: 0, mirror: 0 },
    stops: { primary: 0, mirror: 0 },
    faults: {
      cuts: 0,
      stalls: 0,
      splits: 0,
      pauses: 0,
      deviceErrors: 0,
      fullDevices: 0,
      lostWrites: 0,
      tornWrites: 0,
      silentWrites: 0,
      rottenBlocks: 0,
      mirrorsLost: 0,
      mirrorsLeftBehind: 0,
      basesDropped: 0,
      oldImages: 0,
    },
    heals: 0,
    resyncs: 0,
    probes: 0,
    views: 0,
    quietPoints: 0,
    failovers: 0,
    setAside: 0,
    fingerprint: '',
  };
}
