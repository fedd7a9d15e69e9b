import { assert, MirrorpointError } from '../base/index.ts';
import { type InodeFields, inlineBytesMax } from '../format/index.ts';
import type { AttributeChanges } from './attributes.ts';
import { checkFileSize, punchContent, truncateContent, writeBytesMax, writeContent } from './content-changing.ts';
import { type EntryTarget, encodeEntry, entriesOf, type FileKind, findEntry, noSuchName } from './directory.ts';
import { checkAttributeValue, noSuchAttribute, planAttributeChange } from './extended-attributes.ts';
import { rootDirectoryInode } from './file-reader.ts';
import type { Inode } from './inode.ts';
import { InodeLifetimes } from './inode-lifetimes.ts';
import type { InodeTable } from './inode-table.ts';
import { noSuchInode } from './inode-reader.ts';
import { nameToBytes, symlinkBytesMax } from './name.ts';
import type { NewFile } from './operation.ts';
import { type Place, planRename, type RenameOptions } from './rename.ts';

/** Names that one inode may have. */
const linkCountMax = 2 ** 31 - 1;

const modeMask = 0o7777;

/** Makes the root directory of a new volume: the first inode of an empty table. */
export function createRootDirectory(table: InodeTable, options: NewFile & { nowNs: bigint }): void {
  const inode = table.create('directory');
  assert(inode.number === rootDirectoryInode, 'the root directory is the first inode');
  fill(inode, options, options.nowNs);
  inode.fields.linkCount = 2;
  inode.fields.parentInode = rootDirectoryInode;
}

function fill(inode: Inode, options: NewFile, nowNs: bigint): void {
  const { mode, uid, gid } = options;
  Object.assign(inode.fields, { mode: mode & modeMask, uid, gid, linkCount: 1 });
  Object.assign(inode.fields, { modifiedNs: nowNs, changedNs: nowNs, accessedNs: nowNs, createdNs: nowNs });
}

/**
 * The changes of the live file system, by the rules of POSIX. Every change is
 * one synchronous, atomic operation inside `BlockCache.run`: it reads all that
 * it needs, then changes, then logs itself; one that throws has changed nothing.
 * The caller has made sure of room in the pool (`changeBlocks`).
 */
export class FileChanges extends InodeLifetimes {
  /** Makes an empty file; returns its inode number. `exists` when the name is taken. */
  createFile(parent: number, name: string, options: NewFile): number {
    const made = this.#make({ parent, name }, 'file', options);
    this.logged({ kind: 'createFile', parent, name, ...made });
    return made.ino;
  }

  makeDirectory(parent: number, name: string, options: NewFile): number {
    const made = this.#make({ parent, name }, 'directory', options);
    this.logged({ kind: 'makeDirectory', parent, name, ...made });
    return made.ino;
  }

  /** Makes a symbolic link; its target is any UTF-8 text without a zero byte, to 4095 bytes. */
  symlink(parent: number, name: string, target: string, options: NewFile): number {
    const bytes = symlinkTarget(target);
    const made = this.#make({ parent, name }, 'symlink', options, (inode) => {
      if (bytes.length <= inlineBytesMax) inode.fields.inlineContent = new Uint8Array(bytes);
      else {
        const block = inode.content.overwrite(0);
        block.fill(0);
        block.set(bytes);
      }
      inode.fields.sizeBytes = bytes.length;
    });
    this.logged({ kind: 'symlink', parent, name, target, ...made });
    return made.ino;
  }

  /** Gives a file or symbolic link a further name. */
  link(ino: number, parent: number, name: string): void {
    const inode = this.inode(ino);
    if (inode.fields.linkCount === 0) noSuchInode(ino);
    if (inode.fields.kind === 'directory') {
      throw new MirrorpointError('not-permitted', `A directory has one name only. Make a symbolic link to inode ${ino} instead.`);
    }
    if (inode.fields.linkCount >= linkCountMax) tooManyLinks(ino);
    const directory = this.#changeable(parent);
    const nameBytes = this.#freeName(directory, name);
    const nowNs = this.now();
    inode.fields.linkCount++;
    inode.fields.parentInode = parent;
    inode.fields.changedNs = nowNs;
    this.table.changed(inode);
    this.#add(directory, nameBytes, { target: targetOf(inode), nowNs });
    this.logged({ kind: 'link', ino, parent, name, nowNs });
  }

  /** Removes a name of a file or symbolic link. With the last name and handle the file goes. */
  unlink(parent: number, name: string): void {
    const { directory, nameBytes, inode } = this.#named(parent, name);
    if (inode.fields.kind === 'directory') {
      throw new MirrorpointError('is-a-directory', `${JSON.stringify(name)} is a directory: remove it as one.`);
    }
    this.#remove(directory, nameBytes, { inode, name, kind: 'unlink' });
  }

  /** Removes an empty directory. */
  removeDirectory(parent: number, name: string): void {
    const { directory, nameBytes, inode } = this.#named(parent, name);
    if (inode.fields.kind !== 'directory') {
      throw new MirrorpointError('not-a-directory', `${JSON.stringify(name)} is no directory: remove it as a file.`);
    }
    if (inode.fields.sizeBytes > 0) {
      throw new MirrorpointError(
        'directory-not-empty',
        `The directory ${JSON.stringify(name)} has ${inode.fields.sizeBytes} entries. Remove what is in it first.`,
      );
    }
    this.#remove(directory, nameBytes, { inode, name, kind: 'removeDirectory' });
  }

  /**
   * Moves a name, by default over whatever has the new one, as POSIX says: a
   * directory only over an empty directory, nothing else over a directory, no
   * directory into itself. Two names of one file: nothing happens.
   */
  rename(from: Place, to: Place, options: RenameOptions = {}): void {
    const fromDirectory = this.directory(from.parent);
    const toDirectory = this.#changeable(to.parent);
    const plan = planRename({
      from: { directory: fromDirectory, name: from.name },
      to: { directory: toDirectory, name: to.name },
      options,
      inodeOf: (ino) => this.inode(ino),
    });
    if (plan === undefined) return;
    const dropped = plan.lostInode === undefined ? undefined : { inode: plan.lostInode, how: this.planDrop(plan.lostInode) };
    const nowNs = this.now();
    const touched = plan.apply(nowNs);
    for (const inode of touched) this.table.changed(inode);
    if (dropped !== undefined) this.drop(dropped.inode, dropped.how);
    this.logged({
      kind: 'rename',
      parent: from.parent,
      name: from.name,
      toParent: to.parent,
      toName: to.name,
      exchange: options.exchange ?? false,
      released: dropped?.how.released ?? false,
      nowNs,
    });
  }

  /**
   * Moves a name over another, which must be there, whatever the two are; what
   * was there goes to a third, which must be free. One step.
   */
  displace(from: Place, to: Place, aside: Place): void {
    // The swap leaves every directory's tree as it is, so that what the second rename reads has been read by then.
    const ends = [from, aside].map(({ parent, name }) => ({ directory: this.#changeable(parent), name }));
    planRename({ from: ends[0]!, to: ends[1]!, options: { noReplace: true }, inodeOf: (ino) => this.inode(ino) });
    this.rename(from, to, { exchange: true });
    this.rename(from, aside, { noReplace: true });
  }

  /** Writes up to 1 MiB at an offset. Room between the old end and the offset reads as zeros and takes none. */
  write(ino: number, offsetBytes: number, bytes: Uint8Array): void {
    assert(bytes.length <= writeBytesMax, 'one write is at most 1 MiB');
    const inode = this.file(ino);
    checkFileSize(inode, offsetBytes + bytes.length);
    if (bytes.length === 0) return;
    writeContent(inode, offsetBytes, bytes);
    const nowNs = this.#contentChanged(inode);
    this.logged({ kind: 'write', ino, offsetBytes, lengthBytes: bytes.length, nowNs });
  }

  /** Sets a file's size. */
  truncate(ino: number, sizeBytes: number): void {
    const inode = this.file(ino);
    checkFileSize(inode, sizeBytes);
    truncateContent(inode, sizeBytes);
    const nowNs = this.#contentChanged(inode);
    this.logged({ kind: 'truncate', ino, sizeBytes, nowNs });
  }

  /** Makes a range a hole; the size stays. */
  punchHole(ino: number, offsetBytes: number, lengthBytes: number): void {
    const inode = this.file(ino);
    punchContent(inode, offsetBytes, lengthBytes);
    const nowNs = this.#contentChanged(inode);
    this.logged({ kind: 'punchHole', ino, offsetBytes, lengthBytes, nowNs });
  }

  /** Makes sure of a file's size, as `fallocate`; no room is set aside, since a copy-on-write volume cannot promise it. */
  allocate(ino: number, range: { offsetBytes: number; lengthBytes: number; keepSize?: boolean }): void {
    const endBytes = range.offsetBytes + range.lengthBytes;
    if (range.keepSize !== true && endBytes > this.file(ino).fields.sizeBytes) this.truncate(ino, endBytes);
  }

  setAttributes(ino: number, changes: AttributeChanges): void {
    const inode = this.inode(ino);
    const nowNs = this.now();
    Object.assign(inode.fields, changes);
    inode.fields.mode &= modeMask;
    this.#statusChanged(inode, nowNs);
    this.logged({ kind: 'setAttributes', ino, changes: { ...changes }, nowNs });
  }

  /**
   * Sets an extended attribute: up to 64 KiB (`attribute-too-large`). `only`
   * asks that it be there before, or not (`exists`, `attribute-not-found`).
   */
  setExtendedAttribute(ino: number, name: string, value: Uint8Array, only?: 'create' | 'replace'): void {
    checkAttributeValue(name, value);
    const inode = this.inode(ino);
    const known = this.attributesHolder(inode);
    const { blockSizeBytes } = this.reading.blocks.geometry;
    const change = planAttributeChange(known, name, { value, blockSizeBytes });
    if (only === 'replace' && !change.exists) noSuchAttribute(ino, name);
    if (only === 'create' && change.exists) {
      throw new MirrorpointError('exists', `Inode ${ino} has an extended attribute ${JSON.stringify(name)} already. Replace it instead.`);
    }
    const nowNs = this.now();
    const holder = known ?? this.table.create('attributes');
    change.apply(holder);
    inode.fields.attributesInode = holder.number;
    this.#statusChanged(inode, nowNs);
    const kept = value.slice();
    this.logged({
      kind: 'setExtendedAttribute',
      ino,
      name,
      value: kept,
      attributesInode: holder.number,
      nowNs,
    });
  }

  removeExtendedAttribute(ino: number, name: string): void {
    const inode = this.inode(ino);
    const holder = this.attributesHolder(inode) ?? noSuchAttribute(ino, name);
    const { blockSizeBytes } = this.reading.blocks.geometry;
    const change = planAttributeChange(holder, name, { value: null, blockSizeBytes });
    if (!change.exists) noSuchAttribute(ino, name);
    const nowNs = this.now();
    if (change.leavesNone) {
      this.table.release(holder);
      inode.fields.attributesInode = 0;
    } else {
      change.apply(holder);
    }
    this.#statusChanged(inode, nowNs);
    this.logged({ kind: 'removeExtendedAttribute', ino, name, nowNs });
  }

  /** A directory that names can be put into: not one that is removed but still open. */
  #changeable(ino: number): Inode {
    const directory = this.directory(ino);
    return directory.fields.linkCount === 0 ? noSuchInode(ino) : directory;
  }

  /** The bytes of a name that nothing has; all that putting it in needs has been read. */
  #freeName(directory: Inode, name: string): Uint8Array {
    const nameBytes = nameToBytes(name);
    if (findEntry(directory, nameBytes) !== undefined) {
      throw new MirrorpointError('exists', `There is a ${JSON.stringify(name)} in directory ${directory.number} already. Choose another name.`);
    }
    entriesOf(directory).prepare([nameBytes], 1);
    return nameBytes;
  }

  #named(parent: number, name: string): { directory: Inode; nameBytes: Uint8Array; inode: Inode } {
    const directory = this.directory(parent);
    const nameBytes = nameToBytes(name);
    const entry = findEntry(directory, nameBytes) ?? noSuchName(directory, name);
    return { directory, nameBytes, inode: this.inode(entry.ino) };
  }

  #make(
    place: Place,
    kind: FileKind,
    options: NewFile,
    fillContent: (inode: Inode) => void = () => undefined,
  ): NewFile & { ino: number; nowNs: bigint } {
    const directory = this.#changeable(place.parent);
    const nameBytes = this.#freeName(directory, place.name);
    if (kind === 'directory' && directory.fields.linkCount >= linkCountMax) tooManyLinks(place.parent);
    const nowNs = this.now();
    const inode = this.table.create(kind);
    const made = { mode: options.mode & modeMask, uid: options.uid, gid: options.gid };
    fill(inode, made, nowNs);
    fillContent(inode);
    inode.fields.parentInode = place.parent;
    if (kind === 'directory') {
      inode.fields.linkCount = 2;
      directory.fields.linkCount++;
    }
    this.#add(directory, nameBytes, { target: { ino: inode.number, kind }, nowNs });
    return { ...made, ino: inode.number, nowNs };
  }

  #add(directory: Inode, nameBytes: Uint8Array, entry: { target: EntryTarget; nowNs: bigint }): void {
    entriesOf(directory).set(nameBytes, encodeEntry(entry.target));
    directory.fields.sizeBytes++;
    this.#directoryChanged(directory, entry.nowNs);
  }

  #remove(
    directory: Inode,
    nameBytes: Uint8Array,
    doomed: { inode: Inode; name: string; kind: 'unlink' | 'removeDirectory' },
  ): void {
    const { inode, name, kind } = doomed;
    const isLast = kind === 'removeDirectory' || inode.fields.linkCount === 1;
    const how = isLast ? this.planDrop(inode) : undefined;
    const nowNs = this.now();
    entriesOf(directory).delete(nameBytes);
    directory.fields.sizeBytes--;
    if (kind === 'removeDirectory') directory.fields.linkCount--;
    this.#directoryChanged(directory, nowNs);
    inode.fields.linkCount--;
    this.#statusChanged(inode, nowNs);
    if (how !== undefined) this.drop(inode, how);
    this.logged({ kind, parent: directory.number, name, released: how?.released ?? false, nowNs });
  }

  #contentChanged(inode: Inode): bigint {
    const nowNs = this.now();
    inode.fields.modifiedNs = nowNs;
    this.#statusChanged(inode, nowNs);
    return nowNs;
  }

  #directoryChanged(directory: Inode, nowNs: bigint): void {
    directory.fields.modifiedNs = nowNs;
    this.#statusChanged(directory, nowNs);
  }

  #statusChanged(inode: Inode, nowNs: bigint): void {
    inode.fields.changedNs = nowNs;
    this.table.changed(inode);
  }
}

function targetOf(inode: Inode): EntryTarget {
  return { ino: inode.number, kind: inode.fields.kind as Exclude<InodeFields['kind'], 'free' | 'attributes' | 'system'> };
}

function symlinkTarget(target: string): Uint8Array {
  const bytes = Buffer.from(target, 'utf8');
  if (target === '' || target.includes('\0') || !target.isWellFormed()) {
    throw new MirrorpointError('name-invalid', `A symbolic link cannot lead to ${JSON.stringify(target)}. Give it a path.`);
  }
  if (bytes.length <= symlinkBytesMax) return bytes;
  throw new MirrorpointError(
    'name-too-long',
    `A symbolic link's target of ${bytes.length} bytes is too long: at most ${symlinkBytesMax} are possible.`,
  );
}

function tooManyLinks(ino: number): never {
  throw new MirrorpointError('too-many-links', `Inode ${ino} has ${linkCountMax} links, and can have no more. Copy it instead.`);
}
