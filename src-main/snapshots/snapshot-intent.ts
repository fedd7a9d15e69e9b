import { decodeHold, encodeHold, type Hold } from './hold.ts';
import type { KeptRoot } from './kept-root.ts';

/** A change of a snapshot that is there. */
export type SnapshotEdit =
  | { kind: 'delete'; name: string }
  | { kind: 'hold'; name: string; hold: Hold }
  | { kind: 'release'; name: string; label: string };

/** Hears which CP is kept, each time that one tries. */
type HearKept = (root: { cp: number; wallMs: number }) => void;

/** A change of the snapshot table that waits for the next CP. `keep` names its root as the schedule does. */
export type SnapshotIntent = { kind: 'create'; name: string; onKept?: HearKept } | { kind: 'keep'; onKept?: HearKept } | SnapshotEdit;

/** What an edit makes of the names and holds of the kept root that it names. A hold with the label of another takes its place. */
export function edited({ names, holds }: Pick<KeptRoot, 'names' | 'holds'>, edit: SnapshotEdit): Pick<KeptRoot, 'names' | 'holds'> {
  const without = (label: string): string[] => holds.filter((text) => decodeHold(text).label !== label);
  switch (edit.kind) {
    case 'delete':
      return { names: names.filter((name) => name !== edit.name), holds };
    case 'hold':
      return { names, holds: [...without(edit.hold.label), encodeHold(edit.hold)] };
    case 'release':
      return { names, holds: without(edit.label) };
  }
}
