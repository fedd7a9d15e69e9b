import { waitingNamesMax, waitingNamesOfFolderMax } from './limits.ts';

/** What waits in one folder: some names, or the whole listing. */
export interface WaitingFolder {
  /** From the followed folder on, by its parts joined with slashes; '' is that folder. */
  readonly folder: string;
  readonly names: readonly string[] | 'all';
}

/** What a watch has told of and nobody has looked at yet. When it is too much, all that is known is that there was something. */
export class WaitingChanges {
  readonly #folders = new Map<string, Set<string> | 'all'>();
  #count = 0;
  #isLost = false;

  /** Names that wait, a whole folder counted as one. */
  get count(): number {
    return this.#count;
  }

  /** Changes were missed, or were too many: only a full compare finds them. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Notes a name of a folder, or without one the folder. */
  note(folder: string, name: string | undefined): void {
    if (this.#isLost) return;
    const known = this.#folders.get(folder);
    if (known === 'all' || (name !== undefined && known?.has(name) === true)) return;
    if (name === undefined || (known?.size ?? 0) >= waitingNamesOfFolderMax) {
      this.#count += 1 - (known?.size ?? 0);
      this.#folders.set(folder, 'all');
    } else {
      this.#count++;
      if (known === undefined) this.#folders.set(folder, new Set([name]));
      else known.add(name);
    }
    if (this.#count > waitingNamesMax) this.noteLost();
  }

  noteLost(): void {
    this.#isLost = true;
    this.#folders.clear();
    this.#count = 0;
  }

  /** Hands over what waits, folders before those in them, and begins anew. */
  take(): { isLost: boolean; folders: WaitingFolder[] } {
    const folders = [...this.#folders].map(([folder, names]): WaitingFolder => ({ folder, names: names === 'all' ? names : [...names] }));
    const taken = { isLost: this.#isLost, folders: folders.sort((one, other) => (one.folder < other.folder ? -1 : 1)) };
    this.#folders.clear();
    this.#count = 0;
    this.#isLost = false;
    return taken;
  }
}
