import { MirrorpointError } from '../../base/index.ts';
import { DirectoryPlaces } from './directory-places.ts';
import { openHandlesMax } from './limits.ts';

/** A file or directory that a program has open. Its inode is held as long. */
export interface OpenHandle {
  readonly ino: number;
  /** Of a directory. */
  readonly places: DirectoryPlaces | undefined;
}

/** What programs have open through one mount, by the numbers that the kernel was given. */
export class OpenHandles {
  readonly #handles = new Map<number, OpenHandle>();
  #next = 1;

  /** Throws `limit-reached` when no more can be opened; asked before the inode is held. */
  refuseTooMany(): void {
    if (this.#handles.size < openHandlesMax) return;
    throw new MirrorpointError('limit-reached', `${openHandlesMax} files are open through this mount, which is the most. Close some and try again.`);
  }

  add(ino: number, kind: 'file' | 'directory'): number {
    const handle = this.#next++;
    this.#handles.set(handle, { ino, places: kind === 'directory' ? new DirectoryPlaces() : undefined });
    return handle;
  }

  /** Throws `message-invalid` for a number that is not given out. */
  get(handle: number): OpenHandle {
    return this.#handles.get(handle) ?? unknownHandle(handle);
  }

  directory(handle: number): { ino: number; places: DirectoryPlaces } {
    const { ino, places } = this.get(handle);
    return places === undefined ? unknownHandle(handle) : { ino, places };
  }

  /** Gives the handle up; returns the inode to release. */
  remove(handle: number): number {
    const { ino } = this.get(handle);
    this.#handles.delete(handle);
    return ino;
  }

  /** Forgets all of them; whoever holds the inodes releases those. */
  clear(): void {
    this.#handles.clear();
  }
}

function unknownHandle(handle: number): never {
  throw new MirrorpointError('message-invalid', `A request came from the kernel for handle ${handle}, which is not open. It was refused.`);
}
