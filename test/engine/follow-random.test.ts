import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleepReally } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { testSeed } from '../seed.ts';
import { MemoryServer } from './memory-engine.ts';

/** Changes a real folder as people and programs do. */
class RandomFolder {
  readonly root: string;
  readonly #outside: string;
  readonly #random: SeededRandom;
  #made = 0;

  constructor(place: string, random: SeededRandom) {
    this.root = join(place, 'followed');
    this.#outside = join(place, 'outside');
    fs.mkdirSync(this.root);
    fs.mkdirSync(this.#outside);
    this.#random = random;
  }

  change(): void {
    const { folders, others } = this.#all();
    const folder = this.#random.pick(folders);
    const one = others.length === 0 ? undefined : this.#random.pick(others);
    switch (this.#random.below(12)) {
      case 0:
      case 1:
        this.#write(this.#newPath(folder));
        break;
      case 2:
        fs.mkdirSync(this.#newPath(folder));
        break;
      case 3:
        if (one !== undefined) this.#rewrite(one);
        break;
      case 4:
        if (one !== undefined) fs.renameSync(one, this.#newPath(folder));
        break;
      case 5:
        this.#moveFolder(folders, folder);
        break;
      case 6:
        if (one !== undefined) fs.rmSync(one);
        break;
      case 7:
        if (this.#random.chance(0.3) && folder !== this.root) fs.rmSync(folder, { recursive: true });
        break;
      case 8:
        fs.symlinkSync(`to ${this.#made}`, this.#newPath(folder));
        break;
      case 9:
        if (one !== undefined && !fs.lstatSync(one).isSymbolicLink()) fs.linkSync(one, this.#newPath(folder));
        break;
      case 10:
        fs.chmodSync(folder, this.#random.pick([0o755, 0o750, 0o700]));
        break;
      default:
        this.#comeIn(folder);
    }
  }

  /** A file is changed in place, or another one is put in its place, as most programs save. */
  #rewrite(path: string): void {
    const stat = fs.lstatSync(path);
    if (stat.isFile() && stat.nlink === 1 && this.#random.chance(0.5)) {
      this.#write(path);
      return;
    }
    const beside = join(this.#random.chance(0.5) ? this.#outside : join(path, '..'), `save ${this.#made++}`);
    this.#write(beside);
    fs.renameSync(beside, path);
  }

  #moveFolder(folders: readonly string[], target: string): void {
    const moved = this.#random.pick(folders);
    if (moved === this.root || target === moved || target.startsWith(`${moved}/`)) return;
    const to = this.#newPath(target);
    fs.renameSync(moved, to);
    // Another folder comes in its place, now and then.
    if (this.#random.chance(0.3) && fs.existsSync(join(moved, '..'))) {
      fs.mkdirSync(moved);
      this.#write(join(moved, 'anew'));
    }
  }

  /** A tree that is made elsewhere is there at once. */
  #comeIn(folder: string): void {
    const made = join(this.#outside, `tree ${this.#made++}`);
    fs.mkdirSync(join(made, 'deep', 'deeper'), { recursive: true });
    this.#write(join(made, 'deep', 'deeper', 'file'));
    this.#write(join(made, 'file'));
    fs.renameSync(made, join(folder, basename(made)));
  }

  /** No two contents have one length. */
  #write(path: string): void {
    fs.writeFileSync(path, Buffer.alloc(1 + this.#made++, this.#random.below(255)));
  }

  #newPath(folder: string): string {
    return join(folder, `${this.#random.pick(['a', 'ü b', '.c'])} ${this.#made++}`);
  }

  #all(): { folders: string[]; others: string[] } {
    const folders = [this.root];
    const others: string[] = [];
    for (const entry of fs.readdirSync(this.root, { recursive: true, withFileTypes: true })) {
      (entry.isDirectory() ? folders : others).push(join(entry.parentPath, entry.name));
    }
    return { folders, others };
  }
}

async function differences(server: MemoryServer, local: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const event of await server.client.files.compare({ volume: 'work', path: '/in', at: 'live', local, metadata: true })) {
    if (event.type === 'difference' || event.type === 'problem') found.push(event);
  }
  return found;
}

describe('a real folder that is followed', () => {
  it.each([0, 1, 2])('ends as it is after random changes, by what is heard of it alone and across restarts (run %d)', async (run) => {
    const seed = (testSeed + run) >>> 0;
    const place = fs.mkdtempSync(join(tmpdir(), 'mp-follow-'));
    onTestFinished(() => {
      fs.rmSync(place, { recursive: true, force: true });
    });
    const random = new SeededRandom(seed);
    const folder = new RandomFolder(place, random);
    await using server = new MemoryServer();
    await server.start();
    await server.createVolume('work');
    for (let count = 0; count < 20; count++) folder.change();
    await server.client.follow.add({ folder: folder.root, volume: 'work', path: '/in', compareEveryMs: 366 * 86_400_000 });
    const status = () => server.engine.follows.statuses()[0]!;
    const quiet = async (): Promise<void> => {
      await sleepReally(30);
      await server.pass(3000, 500);
      await server.until(() => status().state === 'following' && status().waitingCount === 0, 'the end of what waits');
    };
    await quiet();
    for (let round = 0; round < 8; round++) {
      for (let count = random.below(25); count > 0; count--) {
        folder.change();
        if (random.chance(0.2)) await server.pass(400, 200);
      }
      if (random.chance(0.2)) {
        await server.stop();
        for (let count = 0; count < 10; count++) folder.change();
        await server.start();
      }
      await quiet();
      expect({ seed, round, differences: await differences(server, folder.root), faults: status().faults }).toEqual({ seed, round, differences: [], faults: [] });
    }
    const { volume } = await server.engine.shelf.primary('work');
    expect(await volume.check()).toMatchObject({ problems: [] });
  });
});
