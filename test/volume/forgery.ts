import { checksumOf, present } from '../../src-main/base/index.ts';
import { RootRing } from '../../src-main/consistency/index.ts';
import { DeviceSet, type MemoryDevice } from '../../src-main/device/index.ts';
import {
  decodeInode,
  encodeInode,
  encodeRootNode,
  inodeBytes,
  type InodeFields,
  pointerBirth,
  pointerBytes,
  pointerVbn,
  type RootNode,
  setPointer,
} from '../../src-main/format/index.ts';

/** Changes the last root of a closed volume behind its back, with checksums that are right. Files of up to six blocks only. */
export class Forgery {
  readonly root: RootNode;
  readonly #set: DeviceSet;

  private constructor(set: DeviceSet, root: RootNode) {
    this.#set = set;
    this.root = root;
  }

  static async of(devices: readonly MemoryDevice[], forge: (forgery: Forgery) => Promise<void> | void): Promise<void> {
    const set = await DeviceSet.open(devices.map((device) => device.reopen()));
    const ring = new RootRing(set.rootAreas, set.volumeId);
    const forgery = new Forgery(set, present(await ring.newest(), 'the last root').root);
    await forge(forgery);
    await ring.write(forgery.root.cp, encodeRootNode(forgery.root));
    await set.flush();
  }

  /** Changes a block of a file where it stands, and the pointer to it. */
  async block(file: InodeFields, index: number, change: (bytes: Uint8Array) => void): Promise<void> {
    const offset = index * pointerBytes;
    const bytes = await this.#read(file, index);
    change(bytes);
    await this.#write(file, index, bytes);
    setPointer(file.slots, offset, { vbn: pointerVbn(file.slots, offset), birthCp: pointerBirth(file.slots, offset), checksum: checksumOf(bytes) });
  }

  /** Changes an inode of the first block of inodes. */
  async inode(number: number, change: (fields: InodeFields) => Promise<void> | void): Promise<void> {
    const { inodes } = this.root.files;
    const fields = decodeInode(await this.#read(inodes, 0), number * inodeBytes);
    await change(fields);
    await this.block(inodes, 0, (bytes) => {
      encodeInode(fields, bytes, number * inodeBytes);
    });
  }

  /** Changes a block of a file and not the pointer to it. */
  async rot(file: InodeFields, index: number): Promise<void> {
    const bytes = await this.#read(file, index);
    bytes[0]! ^= 1;
    await this.#write(file, index, bytes);
  }

  async #read(file: InodeFields, index: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.#set.blockSizeBytes);
    await this.#set.data.read(this.#at(file, index), [bytes]);
    return bytes;
  }

  #write(file: InodeFields, index: number, bytes: Uint8Array): Promise<void> {
    return this.#set.data.write(this.#at(file, index), [bytes]);
  }

  #at(file: InodeFields, index: number): number {
    return pointerVbn(file.slots, index * pointerBytes) * this.#set.blockSizeBytes;
  }
}
