import { describe, expect, it } from 'vitest';
import { MirrorpointError, snapshotNameSchema } from '../../src-main/contract/index.ts';
import { rowByKey, scrollTopFor, shownRows } from '../../src-renderer/composables/window-range.ts';
import { TreeModel } from '../../src-renderer/views/snapshots/browse/tree-model.ts';
import { freeNameNow } from '../../src-renderer/views/snapshots/states/snapshot-name.ts';
import { positionOf, statesOf } from '../../src-renderer/views/snapshots/states/state-words.ts';
import { counterpartOf, sharingPeers, targetFor, type VolumeChoice } from '../../src-renderer/views/snapshots/volume-choices.ts';

function choice(volume: string, more: Partial<VolumeChoice> = {}): VolumeChoice {
  return { volume, peer: undefined, serverName: 'attic', role: 'primary', refusal: undefined, cp: 1, cpWallMs: 1, counterpart: volume, ...more };
}

describe('the volume to restore into', () => {
  it('is the other copy of what is shown, the one that was asked for, or the first that takes changes', () => {
    const own = [choice('broken', { refusal: 'It is not open.' }), choice('copy', { role: 'mirror' }), choice('one'), choice('two')];
    const shown = choice('far', { peer: 'office', counterpart: 'two' });
    expect(targetFor(shown, own)?.volume).toBe('two');
    expect(targetFor(shown, own, 'one')?.volume).toBe('one');
    expect(targetFor(shown, own, 'copy')?.volume).toBe('two');
    expect(targetFor(own[1], own)?.volume).toBe('one');
    expect(targetFor(shown, own.slice(0, 2))).toBeUndefined();
  });

  it('is known by being the only one shared, or by the proof that both are the same', () => {
    const end = (volume: string, rootChecksum?: string) => ({ volume, peerIdentity: 'x', ...(rootChecksum !== undefined && { rootChecksum }) });
    expect(counterpartOf('copy', [end('copy')], [end('work')])).toBe('work');
    expect(counterpartOf('b', [end('a', '1'), end('b', '2')], [end('y', '2'), end('x', '1')])).toBe('y');
    expect(counterpartOf('b', [end('a', '1'), end('b')], [end('y'), end('x', '1')])).toBeUndefined();
  });

  it('is looked for with trusted servers alone, each once', () => {
    const peer = { name: 'office', identity: 'i1', roles: ['mirror' as const], pairedWallMs: 1 };
    const gone = { ...peer, name: 'old', identity: 'i2', revokedWallMs: 2 };
    const ends = [{ peerIdentity: 'i1' }, { peerIdentity: 'i1' }, { peerIdentity: 'i2' }, {}];
    expect(sharingPeers(ends, [peer, gone])).toEqual([{ identity: 'i1', name: 'office' }]);
  });
});

describe('the states of a volume', () => {
  it('end with the last CP, and on a primary with what is there now', () => {
    const snapshots = [{ name: 'monday', cp: 3, wallMs: 1, holds: [] }];
    const states = statesOf(snapshots, { role: 'primary', cp: 9, cpWallMs: 2 });
    expect(states.map(({ at }) => at)).toEqual([{ snapshot: 'monday' }, 'last', 'live']);
    expect(statesOf(snapshots, { role: 'mirror', cp: 9, cpWallMs: 2 }).at(-1)?.at).toBe('last');
    expect([positionOf(states, { snapshot: 'monday' }), positionOf(states, { snapshot: 'gone' })]).toEqual([0, -1]);
  });

  it('are given names that the engine takes', () => {
    const name = freeNameNow(new Date(2026, 2, 1, 9, 5, 7));
    expect(name).toBe('2026-03-01 09.05.07');
    expect(snapshotNameSchema.safeParse(name).success).toBe(true);
  });
});

describe('the tree of folders', () => {
  const folders: Record<string, string[]> = { '/': ['a', 'b'], '/a': ['x'], '/a/x': [] };
  const ask = async (path: string, after: string | undefined) => {
    if (folders[path] === undefined) throw new MirrorpointError('not-found', `There is no ${path}.`);
    const names = folders[path].filter((name) => after === undefined || name > after);
    return { names: names.slice(0, 1), next: names.length > 1 ? names[0] : undefined };
  };
  const shown = (tree: TreeModel): string[] => tree.lines.value.map(({ name, level, isMore }) => `${level}${isMore ? '…' : ` ${name}`}`);

  it('asks for what is opened, and for the rest when that is wanted', async () => {
    const tree = new TreeModel({ root: 'work', ask });
    expect(shown(tree)).toEqual(['1 work']);
    await tree.open('/');
    expect(shown(tree)).toEqual(['1 work', '2 a', '2…']);
    await tree.more('/');
    expect(shown(tree)).toEqual(['1 work', '2 a', '2 b']);
    tree.shut('/');
    expect(shown(tree)).toEqual(['1 work']);
  });

  it('leads to a folder that is not among those known yet, and stays shut where there is none', async () => {
    const tree = new TreeModel({ root: 'work', ask });
    await tree.reveal('/b');
    expect(shown(tree)).toEqual(['1 work', '2 a', '2 b', '2…']);
    await tree.open('/b');
    expect(tree.fault.value?.code).toBe('not-found');
    expect(tree.lines.value.find(({ path }) => path === '/b')?.isOpen).toBe(false);
  });
});

describe('the window over a list', () => {
  it('has what is seen and a few beyond, whatever the length', () => {
    expect(shownRows({ scrollTop: 0, height: 300, rowHeight: 30, rowCount: 1_000_000 })).toEqual({ from: 0, to: 18 });
    expect(shownRows({ scrollTop: 30 * 500, height: 300, rowHeight: 30, rowCount: 1_000_000 })).toEqual({ from: 492, to: 518 });
    expect(shownRows({ scrollTop: 1e9, height: 300, rowHeight: 30, rowCount: 20 })).toEqual({ from: 20, to: 20 });
  });

  it('scrolls as little as needed, and is gone through by keys', () => {
    const view = { scrollTop: 300, height: 300, rowHeight: 30 };
    expect([5, 12, 19, 20].map((row) => scrollTopFor(row, view))).toEqual([150, 300, 300, 330]);
    const at = { row: 5, rowCount: 10, pageRows: 20 };
    expect(['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End', 'x'].map((key) => rowByKey(key, at))).toEqual([6, 4, 9, 0, 0, 9, undefined]);
  });
});
