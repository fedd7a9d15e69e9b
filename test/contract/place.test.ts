import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { checkVolumePath, childPath, formatPlace, parsePlace, type Place, pathParts, splitPath } from '../../src-main/contract/index.ts';

const nameArb = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const pathArb = fc
  .array(fc.string({ minLength: 1, maxLength: 12 }).filter((part) => !/[/\0]/.test(part) && part !== '.' && part !== '..'))
  .map((parts) => `/${parts.join('/')}`);

function codeOf(task: () => unknown): string {
  try {
    task();
    return 'none';
  } catch (thrown) {
    return isFault(thrown) ? thrown.code : 'uncoded';
  }
}

describe('a place in a volume', () => {
  it('is read from its text as it was written, for every root', () => {
    const snapshotArb = nameArb.filter((name) => name !== 'live' && name !== 'last');
    const atArb = fc.oneof(
      fc.constant('live' as const),
      fc.constant('last' as const),
      fc.integer({ min: 1, max: 2 ** 40 }).map((cp) => ({ cp })),
      snapshotArb.map((snapshot) => ({ snapshot })),
    );
    fc.assert(
      fc.property(nameArb, atArb, pathArb, (volume, at, path) => {
        const place: Place = { volume, at, path };
        expect(parsePlace(formatPlace(place))).toEqual(place);
      }),
      { seed: 20261123, verbose: true },
    );
  });

  it('never has a path that leads out, however it is written', () => {
    for (const path of ['..', '/..', '/a/../b', 'a/..', './a', '/a/./b', '//../x', 'a\0b', '/..//']) {
      expect([path, codeOf(() => checkVolumePath(path))]).toEqual([path, 'path-escapes']);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        const code = codeOf(() => checkVolumePath(text));
        if (code !== 'none') return;
        const parts = pathParts(checkVolumePath(text));
        expect(parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))).toBe(false);
      }),
      { seed: 20261123, verbose: true },
    );
  });

  it('is the same with slashes too many', () => {
    expect(checkVolumePath('//a///b/')).toBe('/a/b');
    expect(checkVolumePath('')).toBe('/');
    expect(parsePlace('work:')).toEqual({ volume: 'work', at: 'live', path: '/' });
  });

  it('is refused when its volume, snapshot or CP cannot be one', () => {
    for (const text of ['work', ':/x', '-x:/', 'a/b:/', 'work@:/', 'work@cp=0:/', 'work@cp=x:/', 'work@a@b:/', `${'x'.repeat(64)}:/`]) {
      expect([text, codeOf(() => parsePlace(text))]).toEqual([text, 'argument-invalid']);
    }
  });

  it('takes paths apart and puts them together', () => {
    expect(splitPath('/')).toBeUndefined();
    expect(splitPath('/a')).toEqual({ folder: '/', name: 'a' });
    expect(splitPath('/a/b')).toEqual({ folder: '/a', name: 'b' });
    expect(childPath('/', 'a')).toBe('/a');
    expect(childPath('/a', 'b')).toBe('/a/b');
  });
});
