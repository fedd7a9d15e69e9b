import { markOf } from '../files/index.ts';
import type { VolumeState } from '../volume/index.ts';
import { namesRememberedMax } from './limits.ts';
import { entriesIn, look, pathIn } from './states.ts';
import type { StepWork } from './step.ts';

/** More folders above one another can only be a damaged circle. */
const depthMax = 100_000;

/**
 * The paths of a state's folders. A folder knows its parent and not its name,
 * which is looked for there; the names of other folders that are passed by are
 * remembered, up to a bound, so that a parent is read once for many of them.
 */
export class FolderPaths {
  readonly #state: VolumeState;
  readonly #work: StepWork;
  readonly #names = new Map<number, string>();
  /** By parent, up to which name it was read. */
  readonly #readTo = new Map<number, string | undefined>();

  constructor(state: VolumeState, work: StepWork) {
    this.#state = state;
    this.#work = work;
  }

  /** Undefined for a folder that is gone. */
  async of(ino: number): Promise<string | undefined> {
    const names: string[] = [];
    for (let folder = ino; names.length < depthMax; ) {
      const at = folder;
      const mark = await look([this.#state], () => markOf(this.#state.files.inodes, at));
      if (mark?.kind !== 'directory') return undefined;
      if (mark.parent === folder) return names.reduceRight(pathIn, '/');
      const name = await this.#nameOf(folder, mark.parent);
      if (name === undefined) return undefined;
      names.push(name);
      folder = mark.parent;
    }
    return undefined;
  }

  async #nameOf(folder: number, parent: number): Promise<string | undefined> {
    return this.#names.get(folder) ?? (await this.#readOn(parent, folder, this.#readTo.get(parent))) ?? (await this.#readOn(parent, folder, undefined));
  }

  async #readOn(parent: number, wanted: number, from: string | undefined): Promise<string | undefined> {
    for (let after = from; ; ) {
      const behind = after;
      const page = await look([this.#state], () => entriesIn(this.#state, parent, behind));
      this.#work.spend(page.length + 1);
      after = page.at(-1)?.name;
      if (after === undefined) return undefined;
      this.#readTo.set(parent, after);
      for (const { ino, kind, name } of page) if (kind === 'directory' && this.#names.size < namesRememberedMax) this.#names.set(ino, name);
      const found = page.find(({ ino }) => ino === wanted);
      if (found !== undefined) return found.name;
    }
  }
}
