import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mainFloors, rendererFloors } from '../../resources/lint/floors.ts';
import { projectFolder } from './planted-project.ts';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as Manifest;

function filesBelow(side: string): readonly string[] {
  return readdirSync(join(projectFolder, side), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(projectFolder.length + 1).split(sep).join('/'));
}

function roomsOf(side: string): readonly string[] {
  return readdirSync(join(projectFolder, side), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

describe('the layout', () => {
  it.each([
    ['src-main', mainFloors],
    ['src-renderer', rendererFloors],
  ])('has only rooms in %s that stand on a floor', (side, floors) => {
    expect(roomsOf(side).filter((room) => !(room in floors))).toEqual([]);
  });

  it.each(['src-main', 'src-renderer'])('opens every room of %s with a header', (side) => {
    const headless = roomsOf(side).filter((room) => {
      const index = join(projectFolder, side, room, 'index.ts');
      // The shells are entered by whoever starts them, not by a file.
      if (room === 'shells' && !existsSync(index)) return false;
      return !existsSync(index) || !readFileSync(index, 'utf8').startsWith('/**');
    });
    expect(headless).toEqual([]);
  });

  it('names files in kebab-case, components in PascalCase, and none a lumber room', () => {
    const files = [...filesBelow('src-main'), ...filesBelow('src-renderer'), ...filesBelow('resources/lint')];
    const misnamed = files.filter((file) => {
      const name = file.split('/').at(-1)!;
      if (/(^|[-/])(utils?|helpers?|managers?|misc)([-./]|$)/.test(file)) return true;
      if (name.endsWith('.vue')) return !/^([A-Z][a-z0-9]*)+\.vue$/.test(name);
      return /\.(ts|js)$/.test(name) && !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.(ts|js)$/.test(name);
    });
    expect(misnamed).toEqual([]);
  });
});

describe('the toolchain', () => {
  it('pins every dependency exactly', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const loose = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('keeps every @orpc package at one version', () => {
    const versions = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith('@orpc/'));
    expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
  });

  it('has the scripts that the documents name', () => {
    expect(Object.keys(manifest.scripts)).toEqual(
      expect.arrayContaining(['start', 'demo', 'test', 'build', 'lint', 'typecheck', 'sim', 'bench', 'mirrorpoint']),
    );
  });

  it('names no place to fetch packages from in the lockfile', () => {
    expect(readFileSync(join(projectFolder, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "http/);
  });
});
