import { createCipheriv, createHash } from 'node:crypto';
import type { SeededRandom } from '../../src-main/base/index.ts';

const fileBytesMax = 200_000;

/** Names that one client works with at most. */
const namesMax = 120;

/** The content of a file in one of its versions: the same whenever it is asked for. */
export function contentOf(path: string, version: number): Buffer {
  const key = createHash('md5').update(`${path}\0${version}`).digest();
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return cipher.update(Buffer.alloc(key.readUInt32LE(0) % fileBytesMax));
}

/** What may stand under a name: a version of a path, or nothing. */
type Content = string;

const nothing: Content = '';

function contentName(path: string, version: number): Content {
  return `${path}\0${version}`;
}

/** The bytes of a content; undefined for nothing. */
export function bytesOf(content: Content): Buffer | undefined {
  const [path = '', version = ''] = content.split('\0');
  return content === nothing ? undefined : contentOf(path, Number(version));
}

/** One step of a client, before it is known whether it took place. */
export interface Step {
  readonly kind: 'write' | 'rename' | 'remove';
  readonly name: string;
  readonly to: string;
  readonly bytes: Buffer;
  /** It was acknowledged. */
  done(): void;
  /** It broke off: it took place or it did not. */
  doubt(): void;
}

/** What the files of one client may hold, from what was acknowledged to it. */
export class OwnFiles {
  readonly folder: string;
  readonly #possible = new Map<string, ReadonlySet<Content>>();
  #version = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Each name with what it may hold, as it is now. */
  snapshot(): ReadonlyMap<string, ReadonlySet<Content>> {
    return new Map(this.#possible);
  }

  next(random: SeededRandom): Step {
    const there = [...this.#possible].filter(([, contents]) => !contents.has(nothing)).map(([name]) => name);
    const chance = random.next();
    if (there.length > namesMax / 2 && chance < 0.3) return this.#remove(random.pick(there));
    if (there.length > 4 && chance < 0.45) return this.#rename(random.pick(there), `${random.below(namesMax)}.bin`);
    return this.#write(`${random.below(namesMax)}.bin`);
  }

  #write(name: string): Step {
    const version = ++this.#version;
    const path = `${this.folder}/${name}`;
    const content = contentName(path, version);
    return this.#step({ kind: 'write', name, to: name, bytes: contentOf(path, version) }, new Map([[name, new Set([content])]]));
  }

  #rename(name: string, to: string): Step {
    if (name === to) return this.#write(name);
    const moved = this.#contents(name);
    return this.#step({ kind: 'rename', name, to, bytes: Buffer.alloc(0) }, new Map([[name, new Set([nothing])], [to, moved]]));
  }

  #remove(name: string): Step {
    return this.#step({ kind: 'remove', name, to: name, bytes: Buffer.alloc(0) }, new Map([[name, new Set([nothing])]]));
  }

  #contents(name: string): ReadonlySet<Content> {
    return this.#possible.get(name) ?? new Set([nothing]);
  }

  #step(what: Pick<Step, 'kind' | 'name' | 'to' | 'bytes'>, after: ReadonlyMap<string, ReadonlySet<Content>>): Step {
    return {
      ...what,
      done: () => {
        for (const [name, contents] of after) this.#possible.set(name, contents);
      },
      doubt: () => {
        for (const [name, contents] of after) this.#possible.set(name, new Set([...this.#contents(name), ...contents]));
      },
    };
  }
}
