import { describe, expect, it } from 'vitest';
import {
  hasLostDevice,
  identityOf,
  isMountGone,
  isProof,
  isUnsettled,
  lookAt,
  type Looked,
  planMoves,
  restLeftMs,
  retryDelayMs,
  type SourceStat,
  WaitingChanges,
  waitingNamesMax,
  waitingNamesOfFolderMax,
} from '../../src-main/following/index.ts';

const stat: SourceStat = { kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 3, modifiedNs: 7n, linkCount: 1, identity: '1:5', bornNs: 9n };
const root: SourceStat = { ...stat, kind: 'directory', identity: '1:2' };
const source = { ...stat, id: ':5:9' };
const folder = { ...stat, kind: 'directory' as const, id: ':5:9' };

describe('what a name needs', () => {
  const cases: [string, Partial<Looked>, string][] = [
    ['nothing on both sides', { source: undefined, existing: undefined }, 'nothing'],
    ['a name that came', {}, 'take'],
    ['a name that went', { source: undefined, existing: { ...stat, known: ':5:9' } }, 'gone'],
    ['a name of others', { source: undefined, existing: { ...stat, known: undefined } }, 'foreign'],
    ['the same file', { existing: { ...stat, known: ':5:9' } }, 'nothing'],
    ['the same file of which nothing is remembered', { existing: { ...stat, known: undefined } }, 'adopt'],
    ['the same file that was put there when the server was killed', { existing: { ...stat, known: '?' } }, 'adopt'],
    ['another mode', { existing: { ...stat, mode: 0o600, known: ':5:9' } }, 'update'],
    ['another size', { existing: { ...stat, sizeBytes: 4, known: ':5:9' } }, 'take'],
    ['another time', { existing: { ...stat, modifiedNs: 8n, known: ':5:9' } }, 'take'],
    ['the same size and time after a read in one tick', { existing: { ...stat, known: ':5:9' }, isForced: true }, 'take'],
    ['another file of the same size and time', { existing: { ...stat, known: ':6:9' } }, 'settle'],
    ['a file that is elsewhere in the volume', { isElsewhere: true }, 'settle'],
    ['a further name', { source: { ...source, linkCount: 2 } }, 'settle'],
    ['a pipe', { source: { ...source, kind: 'other' } }, 'refuse'],
    ['a folder on both sides', { source: folder, existing: { ...folder, known: ':5:9' } }, 'enter'],
    ['a folder of others', { source: folder, existing: { ...folder, known: undefined } }, 'enter'],
    ['a file where others have a folder', { existing: { ...folder, known: undefined } }, 'refuse'],
    ['a folder where others have a file', { source: folder, existing: { ...stat, known: undefined } }, 'refuse'],
    ['a symbolic link where others have a file', { source: { ...source, kind: 'symlink' }, existing: { ...stat, known: undefined } }, 'take'],
  ];
  it.each(cases)('%s', (_words, looked, wanted) => {
    expect(lookAt({ source, existing: undefined, isElsewhere: false, isForced: false, ...looked }).do).toBe(wanted);
  });
});

describe('the identity of a source', () => {
  it('is the same when the followed folder is found on a device of another number', () => {
    expect(identityOf({ ...stat, identity: '77:5' }, { ...root, identity: '77:2' })).toBe(identityOf(stat, root));
    expect(identityOf({ ...stat, identity: '77:5' }, root)).toBe('77:5:9');
  });

  it('proves nothing of a file whose birth is not known', () => {
    expect([isProof(':5:9', 'file'), isProof(':5:0', 'file'), isProof(':5:0', 'directory')]).toEqual([true, false, true]);
  });

  it('tells a folder whose drive is gone from an empty one', () => {
    expect([hasLostDevice('8:2:1', ':44:1'), hasLostDevice(':44:1', ':44:1')]).toEqual([true, false]);
    expect(isMountGone('8:2:1', { id: ':44:1', isEmpty: true })).toBe(true);
    expect(isMountGone('8:2:1', { id: ':44:1', isEmpty: false })).toBe(false);
    expect(isMountGone(undefined, { id: ':44:1', isEmpty: true })).toBe(false);
  });
});

describe('the rest of a file', () => {
  const nowMs = 1_000_000;
  const at = (ms: number): SourceStat => ({ ...stat, modifiedNs: BigInt(ms) * 1_000_000n });
  it.each([
    [nowMs - 5000, 0, 0],
    [nowMs - 500, 0, 1500],
    [nowMs, 0, 2000],
    // Not even one that never rests is read in the tick in which it was changed.
    [nowMs, 40_000, 50],
    [nowMs - 60, 40_000, 0],
    // A clock that is ahead says nothing.
    [nowMs + 5000, 0, 0],
  ])('changed at %d and waited for %d ms: %d ms', (modifiedMs, waitedMs, leftMs) => {
    expect(restLeftMs(at(modifiedMs), { wallMs: nowMs, waitedMs })).toBe(leftMs);
  });

  it('is not asked of links, and retries are further and further apart', () => {
    expect(restLeftMs({ ...at(nowMs), kind: 'symlink' }, { wallMs: nowMs, waitedMs: 0 })).toBe(0);
    expect([isUnsettled(at(nowMs - 100), nowMs), isUnsettled(at(nowMs - 9000), nowMs)]).toEqual([true, false]);
    expect([0, 1, 3, 9, 1000].map(retryDelayMs)).toEqual([1000, 2000, 8000, 60_000, 60_000]);
  });
});

describe('the two ends of renames', () => {
  const at = (parent: number, name: string): { parent: number; name: string } => ({ parent, name });

  it('are found by inode, and what stands in the way of one and moves as well goes aside', () => {
    const departures = [{ ino: 10, at: at(1, 'a') }, { ino: 11, at: at(1, 'b') }, { ino: 12, at: at(2, 'c') }];
    const arrivals = [{ wanted: 10, to: at(1, 'b') }, { wanted: 11, to: at(1, 'a') }, { wanted: 99, to: at(2, 'd') }];
    const plan = planMoves(departures, arrivals);
    expect(plan.moves.map(({ departure, arrival }) => [departure.ino, departure.at.name, arrival.to.name])).toEqual([[10, 'a', 'b'], [11, 'b', 'a']]);
    expect(plan.aside.map(({ ino }) => ino)).toEqual([10, 11]);
    expect(plan.arrivalsLeft).toEqual([arrivals[2]]);
  });

  it('are one each, where one file had several names', () => {
    const plan = planMoves([{ ino: 10, at: at(1, 'a') }], [{ wanted: 10, to: at(1, 'x') }, { wanted: 10, to: at(1, 'y') }]);
    expect([plan.moves.length, plan.arrivalsLeft.length, plan.aside.length]).toEqual([1, 1, 0]);
  });
});

describe('what waits', () => {
  it('is counted once, and handed over with folders before those in them', () => {
    const waiting = new WaitingChanges();
    waiting.note('a/b', 'x');
    waiting.note('a', 'y');
    waiting.note('a', 'y');
    waiting.note('c', undefined);
    waiting.note('c', 'z');
    expect(waiting.count).toBe(3);
    expect(waiting.take()).toEqual({ isLost: false, folders: [{ folder: 'a', names: ['y'] }, { folder: 'a/b', names: ['x'] }, { folder: 'c', names: 'all' }] });
    expect([waiting.count, waiting.take().folders]).toEqual([0, []]);
  });

  it('becomes a whole folder, and then a full compare, when it is much', () => {
    const waiting = new WaitingChanges();
    for (let name = 0; name <= waitingNamesOfFolderMax; name++) waiting.note('large', String(name));
    expect([waiting.count, waiting.isLost]).toEqual([1, false]);
    for (let name = 0; name <= waitingNamesMax; name++) waiting.note(String(name), 'x');
    expect([waiting.isLost, waiting.count]).toEqual([true, 0]);
    expect(waiting.take()).toEqual({ isLost: true, folders: [] });
    expect(waiting.isLost).toBe(false);
  });
});
