import { type Attributes, changeBlocks, type DirectoryEntry } from '../../files/index.ts';
import type { ServedFiles } from '../served-files.ts';
import { folderDepthMax, pageEntries, writeBytes } from './limits.ts';
import { DavRefusal } from './refusal.ts';
import type { Entry } from './resources.ts';

/** A file, folder or link of a state. */
export interface Placed {
  readonly files: ServedFiles;
  readonly ino: number;
}

/** A folder whose entries are being copied. */
interface OpenFolder {
  readonly ino: number;
  readonly copy: number;
  page: readonly DirectoryEntry[];
  at: number;
}

/** Puts the extended attributes of one file on another. */
export async function copyExtendedAttributes(from: Placed, to: Placed): Promise<void> {
  const names = await from.files.query((files) => (files.hasExtendedAttributes(from.ino) ? files.listExtendedAttributes(from.ino) : []));
  const costBlocks = changeBlocks.extendedAttribute(to.files.capacity().blockSizeBytes);
  for (const name of names) {
    const value = await from.files.query((files) => files.getExtendedAttribute(from.ino, name));
    await to.files.change(costBlocks, (live) => {
      live.setExtendedAttribute(to.ino, name, value);
    });
  }
}

/**
 * Copies what is at a place of one state to a free name of the live one, entry
 * by entry, with its attributes and times. Links stay links. What several names
 * lead to becomes several files.
 */
export class TreeCopy {
  readonly #from: ServedFiles;
  readonly #to: ServedFiles;
  readonly #checkOpen: () => void;
  readonly #blockSizeBytes: number;
  readonly #isHidden: (parent: number, name: string) => boolean;

  constructor(parts: { from: ServedFiles; to: ServedFiles; checkOpen: () => void; isHidden: (parent: number, name: string) => boolean }) {
    this.#from = parts.from;
    this.#to = parts.to;
    this.#checkOpen = parts.checkOpen;
    this.#isHidden = parts.isHidden;
    this.#blockSizeBytes = parts.to.capacity().blockSizeBytes;
  }

  /** `isDeep` takes what is in a folder along. */
  async run(ino: number, place: Entry, options: { isDeep: boolean }): Promise<void> {
    const copy = await this.#one(ino, place);
    if (copy === undefined) return;
    const open: OpenFolder[] = options.isDeep ? [{ ino, copy, page: await this.#page(ino, undefined), at: 0 }] : [];
    for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
      this.#checkOpen();
      const entry = folder.page[folder.at++];
      if (entry === undefined) {
        open.pop();
        await this.#giveAttributes(folder.ino, folder.copy);
        continue;
      }
      if (folder.at === pageEntries) Object.assign(folder, { page: await this.#page(folder.ino, entry.name), at: 0 });
      if (this.#isHidden(folder.ino, entry.name)) continue;
      const inner = await this.#one(entry.ino, { parent: folder.copy, name: entry.name });
      if (inner === undefined) continue;
      if (open.length >= folderDepthMax) throw new DavRefusal(403, `More than ${folderDepthMax} folders lie in each other, and nothing was copied. Copy a folder further down.`);
      open.push({ ino: entry.ino, copy: inner, page: await this.#page(entry.ino, undefined), at: 0 });
    }
    if (!options.isDeep) await this.#giveAttributes(ino, copy);
  }

  #page(ino: number, after: string | undefined): Promise<readonly DirectoryEntry[]> {
    return this.#from.query((files) => files.readDirectory(ino, after, pageEntries));
  }

  /** Resolves to the copy of a folder, which is still to be filled. */
  async #one(ino: number, { parent, name }: Entry): Promise<number | undefined> {
    const attributes = await this.#from.query((files) => files.stat(ino));
    const { kind, mode, uid, gid } = attributes;
    if (kind === 'directory') return this.#to.change(changeBlocks.create, (live) => live.makeDirectory(parent, name, { mode, uid, gid }));
    if (kind === 'symlink') {
      const target = await this.#from.query((files) => files.readLink(ino));
      await this.#to.change(changeBlocks.symlink, (live) => live.symlink(parent, name, target, { mode, uid, gid }));
    } else await this.#file(attributes, { parent, name });
    return undefined;
  }

  async #file(attributes: Attributes, { parent, name }: Entry): Promise<void> {
    const { ino, mode, uid, gid, sizeBytes } = attributes;
    await this.#from.keep(() => ino);
    try {
      const copy = await this.#to.change(changeBlocks.create, (live) => live.createFile(parent, name, { mode, uid, gid }));
      const buffer = new Uint8Array(Math.min(writeBytes, sizeBytes));
      for (let at = await this.#from.seek(ino, 0, 'data'); at !== undefined && at < sizeBytes; ) {
        this.#checkOpen();
        const count = await this.#from.readInto(ino, at, buffer);
        if (count === 0) break;
        const offsetBytes = at;
        await this.#to.change(changeBlocks.write(count, this.#blockSizeBytes), (live) => {
          live.write(copy, offsetBytes, buffer.subarray(0, count));
        });
        at = await this.#from.seek(ino, at + count, 'data');
      }
      await this.#to.change(changeBlocks.truncate, (live) => {
        live.truncate(copy, sizeBytes);
      });
      await this.#giveAttributes(ino, copy);
    } finally {
      await this.#from.release(ino);
    }
  }

  async #giveAttributes(ino: number, copy: number): Promise<void> {
    await copyExtendedAttributes({ files: this.#from, ino }, { files: this.#to, ino: copy });
    const { mode, uid, gid, modifiedNs } = await this.#from.query((files) => files.stat(ino));
    await this.#to.change(changeBlocks.setAttributes, (live) => {
      live.setAttributes(copy, { mode, uid, gid, modifiedNs });
    });
  }
}
