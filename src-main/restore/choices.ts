import { type CollisionChoice, type RestoreRequest, splitPath } from '../contract/index.ts';

/** What to do with the collisions of a restore: of a path, what was chosen for it or for the nearest folder above it. */
export class CollisionChoices {
  readonly #byPath: ReadonlyMap<string, CollisionChoice>;
  readonly #otherwise: CollisionChoice;

  constructor(request: Pick<RestoreRequest, 'collisions' | 'choices'>) {
    this.#byPath = new Map(request.choices.map(({ path, choice }) => [path, choice]));
    this.#otherwise = request.collisions;
  }

  of(path: string): CollisionChoice {
    if (this.#byPath.size === 0) return this.#otherwise;
    for (let at = path; ; ) {
      const choice = this.#byPath.get(at);
      if (choice !== undefined) return choice;
      const above = splitPath(at);
      if (above === undefined) return this.#otherwise;
      at = above.folder;
    }
  }
}
