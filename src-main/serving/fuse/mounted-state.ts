import { MirrorpointError } from '../../base/index.ts';
import { decodeUtf8, type FileReader, nameFromBytes } from '../../files/index.ts';
import type { ServedFiles } from '../served-files.ts';
import { nodeGeneration } from './kernel-reply.ts';
import type { Node } from './kernel-request.ts';
import type { OpenHandles } from './open-handles.ts';
import type { ReplyBuffers } from './reply-buffers.ts';

/** What the answers to all requests of one mount have in common. */
export interface MountedState {
  readonly files: ServedFiles;
  readonly handles: OpenHandles;
  readonly buffers: ReplyBuffers;
  /** Directories that were removed while the kernel knew them, which it may still ask about. */
  readonly keptRemoved: Set<number>;
  readonly blockSizeBytes: number;
  /** How long the kernel may believe what it is told. */
  readonly trustSeconds: number;
}

/** The inode of a node. Throws `source-changed` when it has gone, also when its number is that of another file now. */
export function inodeOf(files: FileReader, node: Node): number {
  const generation = files.generationOf(node.ino);
  if (generation !== undefined && nodeGeneration(node.ino, generation) === node.generation) return node.ino;
  throw new MirrorpointError('source-changed', `The file with inode number ${node.ino} that was asked about is no longer there. Look its path up again.`);
}

/** An offset or size of a file. Throws `file-too-large` for one beyond all that can be counted. */
export function checkOffset(offset: number): number {
  if (Number.isSafeInteger(offset)) return offset;
  throw new MirrorpointError('file-too-large', `A file cannot be so large that it has an offset of ${offset}. Split it into several files.`);
}

export function nameOf(bytes: Uint8Array): string {
  return nameFromBytes(bytes);
}

/** Text that is no name. Throws `name-invalid`. */
export function textOf(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new MirrorpointError('name-invalid', 'A path or the name of an attribute was given that is not UTF-8. Write it in UTF-8.');
}
