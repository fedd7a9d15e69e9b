import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import { ignoreLines, IgnoreRules } from '../../src-main/following/index.ts';
import { testSeed as seed } from '../seed.ts';

/** Paths with a slash at the end are folders. */
function ignores(lines: readonly string[], path: string): boolean {
  const isFolder = path.endsWith('/');
  return new IgnoreRules(lines).ignores(path.replace(/\/$/, '').split('/'), isFolder);
}

describe('what a follow ignores', () => {
  it.each([
    [['*.tmp'], 'a/b/c.tmp', true],
    [['*.tmp'], 'a.tmp/b', true],
    [['/a'], 'b/a', false],
    [['a/b'], 'c/a/b', false],
    [['**/a/b'], 'c/a/b', true],
    [['a/**'], 'a/', false],
    [['a/**'], 'a/b/c', true],
    [['a/**/b'], 'a/b', true],
    [['a/**/b'], 'a/x/y/b', true],
    [['build/'], 'x/build', false],
    [['build/'], 'x/build/', true],
    [['build/'], 'x/build/y', true],
    [['*', '!keep'], 'keep', false],
    [['dir/', '!dir/keep'], 'dir/keep', true],
    [['dir/*', '!dir/keep'], 'dir/keep', false],
    [['# note', '\\#a'], '#a', true],
    [['\\!a'], '!a', true],
    [['a  '], 'a', true],
    [['a\\ '], 'a ', true],
    [['a?c'], 'a/c', false],
    [['[a-c]x'], 'bx', true],
    [['[!a-c]x'], 'bx', false],
    [['[[:digit:]]'], '7', true],
    [['x[]y]'], 'x]', true],
    [['a\\'], 'a', false],
    [['[a'], '[a', false],
    [['ü?'], 'üñ', true],
  ])('by %j: %s is ignored: %s', (lines, path, isIgnored) => {
    expect(ignores(lines, path)).toBe(isIgnored);
  });

  it('reads a file with any line ends', () => {
    expect(ignoreLines('\ufeffa\r\nb\n')).toEqual(['a', 'b', '']);
  });

  it('refuses too many lines and too long ones', () => {
    for (const lines of [Array.from({ length: 1001 }, () => 'a'), ['a'.repeat(1025)]]) {
      expect(() => new IgnoreRules(lines)).toThrow(expect.toSatisfy((fault: unknown) => isFault(fault, 'argument-invalid')));
    }
  });

  it('takes no longer for a pattern that was made to take long', () => {
    const rules = new IgnoreRules([`${'*a'.repeat(500)}b`, `${'**/*a/'.repeat(100)}b`]);
    expect(rules.ignores(Array.from({ length: 40 }, () => 'a'.repeat(255)), false)).toBe(false);
  });

  it.skipIf(spawnSync('git', ['--version']).status !== 0)('agrees with git on random rules and paths', () => {
    const random = new SeededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
    const folder = mkdtempSync(join(tmpdir(), 'mp-ignore-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    execFileSync('git', ['init', '-q', folder]);
    const parts = ['a', 'b', 'ab', '*', '**', '?', 'a*', '*b', '[ab]', '[!a]', '[^b]', 'a?', '\\a', 'c', '[[:alpha:]]', '[a-b]c', '**b'];
    // Only these are folders, on every level.
    const folders = ['a', 'b', 'ab'];
    const names = [...folders, 'c', 'abc', 'ac', 'x'];
    for (const first of folders) for (const second of folders) for (const third of folders) mkdirSync(join(folder, first, second, third), { recursive: true });
    for (let round = 0; round < 30; round++) {
      const lines = Array.from({ length: 1 + random.below(4) }, () => {
        const pattern = Array.from({ length: 1 + random.below(3) }, () => pick(parts)).join('/');
        return `${pick(['', '', '', '!'])}${pick(['', '', '/'])}${pattern}${pick(['', '', '/'])}`;
      });
      writeFileSync(join(folder, '.gitignore'), `${lines.join('\n')}\n`);
      const paths = Array.from({ length: 60 }, () => [...Array.from({ length: random.below(3) }, () => pick(folders)), pick(names)].join('/'));
      const told = spawnSync('git', ['-C', folder, 'check-ignore', '--no-index', '--stdin'], { input: paths.join('\n'), encoding: 'utf8' }).stdout;
      const byGit = new Set(told.split('\n'));
      const rules = new IgnoreRules(lines);
      const ours = paths.filter((path) => rules.ignores(path.split('/'), folders.includes(path.split('/').at(-1)!)));
      expect({ seed, lines, ignored: ours }).toEqual({ seed, lines, ignored: paths.filter((path) => byGit.has(path)) });
    }
  });
});
