import { formatBytes, type RootChoice, splitPath, type StateDifference } from '../../../../src-main/contract/index.ts';
import { type EntryRow, modifiedMsOf } from '../browse/entry-row.ts';

/** A difference between two states, as a row that can be restored: from the older state, or from the newer one where only that has it. */
export interface DifferenceRow extends EntryRow {
  readonly what: StateDifference['what'];
  /** What is shown of the path: both, where it was renamed. */
  readonly shown: string;
  readonly sizes: string;
  /** The same in the other state, where that has it. */
  readonly other: { readonly at: RootChoice; readonly path: string } | undefined;
}

/** What the differences are called, and the sign that stands with each. */
export const differenceWords: Readonly<Record<StateDifference['what'], { readonly word: string; readonly sign: string }>> = {
  added: { word: 'Added', sign: '+' },
  changed: { word: 'Changed', sign: '~' },
  removed: { word: 'Removed', sign: '−' },
  renamed: { word: 'Renamed', sign: '→' },
};

function sizesOf({ before, after }: StateDifference): string {
  const size = (attributes: StateDifference['before']): string => (attributes === undefined || attributes.kind === 'directory' ? '' : formatBytes(attributes.sizeBytes));
  const [one, other] = [size(before), size(after)];
  if (one === '' || other === '' || one === other) return other === '' ? one : other;
  return `${one} → ${other}`;
}

export function differenceRow(difference: StateDifference, states: { older: RootChoice; newer: RootChoice }): DifferenceRow {
  const { what, path, from, before, after } = difference;
  const isOnlyNewer = what === 'added';
  const attributes = (isOnlyNewer ? after : before) ?? after ?? before;
  const ownPath = isOnlyNewer ? path : (from ?? path);
  return {
    what,
    path: ownPath,
    name: splitPath(ownPath)?.name ?? '/',
    kind: attributes?.kind ?? 'file',
    sizeBytes: attributes?.sizeBytes ?? 0,
    modifiedMs: attributes === undefined ? 0 : modifiedMsOf(attributes),
    at: isOnlyNewer ? states.newer : states.older,
    shown: from === undefined ? path : `${from} → ${path}`,
    sizes: sizesOf(difference),
    other: what === 'changed' || what === 'renamed' ? { at: states.newer, path } : undefined,
  };
}
