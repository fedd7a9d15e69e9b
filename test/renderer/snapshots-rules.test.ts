import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileVersion, RootChoice } from '../../src-main/contract/index.ts';
import { type EntryRow, sortedRows } from '../../src-renderer/views/snapshots/browse/entry-row.ts';
import { crumbsOf, isWithin, parentOf } from '../../src-renderer/views/snapshots/browse/path-crumbs.ts';
import { allPicked, emptySelection, picked } from '../../src-renderer/views/snapshots/browse/selection.ts';
import { joinedVersions, statesInWords } from '../../src-renderer/views/snapshots/beside/version-words.ts';
import { differenceRow } from '../../src-renderer/views/snapshots/find/difference-row.ts';
import { formatPlaceQuery, parsePlaceQuery, type ScreenPlace } from '../../src-renderer/views/snapshots/place-query.ts';
import { isOntoItself, selectionInWords, sourcesOf } from '../../src-renderer/views/snapshots/restore/taken-items.ts';

function row(path: string, at: RootChoice = 'last', more: Partial<EntryRow> = {}): EntryRow {
  return { path, name: path.slice(path.lastIndexOf('/') + 1), kind: 'file', sizeBytes: 10, modifiedMs: 0, at, ...more };
}

describe('the address of the screen', () => {
  it('brings back every place', () => {
    const at = fc.oneof(
      fc.constantFrom<RootChoice>('live', 'last'),
      fc.record({ cp: fc.integer({ min: 1, max: 1e9 }) }),
      fc.constantFrom<RootChoice>({ snapshot: 'monday' }, { snapshot: 'a b & c=ü' }),
    );
    const path = fc.array(fc.constantFrom('a', 'b c', 'ü&=?#', '%2e'), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
    const places = fc.record<ScreenPlace>({
      volume: optional(fc.constant('work')),
      peer: optional(fc.constant('the office')),
      at,
      path,
      finding: fc.constantFrom('files', 'search', 'differences'),
      beside: fc.constantFrom('target', 'versions', 'preview'),
      item: path,
      itemAt: at,
      target: optional(fc.constant('other')),
      folder: optional(path),
      text: fc.constantFrom('', 'tower'),
      isOverAll: fc.boolean(),
      than: optional(at),
    });
    fc.assert(
      fc.property(places, (place) => {
        expect(parsePlaceQuery(formatPlaceQuery(place) as Record<string, string>)).toEqual(place);
      }),
    );
  });

  it('that means nothing is the beginning', () => {
    const place = parsePlaceQuery({ path: '/a/../../etc', at: 'cp=0', find: 'everything', item: '/x/./y' });
    expect(place).toMatchObject({ path: '/', at: 'last', finding: 'files', item: undefined });
  });
});

describe('a selection', () => {
  const rows = ['a', 'b', 'c', 'd'].map((name) => row(`/${name}`));
  const access = { rowAt: (index: number) => rows[index], keyOf: ({ path }: EntryRow) => path, max: 3 };
  const names = (selection: { rows: ReadonlyMap<string, EntryRow> } | undefined): string[] => [...(selection?.rows.keys() ?? [])];

  it('is one row, a range from it, or rows picked one by one', () => {
    const one = picked(emptySelection<EntryRow>(), { index: 1, how: 'only', ...access })!;
    expect(names(one)).toEqual(['/b']);
    const range = picked(one, { index: 3, how: 'range', ...access })!;
    expect(names(range)).toEqual(['/b', '/c', '/d']);
    expect(names(picked(range, { index: 0, how: 'range', ...access }))).toEqual(['/a', '/b']);
    expect(names(picked(range, { index: 2, how: 'toggle', ...access }))).toEqual(['/b', '/d']);
  });

  it('is refused when it is more than can be taken', () => {
    const one = picked(emptySelection<EntryRow>(), { index: 0, how: 'only', ...access })!;
    expect(picked(one, { index: 3, how: 'range', ...access })).toBeUndefined();
    expect(allPicked(4, access)).toBeUndefined();
    expect(names(allPicked(3, access))).toEqual(['/a', '/b', '/c']);
  });
});

describe('rows', () => {
  it('are sorted with folders first, and numbers in names by what they count', () => {
    const mixed = [row('/b10'), row('/b9', 'last', { sizeBytes: 20 }), row('/z', 'last', { kind: 'directory' }), row('/A')];
    const order = (column: 'name' | 'size', isDescending: boolean): string[] => sortedRows(mixed, { column, isDescending }).map(({ name }) => name);
    expect(order('name', false)).toEqual(['z', 'A', 'b9', 'b10']);
    expect(order('name', true)).toEqual(['z', 'b10', 'b9', 'A']);
    expect(order('size', true)).toEqual(['z', 'b9', 'A', 'b10']);
  });

  it('lead back to the root, a deep path by its last folders', () => {
    expect(crumbsOf('/', 'work').map(({ name }) => name)).toEqual(['work']);
    const deep = crumbsOf('/a/b/c/d/e/f', 'work');
    expect(deep.map(({ name, isShort }) => (isShort ? '…' : name))).toEqual(['work', '…', 'd', 'e', 'f']);
    expect(deep[1]?.path).toBe('/a/b/c');
    expect([parentOf('/a'), parentOf('/a/b'), parentOf('/')]).toEqual(['/', '/a', '/']);
    expect([isWithin('/ab', '/a'), isWithin('/a/b', '/a'), isWithin('/x', '/')]).toEqual([false, true, true]);
  });
});

describe('what was taken up', () => {
  it('is asked for state by state, without what lies in another item', () => {
    const rows = [row('/a/b', 'live'), row('/a', 'live', { kind: 'directory' }), row('/ab', 'live'), row('/a', { snapshot: 'monday' })];
    expect(sourcesOf({ volume: 'copy', peer: 'office', rows })).toEqual([
      { volume: 'copy', peer: 'office', at: 'live', paths: ['/a', '/ab'] },
      { volume: 'copy', peer: 'office', at: { snapshot: 'monday' }, paths: ['/a'] },
    ]);
    expect(selectionInWords(rows.slice(0, 2))).toBe('1 folder and 1 file (10 B) selected');
  });

  it('is not put onto itself', () => {
    const live = { volume: 'work', peer: undefined, rows: [row('/a', 'live', { kind: 'directory' })] };
    expect(isOntoItself(live, { volume: 'work', folder: '/' })).toBe(true);
    expect(isOntoItself(live, { volume: 'work', folder: '/a/b' })).toBe(true);
    expect(isOntoItself(live, { volume: 'work', folder: '/c' })).toBe(false);
    expect(isOntoItself({ ...live, peer: 'office' }, { volume: 'work', folder: '/' })).toBe(false);
    expect(isOntoItself({ ...live, rows: [row('/a', 'last')] }, { volume: 'work', folder: '/' })).toBe(false);
  });
});

describe('versions and differences', () => {
  const mark = (name: string, cp: number) => ({ at: { snapshot: name }, cp, wallMs: 0 });

  it('of two answers are joined where a run of states goes over both', () => {
    const first: FileVersion = { newest: mark('d', 4), oldest: mark('c', 3), stateCount: 2 };
    const more: FileVersion = { newest: mark('b', 2), oldest: mark('a', 1), stateCount: 2, isContinued: true };
    expect(joinedVersions([first], [more])).toEqual([{ newest: mark('d', 4), oldest: mark('a', 1), stateCount: 4 }]);
    expect(joinedVersions([first], [{ ...more, isContinued: false }])).toHaveLength(2);
    expect(statesInWords(first)).toBe('c to d, 2 states');
  });

  it('are restored from the state that had it', () => {
    const states = { older: { snapshot: 'monday' }, newer: 'live' } as const;
    expect(differenceRow({ what: 'renamed', path: '/new', from: '/old' }, states)).toMatchObject({ path: '/old', at: states.older, shown: '/old → /new' });
    expect(differenceRow({ what: 'removed', path: '/gone' }, states)).toMatchObject({ path: '/gone', at: states.older });
    expect(differenceRow({ what: 'added', path: '/fresh' }, states)).toMatchObject({ path: '/fresh', at: 'live' });
  });
});
