import { type Clock, isFault } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { decodeMessage, FrameReader, handshakeFrameBytesMax, type HelloMessage } from '../wire/index.ts';

/** How long a peer that has opened a link may take to say who it is. */
const helloWaitMs = 10_000;

/** A link whose first bytes were looked at, and are received again. */
class ReplayedLink implements Link {
  readonly #link: Link;
  readonly #chunks: Uint8Array[];

  constructor(link: Link, chunks: Uint8Array[]) {
    this.#link = link;
    this.#chunks = chunks;
  }

  get remote(): string {
    return this.#link.remote;
  }

  get peerIdentity(): string | undefined {
    return this.#link.peerIdentity;
  }

  send(buffers: readonly Uint8Array[]): Promise<void> {
    return this.#link.send(buffers);
  }

  receive(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    return chunk === undefined ? this.#link.receive() : Promise.resolve(chunk);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Waits for the hello of a peer that has opened a link: who it is decides who
 * works over it. Resolves to the hello and a link on which it is received again;
 * without a hello when what came is none, which the session then says. Resolves
 * to undefined when the link has ended, or nothing came in time; it is closed then.
 */
export async function firstHello(
  link: Link,
  clock: Clock,
): Promise<{ readonly link: Link; readonly hello: HelloMessage | undefined } | undefined> {
  const cancel = clock.setTimer(helloWaitMs, () => void link.close());
  const reader = new FrameReader({ limitBytes: handshakeFrameBytesMax });
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const chunk = await link.receive();
      if (chunk === undefined) break;
      chunks.push(chunk);
      for (const frame of reader.read(chunk)) {
        const message = decodeMessage(frame);
        return { link: new ReplayedLink(link, chunks), hello: message.type === 'hello' ? message : undefined };
      }
    }
  } catch (fault) {
    if (!isFault(fault)) throw fault;
    if (fault.code !== 'link-closed') return { link: new ReplayedLink(link, chunks), hello: undefined };
  } finally {
    cancel();
  }
  await link.close();
  return undefined;
}
