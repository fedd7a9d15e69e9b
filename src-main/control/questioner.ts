import { type Clock, MirrorpointError, reasonOf } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { controlHeadersOf, type ControlMessage, ControlReader, encodeControlMessage, webHeadersOf } from './control-message.ts';
import { answerBytesMax, answerTimeoutMs } from './limits.ts';

/** Asks questions over a link, any number side by side, and owns the link. */
export class Questioner implements AsyncDisposable {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, { resolve: (answer: Response) => void; reject: (fault: unknown) => void }>();
  #lastId = 0;
  #ended: MirrorpointError | undefined;

  constructor(link: Link, options: { clock: Clock }) {
    this.#link = link;
    this.#clock = options.clock;
    void this.#run();
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Fails with 'link-closed', 'link-timeout' and the faults of what came instead of an answer. */
  async ask(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const head = { path: `${pathname}${search}`, headers: controlHeadersOf(request.headers) };
    const body = new Uint8Array(await request.arrayBuffer());
    if (this.#ended !== undefined) throw this.#ended;
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.#waiting.set(id, { resolve, reject });
    const cancel = this.#clock.setTimer(answerTimeoutMs, () => {
      this.#end(new MirrorpointError('link-timeout', `The server at ${this.#link.remote} did not answer within ${answerTimeoutMs / 1000} s. Look whether it is stuck.`));
    });
    try {
      this.#send({ id, head, body });
      return await promise;
    } finally {
      cancel();
      this.#waiting.delete(id);
    }
  }

  /** Idempotent. What was asked and not answered fails. */
  close(): Promise<void> {
    this.#end(new MirrorpointError('link-closed', `The link to ${this.#link.remote} was closed.`));
    return this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(question: ControlMessage): void {
    this.#link.send(encodeControlMessage(question)).catch((fault: unknown) => {
      this.#end(fault instanceof MirrorpointError ? fault : new MirrorpointError('link-closed', reasonOf(fault), { cause: fault }));
    });
  }

  async #run(): Promise<void> {
    const reader = new ControlReader({ bytesMax: answerBytesMax });
    try {
      for (let chunk = await this.#link.receive(); chunk !== undefined; chunk = await this.#link.receive()) {
        for (const { id, head, body } of reader.push(chunk)) {
          if (!('status' in head)) throw new MirrorpointError('message-invalid', `The server at ${this.#link.remote} asks where it is to answer. Run the same version on both servers.`);
          this.#waiting.get(id)?.resolve(new Response(new Uint8Array(body), { status: head.status, headers: webHeadersOf(head.headers) }));
        }
      }
      this.#end(new MirrorpointError('link-closed', `The server at ${this.#link.remote} ended the link. Try again.`));
    } catch (fault) {
      this.#end(fault instanceof MirrorpointError ? fault : new MirrorpointError('message-invalid', `The server at ${this.#link.remote} sent what is no answer: ${reasonOf(fault)}`, { cause: fault }));
    }
  }

  #end(fault: MirrorpointError): void {
    if (this.#ended !== undefined) return;
    this.#ended = fault;
    for (const { reject } of this.#waiting.values()) reject(fault);
    this.#waiting.clear();
    void this.#link.close();
  }
}
