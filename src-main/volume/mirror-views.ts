import { MirrorpointError } from '../base/index.ts';
import type { BlockSpace } from '../preservation/index.ts';
import type { Line } from './mirror-line.ts';
import type { ViewedRoot } from '../snapshots/index.ts';

/** CPs that views may keep open at a time: fewer than one message of the protocol can name. */
const viewedCpsMax = 1000;

/** A root that is read, and the line that it is of. */
export interface ReadRoot {
  readonly line: Line;
  readonly root: ViewedRoot;
}

/** Who reads which roots of a mirror. What is read stays: the primary is told, and lines are not given up. */
export class MirrorViews {
  readonly #name: string;
  readonly #onLeft: () => void;
  readonly #listeners = new Set<() => void>();
  /** Lines that somebody reads. */
  readonly #readers = new Map<BlockSpace, Line>();

  /** `name` is what messages call the mirror; `onLeft` is called when somebody reads no more. */
  constructor(name: string, onLeft: () => void) {
    this.#name = name;
    this.#onLeft = onLeft;
  }

  /** Calls the listener when other roots are read than before; the result ends that. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  isRead(space: BlockSpace): boolean {
    return this.#readers.has(space);
  }

  /** Enters reading all of the roots, in one step; the result leaves it. Throws `volume-in-use`. */
  enter(roots: readonly ReadRoot[]): () => void {
    const entered: (() => void)[] = [];
    const leave = (): void => {
      if (entered.length === 0) return;
      for (const leaveOne of entered.splice(0)) leaveOne();
      this.#tell();
      this.#onLeft();
    };
    try {
      for (const { line, root } of roots) entered.push(this.#enterOne(line, root));
    } catch (fault) {
      leave();
      throw fault;
    }
    this.#tell();
    return leave;
  }

  #enterOne(line: Line, root: ViewedRoot): () => void {
    const known = line.views.get(root.cp);
    if (known === undefined && line.views.size >= viewedCpsMax) {
      throw new MirrorpointError(
        'volume-in-use',
        `Views of ${viewedCpsMax} different CPs are open on the mirror ${this.#name}, the most there can be. Close some of them.`,
      );
    }
    const held = known ?? { root, count: 0 };
    held.count++;
    line.views.set(root.cp, held);
    this.#readers.set(line.space, line);
    return () => {
      held.count--;
      if (held.count === 0) line.views.delete(root.cp);
      if (line.views.size === 0) this.#readers.delete(line.space);
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
