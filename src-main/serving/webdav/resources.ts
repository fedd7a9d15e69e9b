import { isFault, MirrorpointError } from '../../base/index.ts';
import type { Attributes, FileReader } from '../../files/index.ts';
import { pathOfNames } from './address.ts';
import { DavRefusal } from './refusal.ts';
import type { Version } from './preconditions.ts';

/** A name in a folder. */
export interface Entry {
  readonly parent: number;
  readonly name: string;
}

/** Changes with the content of a file, and differs between two files that had one name after the other. */
export function etagOf({ ino, generation, sizeBytes, modifiedNs }: Attributes): string {
  return `"${[ino, generation, sizeBytes].map((part) => part.toString(16)).join('-')}-${modifiedNs.toString(16)}"`;
}

export function versionOf(attributes: Attributes): Version {
  return { etag: etagOf(attributes), modifiedNs: attributes.modifiedNs };
}

function undefinedWhereNothingIs<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (isFault(thrown, 'not-found') || isFault(thrown, 'not-a-directory') || isFault(thrown, 'too-many-symbolic-links')) return undefined;
    throw thrown;
  }
}

/** What a path leads to, over symbolic links, which never lead out of the volume. */
export function findResource(files: FileReader, names: readonly string[]): Attributes | undefined {
  return undefinedWhereNothingIs(() => files.stat(files.resolvePath(pathOfNames(names))));
}

export function existingResource(files: FileReader, names: readonly string[]): Attributes {
  return findResource(files, names) ?? notHere(names);
}

export function notHere(names: readonly string[]): never {
  throw new MirrorpointError('not-found', `There is no ${pathOfNames(names)} in the share. List the folder before it.`);
}

/** What stands under a name itself, links included. */
export function findEntry(files: FileReader, { parent, name }: Entry): Attributes | undefined {
  return undefinedWhereNothingIs(() => files.stat(files.lookup(parent, name).ino));
}

/** The folder that a resource is in, which must be there (409), and its name. */
export function entryOf(files: FileReader, names: readonly string[]): Entry {
  const name = names.at(-1);
  if (name === undefined) throw new DavRefusal(403, 'The root of a share is neither made, replaced, moved nor removed. Name what is in it.');
  const parent = findResource(files, names.slice(0, -1));
  if (parent?.kind === 'directory') return { parent: parent.ino, name };
  throw new DavRefusal(409, `There is no folder ${pathOfNames(names.slice(0, -1))} in the share. Make it first.`, { code: 'not-found' });
}

/** Whether nothing has taken the place of what was there, and its content is the same. */
export function isSameFile(one: Attributes | undefined, other: Attributes | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.ino === other.ino && etagOf(one) === etagOf(other);
}
