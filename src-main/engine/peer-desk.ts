import { RPCHandler } from '@orpc/server/fetch';
import { reasonOf } from '../base/index.ts';
import { answerQuestions, linksPerPeerMax } from '../control/index.ts';
import type { Link } from '../transport/index.ts';
import type { Engine } from './engine.ts';
import { peerRouter } from './peer-procedures.ts';

/** Where the questions of paired servers come in, for as long as it is open. */
export class PeerDesk implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #handler = new RPCHandler(peerRouter);
  readonly #links = new Map<Link, { peer: string; ended: Promise<void> }>();

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static open(engine: Engine): PeerDesk {
    const desk = new PeerDesk(engine);
    engine.trust.receiveControl((link) => {
      desk.#receive(link);
    });
    return desk;
  }

  /** Ends every link, and takes no other. Idempotent. */
  async close(): Promise<void> {
    this.#engine.trust.receiveControl(undefined);
    const links = [...this.#links];
    await Promise.all(links.map(([link]) => link.close()));
    await Promise.all(links.map(([, { ended }]) => ended));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Answers what comes over a link of a trusted server, until it ends. */
  #receive(link: Link): void {
    const peer = link.peerIdentity;
    const sameCount = [...this.#links.values()].filter((known) => known.peer === peer).length;
    if (peer === undefined || sameCount >= linksPerPeerMax) {
      void link.close();
      return;
    }
    const ended = this.#answer(link, peer).catch((thrown: unknown) => {
      this.#engine.events.add('server', `A fault in the program while a paired server was answered: ${reasonOf(thrown)}`, { level: 'problem' });
    });
    this.#links.set(link, { peer, ended });
    void ended.then(() => this.#links.delete(link));
  }

  async #answer(link: Link, peer: string): Promise<void> {
    const engine = this.#engine;
    await using session = engine.newSession();
    await answerQuestions(link, {
      clock: engine.ports.clock,
      answer: async (request) => {
        const { response } = await this.#handler.handle(request, { context: { engine, session, peer } });
        return response ?? new Response(undefined, { status: 404 });
      },
    });
  }
}
