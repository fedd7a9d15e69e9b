import { replyHeadBytes, contentBytesMax, spareBuffersMax } from './limits.ts';

/** Memory for answers with content, used again and again. */
export class ReplyBuffers {
  readonly #spare: Uint8Array[] = [];
  readonly #taken = new Set<ArrayBufferLike>();

  /** A buffer for the longest answer. */
  take(): Uint8Array {
    const buffer = this.#spare.pop() ?? new Uint8Array(replyHeadBytes + contentBytesMax);
    this.#taken.add(buffer.buffer);
    return buffer;
  }

  /** Takes back the buffer that an answer lies in, if it is one of these. */
  giveBack(reply: Uint8Array): void {
    if (!this.#taken.delete(reply.buffer)) return;
    if (this.#spare.length < spareBuffersMax) this.#spare.push(new Uint8Array(reply.buffer));
  }
}
