import { assert, MirrorpointError } from '../base/index.ts';
import { attributesOf, type Attributes } from './attributes.ts';
import { readContent, readWhole, type ReadingContext, seekData, seekHole } from './content-reading.ts';
import { type DirectoryEntry, entriesAfter, type EntryTarget, findEntry, isFileKind, noSuchName } from './directory.ts';
import { getAttribute, listAttributes, noSuchAttribute } from './extended-attributes.ts';
import type { Inode, InodeSource } from './inode.ts';
import { noSuchInode } from './inode-reader.ts';
import { decodeUtf8, nameToBytes } from './name.ts';
import { damagedNode } from '../tree/index.ts';

/** The inode number of the root directory. */
export const rootDirectoryInode = 1;

/** Symbolic links followed on the way along one path. */
const symlinksFollowedMax = 40;

/** Directories between one and the root at most; more can only be a damaged circle. */
const directoryDepthMax = 100_000;

/** Entries looked at in one step of a search for a directory's name. */
const searchPageEntries = 4096;

/**
 * The file system on one root: live, a snapshot, or the mirror's last CP.
 * Synchronous methods may end the operation with a block miss and are called
 * inside `BlockCache.run`; asynchronous ones do so themselves.
 */
export class FileReader {
  readonly reading: ReadingContext;
  /** For comparing with another state; whoever looks changes nothing. */
  readonly inodes: InodeSource;

  constructor(reading: ReadingContext, inodes: InodeSource) {
    this.reading = reading;
    this.inodes = inodes;
  }

  /** What a name in a directory leads to; `not-found`, `not-a-directory`, `name-invalid`. */
  lookup(parent: number, name: string): EntryTarget {
    const directory = this.directory(parent);
    return findEntry(directory, nameToBytes(name)) ?? noSuchName(directory, name);
  }

  /** As `lookup`, by the bytes of a name; undefined when there is none. */
  findBytes(parent: number, name: Uint8Array): EntryTarget | undefined {
    return findEntry(this.directory(parent), name);
  }

  /** What tells apart two files that had the same inode number one after the other; undefined when none has it. */
  generationOf(ino: number): number | undefined {
    if (!Number.isSafeInteger(ino) || ino < 1) return undefined;
    const inode = this.inodes.find(ino);
    return inode !== undefined && isFileKind(inode.fields.kind) ? inode.fields.generation : undefined;
  }

  stat(ino: number): Attributes {
    const inode = this.inode(ino);
    const { kind } = inode.fields;
    assert(isFileKind(kind), 'inodes of other kinds are not found');
    return attributesOf(inode, kind, this.reading.blocks);
  }

  /**
   * The inode number at the end of a path from the root directory; names are
   * parted by slashes, `.` and `..` mean what they always do, and the root is its
   * own parent. A symbolic link at the end is followed unless told otherwise.
   */
  resolvePath(path: string, options: { followLast?: boolean } = {}): number {
    const { followLast = true } = options;
    const names = path.split('/').reverse();
    let ino = rootDirectoryInode;
    let followed = 0;
    while (names.length > 0) {
      const name = names.pop()!;
      if (name === '' || name === '.') continue;
      const directory = this.#directoryOnPath(ino, path);
      if (name === '..') {
        ino = directory.fields.parentInode;
        continue;
      }
      const entry = findEntry(directory, nameToBytes(name)) ?? pathNotFound(path, name);
      // A slash behind the last name leaves an empty name, and so asks for the directory that a link leads to.
      if (entry.kind !== 'symlink' || (names.length === 0 && !followLast)) {
        if (entry.kind !== 'directory' && names.length > 0) notADirectory(`${name} in the path ${path}`);
        ino = entry.ino;
        continue;
      }
      if (++followed > symlinksFollowedMax) tooManySymlinks(path);
      const target = this.readLink(entry.ino);
      if (target.startsWith('/')) ino = rootDirectoryInode;
      names.push(...target.split('/').reverse());
    }
    return ino;
  }

  /** Entries after a name (undefined: from the start), by the bytes of their names; fewer than the limit only at the end. */
  readDirectory(ino: number, afterName: string | undefined, limit: number): DirectoryEntry[] {
    const after = afterName === undefined ? undefined : nameToBytes(afterName);
    return entriesAfter(this.directory(ino), after, limit);
  }

  /** As `readDirectory`, for whoever looks at the inode of each entry then: what of them is not in memory is read at once. */
  readDirectoryAhead(ino: number, afterName: string | undefined, limit: number): DirectoryEntry[] {
    const entries = this.readDirectory(ino, afterName, limit);
    this.inodes.prefetch(entries.map((entry) => entry.ino));
    this.reading.blocks.cache.needAll();
    return entries;
  }

  /** A symbolic link's target, as it was given. */
  readLink(ino: number): string {
    const inode = this.inode(ino);
    if (inode.fields.kind !== 'symlink') {
      throw new MirrorpointError('argument-invalid', `The file with inode number ${ino} is no symbolic link: read it as what it is.`);
    }
    return decodeUtf8(readWhole(inode)) ?? damagedNode('a symbolic link does not hold UTF-8');
  }

  /** The value of an extended attribute; `attribute-not-found`. */
  getExtendedAttribute(ino: number, name: string): Uint8Array {
    const holder = this.attributesHolder(this.inode(ino));
    return (holder && getAttribute(holder, name)) ?? noSuchAttribute(ino, name);
  }

  /** The names of all extended attributes, in the order of their bytes. */
  listExtendedAttributes(ino: number): string[] {
    const holder = this.attributesHolder(this.inode(ino));
    return holder === undefined ? [] : listAttributes(holder);
  }

  hasExtendedAttributes(ino: number): boolean {
    return this.inode(ino).fields.attributesInode !== 0;
  }

  /** The directory that a directory lies in; the root is its own. */
  parentOf(ino: number): number {
    return this.directory(ino).fields.parentInode;
  }

  /** A directory's path from the root. Its name is looked for in its parent, entry by entry. */
  async pathOf(ino: number): Promise<string> {
    const names: string[] = [];
    let at = ino;
    while (at !== rootDirectoryInode) {
      const parent = await this.#run(() => this.parentOf(at));
      names.push(await this.#nameIn(parent, at));
      at = parent;
      if (names.length > directoryDepthMax) damagedNode('the parents of a directory go round in a circle');
    }
    return `/${names.reverse().join('/')}`;
  }

  /** Fills the target from an offset; returns the number of bytes before the file's end. Every byte is proven. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number> {
    return readContent(this.reading, () => this.file(ino), { offsetBytes, target });
  }

  /** As `SEEK_DATA`: the first byte of data at or after an offset, or undefined. */
  seekData(ino: number, offsetBytes: number): Promise<number | undefined> {
    return seekData(this.reading, () => this.file(ino), offsetBytes);
  }

  /** As `SEEK_HOLE`: the first byte of a hole at or after an offset, the file's end counting as one; undefined behind it. */
  seekHole(ino: number, offsetBytes: number): Promise<number | undefined> {
    return seekHole(this.reading, () => this.file(ino), offsetBytes);
  }

  /** A file, directory or symbolic link. */
  protected inode(ino: number): Inode {
    if (!Number.isSafeInteger(ino) || ino < 1) noSuchInode(ino);
    const inode = this.inodes.get(ino);
    return isFileKind(inode.fields.kind) ? inode : noSuchInode(ino);
  }

  protected directory(ino: number): Inode {
    const inode = this.inode(ino);
    if (inode.fields.kind !== 'directory') notADirectory(`The file with inode number ${ino}`);
    return inode;
  }

  protected file(ino: number): Inode {
    const inode = this.inode(ino);
    if (inode.fields.kind === 'file') return inode;
    const code = inode.fields.kind === 'directory' ? 'is-a-directory' : 'argument-invalid';
    throw new MirrorpointError(code, `Inode number ${ino} is a ${inode.fields.kind}: only files have content to read or write.`);
  }

  /** The inode that holds the extended attributes of another, if it has any. */
  protected attributesHolder(inode: Inode): Inode | undefined {
    const { attributesInode } = inode.fields;
    if (attributesInode === 0) return undefined;
    const holder = this.inodes.get(attributesInode);
    if (holder.fields.kind !== 'attributes') damagedNode('extended attributes are kept in a file of another kind');
    return holder;
  }

  #directoryOnPath(ino: number, path: string): Inode {
    const inode = this.inode(ino);
    if (inode.fields.kind !== 'directory') notADirectory(`A name before the end of ${path}`);
    return inode;
  }

  async #nameIn(parent: number, child: number): Promise<string> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#run(() => this.readDirectory(parent, after, searchPageEntries));
      const found = page.find((entry) => entry.ino === child);
      if (found !== undefined) return found.name;
      after = page.at(-1)?.name;
      if (page.length < searchPageEntries) noSuchInode(child);
    }
  }

  #run<T>(operation: () => T): Promise<T> {
    return this.reading.blocks.cache.run(operation);
  }
}

function notADirectory(subject: string): never {
  throw new MirrorpointError('not-a-directory', `${subject} is no directory. Check the path that leads there.`);
}

function pathNotFound(path: string, name: string): never {
  throw new MirrorpointError('not-found', `There is no ${path}: ${JSON.stringify(name)} was not found. List the directory before it.`);
}

function tooManySymlinks(path: string): never {
  throw new MirrorpointError(
    'too-many-symbolic-links',
    `The path ${path} leads over more than ${symlinksFollowedMax} symbolic links; they probably form a circle. Look at them with \`ls\`.`,
  );
}
