import { isFault } from '../../base/index.ts';
import type { ServedFiles } from '../served-files.ts';
import type { Staging } from './staging.ts';

/** The same files; a change that finds no room is tried again when what clients have removed is gone. */
export function roomyFiles(files: ServedFiles, staging: Staging): ServedFiles {
  const withRoom = async <T>(attempt: () => Promise<T>): Promise<T> => {
    try {
      return await attempt();
    } catch (fault) {
      if (!isFault(fault, 'volume-full') || !(await staging.settled())) throw fault;
      return attempt();
    }
  };
  return {
    subject: files.subject,
    isReadOnly: files.isReadOnly,
    cp: files.cp,
    query: (operation) => files.query(operation),
    change: (costBlocks, operation, options) => withRoom(() => files.change(costBlocks, operation, options)),
    hold: (costBlocks, operation) => withRoom(() => files.hold(costBlocks, operation)),
    holdThrough: (costBlocks, find, operation) => withRoom(() => files.holdThrough(costBlocks, find, operation)),
    keep: (operation) => files.keep(operation),
    release: (ino) => files.release(ino),
    readInto: (ino, offsetBytes, target) => files.readInto(ino, offsetBytes, target),
    seek: (ino, offsetBytes, what) => files.seek(ino, offsetBytes, what),
    sync: () => files.sync(),
    capacity: () => files.capacity(),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}
