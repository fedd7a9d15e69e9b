import type { NamedBlock } from '../consistency/index.ts';
import { type BlockChange, changeHeadBytes, changesBytesMax, changesMax, patchBetween } from '../wire/index.ts';

/** Gathers changes until they fill a message. */
export class LiveChanges {
  readonly #send: (changes: readonly BlockChange[]) => void;
  #changes: BlockChange[] = [];
  #bytes = 0;

  constructor(send: (changes: readonly BlockChange[]) => void) {
    this.#send = send;
  }

  /** Whether the block goes as a change of the one that it replaces; else it is too different. */
  add(vbn: number, bytes: Uint8Array, replaced: NamedBlock): boolean {
    const patch = patchBetween(replaced.bytes, bytes);
    if (patch === undefined) return false;
    const changeBytes = changeHeadBytes + patch.length;
    if (this.#bytes + changeBytes > changesBytesMax || this.#changes.length === changesMax) this.flush();
    this.#changes.push({ vbn, replacedVbn: replaced.vbn, replacedBirthCp: replaced.birthCp, patch });
    this.#bytes += changeBytes;
    return true;
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#changes.length > 0) this.#send(this.#changes);
    this.drop();
  }

  /** Forgets what was gathered. */
  drop(): void {
    this.#changes = [];
    this.#bytes = 0;
  }
}
