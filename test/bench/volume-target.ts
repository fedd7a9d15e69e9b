import { changeBlocks } from '../../src-main/files/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import type { ChangeTarget } from './data-set.ts';

/** A volume as the target of changes, as a file server would make them. */
export class VolumeTarget implements ChangeTarget {
  readonly #volume: Volume;
  readonly #root: string;
  readonly #inodes = new Map<string, number>();

  /** `root` is the folder of the volume that has the data. */
  constructor(volume: Volume, root: string) {
    this.#volume = volume;
    this.#root = root;
  }

  async writeBlock(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const ino = this.#inodes.get(path) ?? (await this.#volume.query((files) => files.resolvePath(`${this.#root}/${path}`)));
    this.#inodes.set(path, ino);
    await this.#write(ino, offsetBytes, bytes);
  }

  async createFile(path: string, bytes: Uint8Array): Promise<void> {
    const { folder, leaf } = this.#split(path);
    const ino = await this.#volume.change(changeBlocks.create, (files) =>
      files.createFile(files.resolvePath(folder), leaf, { mode: 0o644, uid: 0, gid: 0 }),
    );
    await this.#write(ino, 0, bytes);
  }

  async rewriteFile(path: string, bytes: Uint8Array): Promise<void> {
    const ino = await this.#volume.query((files) => files.resolvePath(`${this.#root}/${path}`));
    await this.#volume.change(changeBlocks.truncate, (files) => {
      files.truncate(ino, 0);
    });
    await this.#write(ino, 0, bytes);
  }

  async removeFile(path: string): Promise<void> {
    const { folder, leaf } = this.#split(path);
    await this.#volume.change(changeBlocks.remove, (files) => {
      files.unlink(files.resolvePath(folder), leaf);
    });
  }

  async #write(ino: number, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    await this.#volume.change(changeBlocks.write(bytes.length, this.#volume.geometry.blockSizeBytes), (files) => {
      files.write(ino, offsetBytes, bytes);
    });
  }

  #split(path: string): { folder: string; leaf: string } {
    const at = path.lastIndexOf('/');
    return { folder: `${this.#root}/${path.slice(0, at)}`, leaf: path.slice(at + 1) };
  }
}
