import { checksumOf } from '../base/index.ts';

/**
 * The names under which files come into a volume until they are whole. A name
 * follows from the file's, so that a second try clears away what an interrupted
 * one left; but no two imports that run at once are given the same.
 */
export class TemporaryNames {
  readonly #taken = new Set<string>();

  /** A name for a file in a folder of the volume; the caller gives it back. */
  take(parent: number, name: string): string {
    const first = `.mirrorpoint-put-${checksumOf(Buffer.from(name)).toString(16)}`;
    let free = first;
    for (let others = 1; this.#taken.has(`${parent}/${free}`); others++) free = `${first}-${others}`;
    this.#taken.add(`${parent}/${free}`);
    return free;
  }

  giveBack(parent: number, temporaryName: string): void {
    this.#taken.delete(`${parent}/${temporaryName}`);
  }
}
