import type { LocalAttributes, WholeFile } from '../../engine/index.ts';
import { localFault, toldFault, type ToldFault } from './local-faults.ts';
import { mayGiveAway, nameBeside, secondsOf } from './local-writing.ts';
import { SideThread } from './side-thread.ts';

interface Order {
  readonly path: string;
  /** What the file is called until it is whole. */
  readonly made: string;
  readonly bytes: Uint8Array;
  readonly parts: WholeFile['parts'];
  readonly mode: number;
  readonly owner: Pick<LocalAttributes, 'uid' | 'gid'> | undefined;
  readonly seconds: number;
  readonly replace: boolean;
}

function makeFiles(): (order: Order) => ToldFault | undefined {
  const fs = process.getBuiltinModule('node:fs');
  let doing = '';

  const fill = (fd: number, { bytes, parts, mode, owner, seconds }: Order): void => {
    doing = 'written';
    for (const { start, end } of parts) {
      for (let at = start; at < end; ) at += fs.writeSync(fd, bytes, at, end - at, at);
    }
    if ((parts.at(-1)?.end ?? 0) < bytes.length) fs.ftruncateSync(fd, bytes.length);
    doing = 'given to its owner';
    if (owner !== undefined) fs.fchownSync(fd, owner.uid, owner.gid);
    doing = 'changed';
    fs.fchmodSync(fd, mode);
    doing = 'dated';
    fs.futimesSync(fd, seconds, seconds);
  };

  const make = (order: Order): void => {
    const { path, made, replace } = order;
    doing = 'made';
    const fd = fs.openSync(made, 'wx', 0o600);
    try {
      try {
        fill(fd, order);
      } finally {
        fs.closeSync(fd);
      }
      doing = 'named';
      if (replace) fs.renameSync(made, path);
      else {
        // A rename would replace in silence what came meanwhile; a link does not.
        fs.linkSync(made, path);
        fs.unlinkSync(made);
      }
    } catch (fault) {
      fs.rmSync(made, { force: true });
      throw fault;
    }
  };

  return (order) => {
    try {
      make(order);
      return undefined;
    } catch (fault) {
      const { code, message } = fault as NodeJS.ErrnoException;
      return { doing, code, message };
    }
  };
}

/**
 * Makes small files on a thread of its own, each in one go. Through the threads
 * that Node has for files, a file costs eight calls that each wait for their
 * turn, and several files made at once wait for each other in their folder. How
 * many wait here is bounded by the copies that ask.
 */
export class FileMaker {
  readonly #thread = new SideThread({ name: 'file maker', work: makeFiles });

  /** Throws `exists` when the name is taken and may not be replaced. */
  async make(path: string, { bytes, parts, attributes, replace }: WholeFile): Promise<void> {
    const { mode, uid, gid, modifiedNs } = attributes;
    const owner = mayGiveAway ? { uid, gid } : undefined;
    const order: Order = { path, made: nameBeside(path), bytes, parts, mode, owner, seconds: secondsOf(modifiedNs), replace };
    const fault = await this.#thread.ask(order).catch((cause: unknown) => {
      throw localFault(path, 'made', cause);
    });
    if (fault !== undefined) throw toldFault(path, fault);
  }
}
