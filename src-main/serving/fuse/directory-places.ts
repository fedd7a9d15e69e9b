import { rememberedNamesMax } from './limits.ts';

/** Places before the first name: the directory itself, and the one that it lies in. */
export const firstPlace = 2;

/**
 * The places in an open directory that were told to programs. A listing is in
 * the order of names, so that the place behind a name is wherever the name
 * would stand, whatever is put in or removed meanwhile: a place is a number for
 * a name, the same each time. A number made of the name itself would need more
 * than the 63 bits that there are, and a count of entries would move.
 */
export class DirectoryPlaces {
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();
  #next = firstPlace + 1;

  /** The place behind a name. The oldest is forgotten when there are too many. */
  behind(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const place = this.#next++;
    this.#numbers.set(name, place);
    this.#names.set(place, name);
    if (this.#names.size > rememberedNamesMax) this.#forgetOldest();
    return place;
  }

  /** The name before a place; undefined for one that was never told, or was forgotten. */
  nameBefore(place: number): string | undefined {
    return this.#names.get(place);
  }

  #forgetOldest(): void {
    for (const [place, name] of this.#names) {
      this.#names.delete(place);
      this.#numbers.delete(name);
      return;
    }
  }
}
