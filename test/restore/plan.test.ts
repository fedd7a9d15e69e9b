import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MirrorpointError } from '../../src-main/base/index.ts';
import { CollisionChoices, endsCopy, isCollision, nameBeside, placeAsBefore, placeTogether, planEntry, type PlannedEntry, type PlanRules, topPaths } from '../../src-main/restore/index.ts';

const file: PlannedEntry = { kind: 'file', mode: 0o644, uid: 0, gid: 0, sizeBytes: 5, modifiedNs: 1_000_000n };
const folder: PlannedEntry = { ...file, kind: 'directory' };
const link: PlannedEntry = { ...file, kind: 'symlink' };
const newer: PlannedEntry = { ...file, modifiedNs: 2_000_000n };
const rules = (choice: PlanRules['choice'], more: Partial<PlanRules> = {}): PlanRules => ({ choice, leavesSame: true, timeGrainNs: 1n, ...more });

describe('the plan for an entry', () => {
  it('where nothing is there makes it, whatever was chosen', () => {
    for (const choice of ['keep-both', 'replace', 'skip', 'refuse'] as const) expect(planEntry(file, undefined, rules(choice))).toEqual({ do: 'create' });
  });

  it('merges folders', () => {
    for (const choice of ['keep-both', 'replace', 'skip', 'refuse'] as const) expect(planEntry(folder, folder, rules(choice))).toEqual({ do: 'enter' });
    expect(isCollision(folder, folder, 1n)).toBe(false);
  });

  it('does with another file what was chosen', () => {
    expect(planEntry(file, newer, rules('keep-both'))).toEqual({ do: 'keep-both' });
    expect(planEntry(file, newer, rules('replace'))).toEqual({ do: 'replace' });
    expect(planEntry(file, newer, rules('skip'))).toEqual({ do: 'leave', why: 'skipped' });
    expect(planEntry(file, newer, rules('refuse'))).toMatchObject({ do: 'refuse', code: 'exists' });
    expect(planEntry(link, newer, rules('replace'))).toEqual({ do: 'replace' });
    expect(isCollision(file, newer, 1n)).toBe(true);
  });

  it('leaves alone what is the same, and replaces no more than mode and owner of it', () => {
    for (const choice of ['keep-both', 'replace', 'skip'] as const) expect(planEntry(file, { ...file }, rules(choice))).toEqual({ do: 'leave', why: 'same' });
    expect(planEntry(file, { ...file, mode: 0o600 }, rules('replace'))).toEqual({ do: 'update' });
    expect(planEntry(file, { ...file, mode: 0o600 }, rules('skip'))).toEqual({ do: 'leave', why: 'same' });
    expect(planEntry(file, { ...file }, rules('replace', { leavesSame: false }))).toEqual({ do: 'replace' });
    expect(isCollision(file, { ...file, sizeBytes: 6 }, 1n)).toBe(true);
    expect(isCollision(file, { ...link }, 1n)).toBe(true);
  });

  it('compares times as exactly as the target keeps them', () => {
    const rounded = { ...file, modifiedNs: file.modifiedNs + 999n };
    expect(planEntry(file, rounded, rules('replace', { timeGrainNs: 1000n }))).toEqual({ do: 'leave', why: 'same' });
    expect(planEntry(file, rounded, rules('replace'))).toEqual({ do: 'replace' });
  });

  it('never has a folder and something else take the place of each other', () => {
    expect(planEntry(folder, file, rules('replace'))).toMatchObject({ do: 'refuse', code: 'not-a-directory' });
    expect(planEntry(file, folder, rules('replace'))).toMatchObject({ do: 'refuse', code: 'is-a-directory' });
    expect(planEntry(folder, file, rules('keep-both'))).toEqual({ do: 'keep-both' });
    expect(planEntry(file, folder, rules('keep-both'))).toEqual({ do: 'keep-both' });
    expect(planEntry(file, folder, rules('skip'))).toEqual({ do: 'leave', why: 'skipped' });
  });
});

describe('choices', () => {
  it('hold for their path and all below it, the nearest first', () => {
    const choices = new CollisionChoices({
      collisions: 'skip',
      choices: [
        { path: '/a', choice: 'replace' },
        { path: '/a/b/c', choice: 'keep-both' },
      ],
    });
    expect(['/', '/x', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/ab'].map((path) => choices.of(path))).toEqual(['skip', 'skip', 'replace', 'replace', 'keep-both', 'keep-both', 'skip']);
  });

  it('of the root hold for everything', () => {
    expect(new CollisionChoices({ collisions: 'skip', choices: [{ path: '/', choice: 'replace' }] }).of('/x/y')).toBe('replace');
  });
});

describe('a name beside one that is taken', () => {
  const restored = (name: string, attempt: number, isFolder = false): string => nameBeside(name, { attempt, isFolder, kind: 'restored' });

  it('says that it was restored, counts, and keeps its extension', () => {
    expect([1, 2, 3].map((attempt) => restored('report.docx', attempt))).toEqual(['report (restored).docx', 'report (restored 2).docx', 'report (restored 3).docx']);
    expect(restored('archive.tar.gz', 1)).toBe('archive (restored).tar.gz');
    expect(restored('.bashrc', 1)).toBe('.bashrc (restored)');
    expect(restored('Mr. Smith', 1)).toBe('Mr. Smith (restored)');
    expect(restored('v1.2', 1, true)).toBe('v1.2 (restored)');
    expect(restored('report (restored).docx', 2)).toBe('report (restored 2).docx');
    expect(nameBeside('report.docx', { attempt: 1, isFolder: false, kind: 'numbered' })).toBe('report (2).docx');
  });

  it('is a name, for any name and attempt, and none twice', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }).map((text) => {
      let short = text.replaceAll(/[/\0]/g, '_');
      while (Buffer.byteLength(short) > 255) short = short.slice(0, -1);
      return short;
    });
    fc.assert(
      fc.property(name, fc.boolean(), (taken, isFolder) => {
        fc.pre(taken.isWellFormed() && taken !== '');
        const found = Array.from({ length: 20 }, (_, index) => restored(taken, index + 1, isFolder));
        for (const one of found) expect([Buffer.byteLength(one) <= 255, one.isWellFormed(), one.includes('/'), one === taken && !one.includes('(restored')]).toEqual([true, true, false, false]);
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });
});

describe('placements', () => {
  it('have each path once, and none below another', () => {
    expect(topPaths(['/a/b', '/a', '/a/b/c', '/ab', '/a'])).toEqual(['/a', '/ab']);
    expect(topPaths(['/x', '/'])).toEqual(['/']);
  });

  it('in one folder do not come to lie on each other', () => {
    const placed = placeTogether(['/a/x.txt', '/b/x.txt', '/c/x.txt', '/d/x (restored).txt', '/'], 'restored');
    expect(placed.map(({ name }) => name)).toEqual(['x.txt', 'x (restored 2).txt', 'x (restored 3).txt', 'x (restored).txt', undefined]);
  });

  it('lead back to where things were', () => {
    expect(placeAsBefore(['/a/b/c', '/d', '/'])).toEqual([
      { path: '/a/b/c', name: 'c', folder: '/a/b' },
      { path: '/d', name: 'd', folder: '/' },
      { path: '/', name: undefined, folder: '/' },
    ]);
  });
});

describe('a copy', () => {
  it('ends with the fault of a whole side, and goes on after that of one entry', () => {
    for (const code of ['volume-full', 'device-full', 'link-closed', 'link-timeout', 'volume-read-only', 'cancelled'] as const) expect(endsCopy(new MirrorpointError(code, ''))).toBe(true);
    for (const code of ['checksum-mismatch', 'name-invalid', 'exists', 'not-found', 'file-too-large'] as const) expect(endsCopy(new MirrorpointError(code, ''))).toBe(false);
    expect(endsCopy(new TypeError('mine'))).toBe(true);
  });
});
