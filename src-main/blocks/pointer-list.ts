import { pointerBytes, pointerVbn } from '../format/index.ts';

const nothing = new Uint8Array(0);

/** A growing array of block pointers, copied in; one allocation serves thousands. */
export class PointerList {
  #bytes = nothing;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The pointers' bytes; pointer `i` stands at `i * pointerBytes`. Valid until the next push. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  push(bytes: Uint8Array, offset: number): void {
    if ((this.#count + 1) * pointerBytes > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(16 * pointerBytes, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const start = this.#count * pointerBytes;
    for (let index = 0; index < pointerBytes; index++) this.#bytes[start + index] = bytes[offset + index]!;
    this.#count++;
  }

  clear(): void {
    this.#count = 0;
  }

  vbn(index: number): number {
    return pointerVbn(this.#bytes, index * pointerBytes);
  }

  /** Positions in the list in the order of their VBNs: the order to read them in. */
  orderByVbn(): Uint32Array {
    const order = new Uint32Array(this.#count);
    const vbns = new Float64Array(this.#count);
    let isRising = true;
    for (let index = 0; index < this.#count; index++) {
      order[index] = index;
      vbns[index] = this.vbn(index);
      if (index > 0 && vbns[index]! < vbns[index - 1]!) isRising = false;
    }
    return isRising ? order : order.sort((a, b) => vbns[a]! - vbns[b]!);
  }
}
