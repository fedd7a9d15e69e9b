import fc from 'fast-check';
import { encode } from 'uqr';
import { describe, expect, it } from 'vitest';
import { identityGroups } from '../../src-renderer/components/identity-groups.ts';
import { isAbsolutePath, pathIn, splitMachinePath } from '../../src-renderer/components/machine-paths.ts';
import { qrPath } from '../../src-renderer/components/qr-path.ts';

/** The modules that a path of rectangles covers. */
function covered(path: string): Set<string> {
  const found = new Set<string>();
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = Number(x); at < Number(x) + Number(width); at++) found.add(`${at} ${y!}`);
  }
  return found;
}

describe('a QR code', () => {
  it('is drawn with each of its dark modules, and with no other', () => {
    const { data } = encode('mirrorpoint-invitation:AZICO4nThWnHq_lTJexPKmNT2F', { ecc: 'L', border: 3 });
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x} ${y}`] : [])));
    expect(covered(qrPath(data))).toEqual(new Set(dark));
  });
});

describe('an identity', () => {
  it('is shown in groups of four digits, none left out', () => {
    const identity = '0123456789abcdef'.repeat(4);
    expect(identityGroups(identity)).toHaveLength(16);
    expect(identityGroups(identity).join('')).toBe(identity);
  });
});

describe('a path of the server’s machine', () => {
  it('is put together and taken apart in the way of that machine', () => {
    for (const [folder, name, path] of [['/srv', 'a.img', '/srv/a.img'], ['/', 'a.img', '/a.img'], ['C:\\data', 'a.img', 'C:\\data\\a.img'], ['C:\\', 'a.img', 'C:\\a.img']] as const) {
      expect(pathIn(folder, name)).toBe(path);
      expect(splitMachinePath(path)).toEqual({ folder, name });
    }
  });

  it('comes apart as it was put together, whatever the names are', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[/\\]/.test(text));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), name, (parts, last) => {
        const folder = `/${parts.join('/')}`;
        expect(splitMachinePath(pathIn(folder, last))).toEqual({ folder, name: last });
      }),
    );
  });

  it('is absolute, or names no file', () => {
    expect(['/a', 'C:/a', 'C:\\a', '\\\\server\\share'].every(isAbsolutePath)).toBe(true);
    expect(['a', './a', 'C:a', ''].some(isAbsolutePath)).toBe(false);
    expect([splitMachinePath('a/b'), splitMachinePath('/srv/')]).toEqual([undefined, undefined]);
  });
});
