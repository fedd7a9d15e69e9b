/** What a simulation did and met. */
export interface SimulationReport {
  seed: number;
  virtualMs: number;
  events: number;
  changes: number;
  syncs: number;
  consistencyPoints: number;
  mirrorCommits: number;
  crashes: { primary: number; mirror: number };
  stops: { primary: number; mirror: number };
  faults: { cuts: number; stalls: number; pauses: number; deviceErrors: number; lostWrites: number; tornWrites: number };
  probes: number;
  views: number;
  quietPoints: number;
  failovers: number;
  /** Quiet points at which the other side still had what only it had when it lost the lead. */
  setAside: number;
  violation?: string;
  /** The last things that happened before a violation. */
  trace?: string[];
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
    crashes: { primary: 0, mirror: 0 },
    stops: { primary: 0, mirror: 0 },
    faults: { cuts: 0, stalls: 0, pauses: 0, deviceErrors: 0, lostWrites: 0, tornWrites: 0 },
    probes: 0,
    views: 0,
    quietPoints: 0,
    failovers: 0,
    setAside: 0,
  };
}
