import type { AttributeChanges } from './attributes.ts';

/** What a new inode gets. */
export interface NewFile {
  /** POSIX permission bits, 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

interface Timed {
  readonly nowNs: bigint;
}

/** The inode that a request took. */
interface Taking {
  readonly ino: number;
}

interface Named {
  readonly parent: number;
  readonly name: string;
}

/** Whether a removed file's inode was freed at once; if not, and no link is left, it became an orphan. */
interface Dropping {
  readonly released: boolean;
}

/**
 * A change of the live file system with everything that determines its effect:
 * its arguments, the time, and what it decided from state that a replay does
 * not have (open handles). Applied in order to the same state, operations give
 * the same state, inode numbers included.
 */
export type Operation =
  | ({ kind: 'createFile' | 'makeDirectory' } & Named & NewFile & Taking & Timed)
  | ({ kind: 'symlink'; target: string } & Named & NewFile & Taking & Timed)
  | ({ kind: 'link'; ino: number } & Named & Timed)
  | ({ kind: 'unlink' | 'removeDirectory' } & Named & Dropping & Timed)
  | ({ kind: 'rename'; toParent: number; toName: string; exchange: boolean } & Named & Dropping & Timed)
  | ({ kind: 'write'; ino: number; offsetBytes: number; lengthBytes: number; data?: Uint8Array } & Timed)
  | ({ kind: 'truncate'; ino: number; sizeBytes: number } & Timed)
  | ({ kind: 'punchHole'; ino: number; offsetBytes: number; lengthBytes: number } & Timed)
  | ({ kind: 'setAttributes'; ino: number; changes: AttributeChanges } & Timed)
  | ({ kind: 'setExtendedAttribute'; ino: number; name: string; value: Uint8Array; attributesInode: number } & Timed)
  | ({ kind: 'removeExtendedAttribute'; ino: number; name: string } & Timed)
  | { kind: 'shrinkOrphan'; ino: number; sizeBytes: number }
  | { kind: 'release'; ino: number };

export type OperationKind = Operation['kind'];

/** A short account of an operation, for messages. */
export function describeOperation(operation: Operation): string {
  const parts: string[] = [operation.kind];
  if ('name' in operation) parts.push(JSON.stringify(operation.name));
  if ('parent' in operation) parts.push(`in directory ${operation.parent}`);
  if ('ino' in operation) parts.push(`on inode ${operation.ino}`);
  return parts.join(' ');
}
