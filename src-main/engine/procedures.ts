import { implement, ORPCError } from '@orpc/server';
import { AssertionFault, MirrorpointError } from '../base/index.ts';
import { contract, faultToWire, translatingFaults } from '../contract/index.ts';
import type { Engine } from './engine.ts';
import type { EngineSession } from './session.ts';

/** What every procedure works with: the engine, and what its caller holds open. */
export interface ProcedureContext {
  readonly engine: Engine;
  readonly session: EngineSession;
}

/** A fault of the program itself goes to the server's log, with the place where it arose. */
function toWire(engine: Engine, thrown: unknown): unknown {
  if (!(thrown instanceof MirrorpointError) && !(thrown instanceof ORPCError)) {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    engine.events.add('server', `A fault in the program: ${text}`, { level: 'problem' });
  }
  return thrown instanceof AssertionFault ? new ORPCError('INTERNAL_SERVER_ERROR', { message: thrown.message }) : faultToWire(thrown);
}

/** Lets the faults of a handler, and of the stream that it may return, leave with their codes. */
export async function withCodedFaults<T extends { output: unknown }>(engine: Engine, next: () => Promise<T>): Promise<T> {
  const translate = (thrown: unknown): unknown => toWire(engine, thrown);
  const result = await translatingFaults(next, translate);
  return { ...result, output: await translatingFaults(() => Promise.resolve(result.output), translate) };
}

/** The contract's procedures, to be given their handlers. */
export const procedures = implement(contract)
  .$context<ProcedureContext>()
  .use(({ context, next }) => withCodedFaults(context.engine, async () => next()));
