import { expect } from 'vitest';
import { changeBlocks, rootDirectoryInode } from '../../src-main/files/index.ts';
import { exploreDifferences, type FoundDifference, type StateName, type StateSource, StepWork } from '../../src-main/explore/index.ts';
import type { StateChoice } from '../../src-main/explore/states.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { modelDifferences } from './difference-model.ts';
import type { Listing } from './random-history.ts';

const plain = { mode: 0o755, uid: 0, gid: 0 };

/** Changes files of a volume by their paths. */
export class Hand {
  readonly volume: Volume;

  constructor(volume: Volume) {
    this.volume = volume;
  }

  ino(path: string): Promise<number> {
    return this.volume.query((files) => files.resolvePath(path, { followLast: false }));
  }

  async folder(path: string): Promise<void> {
    const { parent, name } = await this.#place(path);
    await this.volume.change(changeBlocks.create, (files) => files.makeDirectory(parent, name, plain));
  }

  async file(path: string, text = path): Promise<void> {
    const { parent, name } = await this.#place(path);
    await this.volume.change(changeBlocks.create, (files) => files.createFile(parent, name, { ...plain, mode: 0o644 }));
    await this.write(path, text);
  }

  async write(path: string, text: string): Promise<void> {
    const [ino, bytes] = [await this.ino(path), new TextEncoder().encode(text)];
    await this.volume.change(changeBlocks.write(bytes.length, 4096), (files) => {
      files.write(ino, 0, bytes);
    });
  }

  async move(from: string, to: string): Promise<void> {
    const [source, target] = [await this.#place(from), await this.#place(to)];
    await this.volume.change(changeBlocks.rename, (files) => files.rename(source, target));
  }

  async link(from: string, to: string): Promise<void> {
    const [ino, { parent, name }] = [await this.ino(from), await this.#place(to)];
    await this.volume.change(changeBlocks.create, (files) => files.link(ino, parent, name));
  }

  async remove(path: string): Promise<void> {
    const [ino, { parent, name }] = [await this.ino(path), await this.#place(path)];
    const entries = await this.volume.query((files) => (files.stat(ino).kind === 'directory' ? files.readDirectory(ino, undefined, 10_000) : undefined));
    for (const entry of entries ?? []) await this.remove(`${path}/${entry.name}`);
    await this.volume.change(changeBlocks.remove, (files) => {
      if (entries === undefined) files.unlink(parent, name);
      else files.removeDirectory(parent, name);
    });
  }

  async mode(path: string, mode: number): Promise<void> {
    const ino = await this.ino(path);
    await this.volume.change(changeBlocks.setAttributes, (files) => files.setAttributes(ino, { mode }));
  }

  async #place(path: string): Promise<{ parent: number; name: string }> {
    const at = path.lastIndexOf('/');
    return { parent: at === 0 ? rootDirectoryInode : await this.ino(path.slice(0, at)), name: path.slice(at + 1) };
  }
}

export const named = ({ kind, names }: StateName): string => names[0] ?? kind;

/** Goes through all steps, each of which must lead on. */
export async function allSteps<T>(take: (after: string | undefined) => Promise<{ found: readonly T[]; next?: string | undefined }>): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | undefined, steps = 0; ; steps++) {
    const { found, next } = await take(after);
    all.push(...found);
    if (next === undefined) return all;
    expect(next, 'every step leads on').not.toBe(after);
    expect(steps).toBeLessThan(20_000);
    after = next;
  }
}

/** All differences of two states; `workMax` is what each step may do. */
export function allDifferences(source: StateSource, pair: { older: StateChoice; newer: StateChoice }, step: { limit: number; workMax?: number } = { limit: 500 }): Promise<FoundDifference[]> {
  return allSteps((after) => exploreDifferences(source, { ...pair, after, limit: step.limit }, new StepWork(step.workMax)));
}

export function differenceLine({ what, path, from }: FoundDifference): string {
  return what === 'renamed' ? `renamed ${from ?? 'from nowhere'} to ${path}` : `${what} ${path}`;
}

/** Differences are those of two full listings. */
export function expectAsModel(found: readonly FoundDifference[], before: Listing, after: Listing): void {
  const { lines, anyOf } = modelDifferences(before, after);
  const told = found.map(differenceLine).sort();
  const optional = new Set(anyOf.flat());
  expect(told.filter((line) => !optional.has(line))).toEqual(lines.filter((line) => !optional.has(line)));
  for (const choices of anyOf) expect(choices.some((line) => told.includes(line)), choices.join(' or ')).toBe(true);
  expect(new Set(told).size).toBe(told.length);
}
