import type { SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks, type FileKind, type FileReader, rootDirectoryInode as top } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';

/** What a state has at a path, as far as anybody can see it. */
export interface Listed {
  /** Number and generation: the file itself. */
  readonly id: string;
  readonly ino: number;
  readonly kind: FileKind;
  readonly linkCount: number;
  readonly parentHint: number;
  /** All that makes a version of a file, content included. */
  readonly looks: string;
  /** Mode and owner. */
  readonly access: string;
}

/** Everything in a state, by path. */
export type Listing = ReadonlyMap<string, Listed>;

interface Readable {
  query: <T>(operation: (files: FileReader) => T) => Promise<T>;
  readInto: (ino: number, offset: number, target: Uint8Array) => Promise<number>;
}

/** Lists a whole state, file by file. States of two histories tell files apart by when they were made, too. */
export async function listAll(source: Readable, isAcross = false): Promise<Listing> {
  const all = new Map<string, Listed>();
  const visit = async (ino: number, path: string): Promise<void> => {
    const { generation, kind, linkCount, mode, uid, gid, sizeBytes, modifiedNs, createdNs } = await source.query((files) => files.stat(ino));
    const access = `${mode} ${uid} ${gid}`;
    let content = '';
    if (kind === 'symlink') content = await source.query((files) => files.readLink(ino));
    if (kind === 'file') {
      const bytes = new Uint8Array(sizeBytes);
      await source.readInto(ino, 0, bytes);
      content = Buffer.from(bytes).toString('latin1');
    }
    const entries = kind === 'directory' ? await source.query((files) => files.readDirectory(ino, undefined, 100_000)) : [];
    if (kind === 'directory') content = entries.map((entry) => `${entry.name}=${entry.ino}`).join();
    const parentHint = await source.query((files) => files.inodes.get(ino).fields.parentInode);
    all.set(path === '' ? '/' : path, { id: `${ino}.${generation}${isAcross ? `.${createdNs}` : ''}`, ino, kind, linkCount, parentHint, access, looks: `${access} ${sizeBytes} ${modifiedNs} ${content}` });
    for (const entry of entries) await visit(entry.ino, `${path}/${entry.name}`);
  };
  await visit(top, '');
  return all;
}

const names = ['a', 'b', 'c', 'd', 'Äpfel', 'apfel', 'note.txt'];

/** Changes a volume at random. What it writes is never the same twice. */
export class RandomHistory {
  readonly volume: Volume;
  readonly #random: SeededRandom;
  #count = 0;

  constructor(volume: Volume, random: SeededRandom) {
    this.volume = volume;
    this.#random = random;
  }

  async change(times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      const paths = await listAll(this.volume);
      await this.#changeOne(paths).catch(() => undefined);
    }
  }

  async #changeOne(all: Listing): Promise<void> {
    const folders = [...all].filter(([, { kind }]) => kind === 'directory');
    const others = [...all].filter(([path, { kind }]) => kind === 'file' && path !== '/');
    const { volume } = this;
    const parent = this.#pick(folders)[1].ino;
    const name = this.#pick(names);
    const [path, something] = this.#pick([...all]);
    const place = { parent: all.get(path.replace(/\/[^/]*$/, '') || '/')!.ino, name: path.slice(path.lastIndexOf('/') + 1) };
    const file = others.length === 0 ? undefined : this.#pick(others)[1].ino;
    const owner = { mode: this.#pick([0o644, 0o600]), uid: 0, gid: 0 };
    switch (this.#random.below(15)) {
      case 0:
      case 1:
        await volume.change(changeBlocks.create, (files) => files.makeDirectory(parent, name, { ...owner, mode: 0o755 }));
        return;
      case 2:
      case 3:
      case 4: {
        const ino = await volume.change(changeBlocks.create, (files) => files.createFile(parent, name, owner));
        await this.#write(ino);
        return;
      }
      case 5:
        await volume.change(changeBlocks.symlink, (files) => files.symlink(parent, name, `${this.#count++}`, owner));
        return;
      case 6:
      case 7:
        if (file !== undefined) await this.#write(file);
        return;
      case 8:
        await volume.change(changeBlocks.remove, (files) => {
          if (something.kind === 'directory') files.removeDirectory(place.parent, place.name);
          else files.unlink(place.parent, place.name);
        });
        return;
      case 9:
      case 10:
      case 11:
        await volume.change(changeBlocks.rename, (files) => files.rename(place, { parent, name }, { exchange: this.#random.below(5) === 0 && all.has(`${path}/`) }));
        return;
      case 12:
        if (file !== undefined) await volume.change(changeBlocks.create, (files) => files.link(file, parent, name));
        return;
      case 13:
        // As an older program leaves it, which knows nothing of hints.
        if (something.kind === 'directory') return;
        await volume.change(changeBlocks.setAttributes, (files) => {
          files.inodes.get(something.ino).fields.parentInode = this.#pick([0, 0, parent]);
          files.setAttributes(something.ino, {});
        });
        return;
      default:
        await volume.change(changeBlocks.setAttributes, (files) => files.setAttributes(something.ino, { mode: this.#pick([0o700, 0o750, 0o755]) }));
    }
  }

  async #write(ino: number): Promise<void> {
    const text = new TextEncoder().encode(`${this.#count++} `.repeat(this.#pick([1, 1, 700, 9000])));
    await this.volume.change(changeBlocks.write(text.length, 4096), (files) => {
      files.write(ino, 0, text);
    });
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!;
  }
}
