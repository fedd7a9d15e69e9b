import { checksumOf } from '../base/index.ts';
import type { NamedBlock } from '../consistency/index.ts';
import { type BlockChange, bodyBytesMax, changeHeadBytes, changesHeadBytes, changesMax, patchBetween } from '../wire/index.ts';

/** Gathers changes until they fill a message. */
export class LiveChanges {
  readonly #send: (changes: readonly BlockChange[]) => void;
  #changes: BlockChange[] = [];
  #bytes = changesHeadBytes;

  constructor(send: (changes: readonly BlockChange[]) => void) {
    this.#send = send;
  }

  /** Whether the block goes as a change of the one that it replaces; else it is too different. */
  add(vbn: number, bytes: Uint8Array, replaced: NamedBlock): boolean {
    const patch = patchBetween(replaced.bytes, bytes);
    if (patch === undefined) return false;
    const changeBytes = changeHeadBytes + patch.length;
    if (this.#bytes + changeBytes > bodyBytesMax || this.#changes.length === changesMax) this.flush();
    this.#changes.push({ vbn, checksum: checksumOf(bytes), replacedVbn: replaced.vbn, replacedBirthCp: replaced.birthCp, patch });
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
    this.#bytes = changesHeadBytes;
  }
}
