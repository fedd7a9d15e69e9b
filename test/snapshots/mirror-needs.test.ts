import { describe, expect, it } from 'vitest';
import { type KnownNeeds, mirrorNeeds } from '../../src-main/snapshots/index.ts';

const nothing = { committedCp: 0, neededCps: [], inFlightCps: [] };

describe('what a mirror needs of the roots of its primary', () => {
  it.each<{ why: string; needs: KnownNeeds; cp: number; deletedAtCp: number; needed: boolean }>([
    { why: 'what it has is unknown', needs: 'unknown', cp: 5, deletedAtCp: 0, needed: true },
    { why: 'it is empty', needs: nothing, cp: 5, deletedAtCp: 0, needed: false },
    { why: 'it is empty, and the snapshot is deleted', needs: nothing, cp: 5, deletedAtCp: 9, needed: false },
    { why: 'it is its last CP', needs: { ...nothing, committedCp: 5 }, cp: 5, deletedAtCp: 0, needed: true },
    { why: 'it has a newer CP', needs: { ...nothing, committedCp: 6 }, cp: 5, deletedAtCp: 0, needed: false },
    { why: 'a reader is on it', needs: { ...nothing, committedCp: 8, neededCps: [3, 5] }, cp: 5, deletedAtCp: 0, needed: true },
    { why: 'it is on its way', needs: { ...nothing, committedCp: 3, inFlightCps: [5, 7] }, cp: 5, deletedAtCp: 0, needed: true },
    { why: 'others are on their way', needs: { ...nothing, committedCp: 3, inFlightCps: [6] }, cp: 5, deletedAtCp: 0, needed: false },
    { why: 'its last CP lists the snapshot', needs: { ...nothing, committedCp: 8 }, cp: 5, deletedAtCp: 9, needed: true },
    { why: 'its last CP is that of the deletion', needs: { ...nothing, committedCp: 9 }, cp: 5, deletedAtCp: 9, needed: false },
    { why: 'its last CP is after the deletion', needs: { ...nothing, committedCp: 10 }, cp: 5, deletedAtCp: 9, needed: false },
    { why: 'what is on its way lists it', needs: { ...nothing, committedCp: 0, inFlightCps: [8] }, cp: 5, deletedAtCp: 9, needed: true },
    { why: 'what is on its way does not', needs: { ...nothing, committedCp: 9, inFlightCps: [10] }, cp: 5, deletedAtCp: 9, needed: false },
  ])('CP $cp, deleted at $deletedAtCp, because $why: $needed', ({ needs, cp, deletedAtCp, needed }) => {
    expect(mirrorNeeds(needs, cp, deletedAtCp)).toBe(needed);
  });
});
