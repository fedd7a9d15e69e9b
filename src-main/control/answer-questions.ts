import { assert, type CancelTimer, type Clock, MirrorpointError } from '../base/index.ts';
import type { Link } from '../transport/index.ts';
import { controlHeadersOf, type ControlMessage, ControlReader, encodeControlMessage, webHeadersOf } from './control-message.ts';
import { answerBytesMax, answerHeadBytesMax, idleMaxMs, questionBytesMax, questionsInFlightMax } from './limits.ts';

export interface AnswerOptions {
  readonly clock: Clock;
  /** Answers one question. It never throws: a fault is an answer too. */
  readonly answer: (request: Request) => Promise<Response>;
}

/**
 * Answers the questions that come over a link until it ends, or is idle for too
 * long, and closes it. Resolves to the operating fault that ended it, if any.
 */
export async function answerQuestions(link: Link, options: AnswerOptions): Promise<MirrorpointError | undefined> {
  const { clock } = options;
  const reader = new ControlReader({ bytesMax: questionBytesMax });
  const inFlight = new Set<Promise<void>>();
  let cancelIdle: CancelTimer = () => undefined;
  const restartIdle = (): void => {
    cancelIdle();
    cancelIdle = clock.setTimer(idleMaxMs, () => {
      if (inFlight.size > 0) restartIdle();
      else void link.close();
    });
  };
  try {
    restartIdle();
    for (let chunk = await link.receive(); chunk !== undefined; chunk = await link.receive()) {
      restartIdle();
      for (const question of reader.push(chunk)) {
        const work = answerOne(link, question, options).finally(() => inFlight.delete(work));
        inFlight.add(work);
        if (inFlight.size >= questionsInFlightMax) await Promise.race(inFlight);
      }
    }
    return undefined;
  } catch (fault) {
    if (fault instanceof MirrorpointError) return fault;
    throw fault;
  } finally {
    cancelIdle();
    await link.close();
    await Promise.all(inFlight);
  }
}

async function answerOne(link: Link, { id, head, body }: ControlMessage, { answer }: AnswerOptions): Promise<void> {
  // An answer where a question is due: whoever says that is not worth more words.
  if (!('path' in head)) {
    await link.close();
    return;
  }
  const response = await answer(new Request(`http://peer${head.path}`, { method: 'POST', headers: webHeadersOf(head.headers), body: new Uint8Array(body) }));
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert(bytes.length + answerHeadBytesMax <= answerBytesMax, `an answer has ${bytes.length} bytes, and only ${answerBytesMax} travel`);
  const message: ControlMessage = { id, head: { status: response.status, headers: controlHeadersOf(response.headers) }, body: bytes };
  try {
    await link.send(encodeControlMessage(message));
  } catch {
    // The link has ended, which its reader finds out.
  }
}
